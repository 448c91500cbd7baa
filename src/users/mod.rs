//! Users: their accounts, usernames and roles, the invitations and links by which they join, and suspension.
//!
//! Guarantees that a username is never given to another user once a user signed in with it, that there is always an administrator
//! who can sign in, and that a single-use link is used only once. Owns `users`, `usernames`, `roles`, `user_roles`, `invitations`
//! and the one `setup` row. Doesn't depend on how users authenticate.

mod email_state;
mod fields;
mod fold_names;
pub mod http;
mod installation;
mod invitation;
mod invitations;
mod invite;
mod invite_new;
mod inviter_check;
mod join;
mod last_administrator;
mod link_creator;
mod lookup;
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

use std::time::Duration;

use crate::account_state::AccountStates;
use crate::base::clock::Clock;
use crate::base::config::{self, Origin};
use crate::base::ids::UserId;
use crate::db::{self, Connection, Database};
use crate::sessions::Sessions;

pub use email_state::EmailState;
pub use fields::{DisplayName, Email, FieldError, RoleDescription, RoleName, Username};
pub use fold_names::fold_names;
pub use installation::{InstallationError, check_installation};
pub use invitation::{Invitation, InvitationLink, InviteError, NewInvitation};
pub use invitations::{InvitationError, InvitationFilter, InvitationState, InvitationView};
pub use inviter_check::{
    void_links_beyond_resource_roles, void_links_by_token, void_links_through_client,
};
pub use join::{
    JoinError, JoinRequest, OpenInvitation, accept, lock_invitation_parties, open_invitation,
    require_unused_username,
};
pub use last_administrator::{LastAdministrator, require_another_administrator};
pub(crate) use lookup::resolve;
pub use lookup::{LookupError, UserFilter, UserListPosition};
pub use past::{find_as_of, find_current_or_former};
pub use permissions::{ManagementRights, Permissions};
pub use purpose::LinkPurpose;
pub use queries::{find_user as find, list_ids, mark_username_used, missing_role};
pub use role::{Role, RoleError, RoleUse};
pub use roles::RoleChange;
pub use search_names::UserCursor;
pub use set_up::{SetUpError, SetUpLink, complete_set_up, open_set_up};
pub use update::{UpdateError, UserChange};
pub use user::{User, UserView};
pub use usernames::{ReleaseError, UsernameView};

/// How long an invitation is valid by default.
pub const DEFAULT_INVITATION_TTL: Duration = Duration::from_secs(7 * 86_400);

/// The entry point of this module, with its dependencies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Users {
    pub(crate) database: Database,
    account_states: AccountStates,
    sessions: Sessions,
    clock: Clock,
    public_url: Origin,
    config: config::Users,
    has_resource_roles: HasResourceRoles,
}

/// Reads whether a user holds roles on any resource. Passed in by the caller, because another module owns role assignments.
pub type HasResourceRoles = fn(&mut Connection, UserId) -> db::Result<bool>;

impl Users {
    /// Creates the entry point. Links are created below `public_url`. For users for whom `has_resource_roles` is true, only clients with
    /// the scope for role assignments may create links.
    pub fn new(
        database: Database,
        account_states: AccountStates,
        sessions: Sessions,
        clock: Clock,
        public_url: Origin,
        config: config::Users,
        has_resource_roles: HasResourceRoles,
    ) -> Self {
        Self {
            database,
            account_states,
            sessions,
            clock,
            public_url,
            config,
            has_resource_roles,
        }
    }
}
