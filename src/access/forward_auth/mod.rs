//! Forward-auth: a proxy asks whether a request is allowed, so that the application behind it needs no authentication code.
//!
//! Forwarded headers are accepted only from configured proxies and only if they are consistent; every request that no policy
//! permits is denied; users are redirected only to hosts that have a route; pending sign-ins and handoff codes are single-use.
//! The session cookie is never used: each protected host has its own forward-auth session (see `sessions`).
//!
//! The public type is [`ForwardAuth`]. This module owns the keys `door-request:…` and `door-ticket:…`.

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

/// The dependencies and the routes of forward-auth. Cheap to clone.
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

/// The dependencies of forward-auth.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// Access decisions.
    pub access: Access,
    /// Sessions and forward-auth sessions.
    pub sessions: Sessions,
    /// Keys that sign the identity tokens.
    pub keyring: Keyring,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// Source of the current time.
    pub clock: Clock,
}

impl ForwardAuth {
    /// Creates forward-auth for these routes; `place` is Doorward's public URL.
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

    /// The protected hosts and their routes.
    pub fn table(&self) -> &RouteTable {
        &self.routes
    }

    /// Doorward's public URL.
    pub fn place(&self) -> &Origin {
        &self.place
    }
}
