//! Forward-auth: a proxy asks whether a request may pass, and the application behind it has no code for that.
//!
//! Promises that what a proxy forwards is believed from configured proxies alone and in one reading, that whatever is not
//! permitted is denied, that a person is never sent to a host in no route, and that a ticket and a waiting request are
//! good once. Hands out [`ForwardAuth`]. Owns the keys `door-request:…` and `door-ticket:…`. Refuses the session's own cookie:
//! each protected host has a door (`sessions`).

mod ask;
mod forwarded;
pub mod http;
mod identity;
mod pages;
mod sender;
mod target;
mod way_in;

use std::sync::Arc;

pub use ask::{Refusal, Verdict, Visit};
pub use forwarded::{Asked, Dialect, ForwardFault, Forwarded};
pub use pages::routes as page_routes;
pub use sender::Sender;
pub use target::{Target, TargetFault};
pub use way_in::{Pending, WayError};

use super::Access;
use super::routes::RouteTable;
use crate::base::clock::Clock;
use crate::base::config::Origin;
use crate::ephemeral::Ephemeral;
use crate::sessions::Sessions;
use crate::tokens::Keyring;

/// Everything that forward-auth needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ForwardAuth {
    access: Access,
    sessions: Sessions,
    keyring: Keyring,
    ephemeral: Ephemeral,
    clock: Clock,
    routes: Arc<RouteTable>,
    place: Origin,
}

/// What forward-auth stands on.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The policies.
    pub access: Access,
    /// Sessions of users.
    pub sessions: Sessions,
    /// Under what tokens are signed.
    pub keyring: Keyring,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// The time.
    pub clock: Clock,
}

impl ForwardAuth {
    /// Over the rooms below, for these routes, at this place.
    pub fn new(rooms: Rooms, routes: RouteTable, place: Origin) -> Self {
        Self {
            access: rooms.access,
            sessions: rooms.sessions,
            keyring: rooms.keyring,
            ephemeral: rooms.ephemeral,
            clock: rooms.clock,
            routes: Arc::new(routes),
            place,
        }
    }

    /// What is protected.
    pub fn table(&self) -> &RouteTable {
        &self.routes
    }

    /// The public URL.
    pub fn place(&self) -> &Origin {
        &self.place
    }
}
