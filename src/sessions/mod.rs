//! Sessions of signed-in users: creation, step-up, checks, idle timeout, end.
//!
//! Only a verified ceremony creates or steps up a session. A session is valid only while its user's account state accepts it, and
//! an ended session is never revived. Requests are checked against the live copy in the ephemeral store and the account state;
//! the database row is the history.
//!
//! Provides the extractors [`SignedIn`], [`PageVisitor`] and [`Caller`]. Owns the tables `sessions` and `used_tokens`, the
//! live copies (`session:…`) and last-seen times (`last-seen:…`) of sessions, continuations,
//! forms saved for restoring (`form:…`), stored responses to forms (`response:…`) and the browser cookie.

mod bearer;
mod browser;
mod by_id;
mod caller;
mod cap;
mod continuation;
mod cookie_key_rotation;
mod cookies;
mod end;
mod entry;
mod freshness;
pub mod http;
mod key;
mod list;
mod live;
mod new_session;
mod page_visitor;
mod parent_session;
mod post_redirect_get;
mod problems;
mod queries;
mod replace;
mod saved_form;
mod signed_in;
mod single_use;
mod state;
mod store;
mod stored_responses;
mod validity;
mod verified;

use std::time::Duration;

use crate::account_state::AccountStates;
use crate::base::clock::Clock;
use crate::base::config;
use crate::db::Database;
use crate::ephemeral::Ephemeral;

pub use bearer::Bearer;
pub use browser::Browser;
pub use by_id::SessionAuthentication;
pub use caller::{Caller, CallerError};
pub use continuation::{Continuation, Destination};
pub use cookie_key_rotation::accept_previous_key;
pub use cookies::{BrowserCookie, CookieNames, Cookies};
pub use end::{EndError, Ended, end_all, end_all_unrecorded, end_depending_on};
pub use entry::SessionEntry;
pub use freshness::StepUpRequired;
pub use key::{LastSeen, SessionKey};
pub use list::SessionView;
pub use live::LiveSession;
pub use new_session::{NewSession, SessionStepUpError, create, step_up};
pub use page_visitor::{PageAccessError, PageVisitor};
pub use parent_session::ParentSession;
pub use post_redirect_get::{redirect_after_post, routes as stored_response_routes};
pub use queries::{has_ever_signed_in, is_open};
pub use signed_in::{
    OtherUser, SignedIn, SignedInError, not_found, remove_session_cookie, sign_in, sign_out,
};
pub use single_use::{SingleUse, UseError};
pub use store::Store;
pub use stored_responses::StoredResponses;
pub use validity::{find_good_passkeys, is_good, was_revoked};
pub use verified::{Acr, VerifiedCeremony};

/// Configuration and stores of sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    database: Database,
    ephemeral: Ephemeral,
    account_states: AccountStates,
    clock: Clock,
    idle_timeout: Duration,
    absolute_lifetime: Duration,
}

impl Sessions {
    /// Creates the service over the stores, with the configured session lifetimes.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        account_states: AccountStates,
        clock: Clock,
        config: &config::Sessions,
    ) -> Self {
        Self {
            database,
            ephemeral,
            account_states,
            clock,
            idle_timeout: config.idle_timeout,
            absolute_lifetime: config.absolute_lifetime,
        }
    }
}
