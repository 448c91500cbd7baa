//! Sessions of signed-in users: creation, step-up, checks, idle timeout, end.
//!
//! Only a verified ceremony creates or steps up a session. A session is valid only while its user's account state accepts it, and
//! an ended session is never revived. Requests are checked against the live copy in the ephemeral store and the account state;
//! the database row is the history.
//!
//! Provides the extractors [`SignedIn`], [`PageVisitor`] and [`Caller`]. Owns the tables `sessions` and `used_tokens`, the
//! live copies (`session:…`) and last-seen times (`last-seen:…`) of sessions, continuations,
//! forms saved for restoring (`form:…`), stored responses to forms (`response:…`) and the browser cookie.

mod acr;
mod bearer;
mod browser;
mod by_id;
mod caller;
mod cap;
mod continuation;
mod cookie_key_rotation;
mod cookies;
mod end;
mod end_replaced;
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
mod saved_form;
mod signed_in;
mod single_use;
mod state;
mod step_up;
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
use crate::tokens::Tokens;

pub use acr::Acr;
pub use browser::Browser;
pub use by_id::SessionAuthentication;
pub use caller::{Caller, CallerError};
pub use continuation::{Continuation, Destination};
pub use cookie_key_rotation::accept_previous_key;
pub use cookies::{BrowserCookie, Cookies};
pub use end::{EndError, Ended, end_all, end_all_unrecorded, end_depending_on};
pub use entry::SessionEntry;
pub use freshness::StepUpRequired;
pub use key::SessionKey;
pub use list::SessionView;
pub use live::LiveSession;
pub use new_session::{NewSession, create};
pub use page_visitor::{PageAccessError, PageVisitor};
pub use parent_session::ParentSession;
pub use post_redirect_get::{redirect_after_post, routes as stored_response_routes};
pub use queries::{has_ever_signed_in, is_open};
pub use signed_in::{SignedIn, SignedInError, not_found, remove_session_cookie, sign_in, sign_out};
pub use single_use::{SingleUse, UseError};
pub use step_up::{SessionStepUpError, step_up};
pub use stored_responses::StoredResponses;
pub use validity::{find_valid_passkeys, is_valid, was_revoked};
pub use verified::VerifiedCeremony;

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
    /// Creates the service with the configured session lifetimes.
    pub fn new(tokens: &Tokens, config: &config::Sessions) -> Self {
        Self {
            database: tokens.database.clone(),
            ephemeral: tokens.ephemeral.clone(),
            account_states: tokens.account_states.clone(),
            clock: tokens.clock.clone(),
            idle_timeout: config.idle_timeout,
            absolute_lifetime: config.absolute_lifetime,
        }
    }
}
