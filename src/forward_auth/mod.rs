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
mod protected_host;
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
pub use session::{CheckedForwardAuthSession, ForwardAuthSessionKey};
pub use sign_in_flow::FlowError;
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
    pub(crate) engine: DecisionEngine,
    pub(crate) sessions: Sessions,
    pub(crate) keyring: Keyring,
    pub(crate) ephemeral: Ephemeral,
    pub(crate) clock: Clock,
    pub(crate) routes: Arc<RouteTable>,
    pub(crate) public_url: Origin,
}
