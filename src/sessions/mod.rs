//! Sessions of signed-in users: creation, step-up, checks, idle timeout, end.
//!
//! Only a verified ceremony creates or steps up a session. A session is valid only while its user's account state accepts it, and
//! an ended session is never revived. Requests are checked against the live copy in the ephemeral store and the account state;
//! the database row is the history.
//!
//! Provides the extractors [`SignedIn`], [`PageVisitor`] and [`Caller`]. Owns the tables `sessions` and `used_ceremonies`, the
//! live copies (`sess:…`) and last-seen times (`seen:…`) of sessions, their forward-auth sessions (`door:…`), continuations,
//! forms saved for restoring (`form:…`), stored responses to forms (`shown:…`) and the browser cookie.

mod bearer;
mod begin;
mod browser;
mod caller;
mod cap;
mod continuation;
mod cookies;
mod door;
mod end;
mod entry;
mod freshness;
pub mod http;
mod judged;
mod kept_form;
mod key;
mod list;
mod live;
mod named;
mod page_visitor;
mod problems;
mod queries;
mod replace;
mod rotation;
mod shown;
mod shown_pages;
mod signed_in;
mod single_use;
mod state;
mod store;
mod verified;

use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::config;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::standing::Standings;

pub use bearer::Bearer;
pub use begin::{Begun, RaiseError, begin, raise};
pub use browser::Browser;
pub use caller::{Caller, CallerError};
pub use continuation::{Continuation, Destination};
pub use cookies::{BrowserMark, CookieNames, Cookies};
pub use door::{Door, DoorCookies, DoorError, DoorKey, Lent, OpenDoor};
pub use end::{EndError, Ended, end_all, end_every, end_resting_on};
pub use entry::SessionEntry;
pub use freshness::StepUpRequired;
pub use judged::{find_good_passkeys, is_good, was_revoked};
pub use key::SessionKey;
pub use list::SessionView;
pub use live::LiveSession;
pub use named::NamedSession;
pub use page_visitor::{PageVisitor, TurnedAway};
pub use queries::{has_ever_signed_in, is_open};
pub use rotation::accept_previous_key;
pub use shown::{redirect_after_post, routes as shown_routes};
pub use shown_pages::ShownPages;
pub use signed_in::{
    OtherUser, SignedIn, SignedInError, end_in_browser, not_found, sign_in, sign_out,
};
pub use single_use::{SingleUse, UseError};
pub use store::Store;
pub use verified::{Acr, VerifiedCeremony};

/// Configuration and stores of sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    clock: Clock,
    idle_timeout: Duration,
    absolute_lifetime: Duration,
}

impl Sessions {
    /// Creates the service over the stores, with the configured session lifetimes.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        standings: Standings,
        clock: Clock,
        config: &config::Sessions,
    ) -> Self {
        Self {
            database,
            ephemeral,
            standings,
            clock,
            idle_timeout: config.idle_timeout,
            absolute_lifetime: config.absolute_lifetime,
        }
    }
}
