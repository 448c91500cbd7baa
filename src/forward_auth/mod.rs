//! Forward-auth: a proxy asks whether a request is allowed, so that the application behind it needs no authentication code.
//!
//! Forwarded headers are accepted only from configured proxies and only if they are consistent; every request that no policy
//! permits is denied; users are redirected only to hosts that have a route; pending sign-ins and handoff codes are single-use.
//! The session cookie is never used: each protected host has its own forward-auth session, whose parent is the user's session.
//!
//! The public type is [`ForwardAuth`]. This module owns the keys `forward-auth-session:…`, `forward-auth-request:…` and
//! `forward-auth-code:…`, and the cookies at the protected hosts.

mod check;
mod fetch_metadata;
mod forwarded;
pub mod http;
mod identity;
mod pages;
pub mod routes;
mod session;
mod sign_in_flow;
mod target;

use std::sync::Arc;

pub use check::{CheckOutcome, CheckRequest, Denial};
pub use fetch_metadata::FetchMetadata;
pub use forwarded::{ForwardedHeaders, ForwardedRequest, ForwardedRequestError, ProxyProtocol};
pub use http::ForwardAuthCookies;
pub use pages::routes as page_routes;
pub use session::{CheckedForwardAuthSession, ForwardAuthSessionError, ForwardAuthSessionKey};
pub use sign_in_flow::{FlowError, PendingSignIn};
pub use target::{Target, TargetFault};

use crate::base::clock::Clock;
use crate::base::config::Origin;
use crate::ephemeral::Ephemeral;
use crate::policies::DecisionEngine;
use crate::sessions::Sessions;
use crate::tokens::Keyring;
use routes::RouteTable;

/// The dependencies and the routes of forward-auth. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ForwardAuth {
    engine: DecisionEngine,
    sessions: Sessions,
    keyring: Keyring,
    ephemeral: Ephemeral,
    clock: Clock,
    routes: Arc<RouteTable>,
    public_url: Origin,
}

/// The dependencies of forward-auth.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// Access decisions.
    pub engine: DecisionEngine,
    /// Sessions, the parents of forward-auth sessions.
    pub sessions: Sessions,
    /// Keys that sign the identity tokens.
    pub keyring: Keyring,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// Source of the current time.
    pub clock: Clock,
}

impl ForwardAuth {
    /// Creates forward-auth for these routes; `public_url` is Doorward's public URL.
    pub fn new(dependencies: Dependencies, routes: RouteTable, public_url: Origin) -> Self {
        Self {
            engine: dependencies.engine,
            sessions: dependencies.sessions,
            keyring: dependencies.keyring,
            ephemeral: dependencies.ephemeral,
            clock: dependencies.clock,
            routes: Arc::new(routes),
            public_url,
        }
    }

    /// The protected hosts and their routes.
    pub fn table(&self) -> &RouteTable {
        &self.routes
    }

    /// Doorward's public URL.
    pub fn public_url(&self) -> &Origin {
        &self.public_url
    }
}
