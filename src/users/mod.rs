//! Users: their accounts, usernames and roles, the invitations and links by which they join, and suspension.
//!
//! Guarantees that a username is never given to another user once a user signed in with it, that there is always an administrator
//! who can sign in, and that a single-use link is used only once. Owns `users`, `usernames`, `roles`, `user_roles`, `invitations`
//! the one `setup` row, and the copies `user:{user}` in the ephemeral store. Doesn't depend on how users authenticate.

mod current;
mod email_state;
mod fields;
mod fold_names;
pub mod http;
mod installation;
mod invitation;
mod invite;
mod join;
mod last_administrator;
mod link_creator;
mod link_validity;
mod lookup;
mod manage_invitations;
mod past;
mod permissions;
mod purpose;
mod queries;
mod role;
mod roles;
mod search_names;
mod set_up;
mod sign_out;
mod suspend;
mod update;
mod user;
mod usernames;

use crate::account_state::AccountStates;
use crate::base::clock::Clock;
use crate::base::config::{self, Origin};
use crate::base::ids::UserId;
use crate::db::{self, Connection, Database};
use crate::sessions::Sessions;

pub use current::{copy_key, find_current};
pub use email_state::EmailState;
pub use fields::{DisplayName, Email, RoleDescription, RoleName, Username};
pub use fold_names::fold_names;
pub use installation::{InstallationError, check_installation};
pub use invitation::{Invitation, InvitationLink, InviteError, NewInvitation};
pub use join::{JoinRequest, accept, lock_invitation_parties, require_unused_username};
pub use last_administrator::{LastAdministrator, require_another_administrator};
pub use link_validity::{
    InvitationState, JoinError, OpenInvitation, open_invitation, void_links_beyond_resource_roles,
    void_links_by_token, void_links_through_client,
};
pub(crate) use lookup::resolve;
pub use lookup::{LookupError, UserFilter, UserListPosition};
pub use manage_invitations::{InvitationError, InvitationFilter, InvitationView};
pub use past::{find_as_of, find_current_or_former};
pub use permissions::{ManagementRights, Permissions, Permit};
pub use purpose::LinkPurpose;
pub use queries::{find_user as find, list_ids, mark_username_used, missing_role};
pub use role::{Role, RoleError, RoleUse};
pub use roles::RoleChange;
pub use search_names::UserCursor;
pub use set_up::{SetUpError, SetUpLink, complete_set_up, open_set_up};
pub use update::{UpdateError, UserChange};
pub use user::{User, UserView};
pub use usernames::{ReleaseError, UsernameView};

/// The entry point of this module, with its dependencies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Users {
    pub(crate) database: Database,
    pub(crate) account_states: AccountStates,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Clock,
    /// The origin of links.
    pub(crate) public_url: Origin,
    pub(crate) config: config::Users,
    /// For users for whom it is true, only clients with the scope for role assignments may create links.
    pub(crate) has_resource_roles: HasResourceRoles,
}

/// Reads whether a user holds roles on any resource. Passed in by the caller, because another module owns role assignments.
pub type HasResourceRoles = fn(&mut Connection, UserId) -> db::Result<bool>;
