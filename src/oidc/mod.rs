//! OpenID Connect and OAuth 2: apps send people here to sign in, and get tokens back.
//!
//! Promises that an answer goes only to a registered address, that nothing is granted without a good session and consent, that
//! a code and a refresh token are good for one use, and that every refusal is the specification's own word. Owns
//! the pending requests (`authorize:…`, `logout:…`). Only the code flow, with PKCE or, for clients with a secret, a nonce.

mod acr;
mod audience;
mod authorize;
mod backchannel;
pub(crate) mod claims_request;
pub(crate) mod client_authentication;
pub mod consent;
mod discovery;
mod dropped_scopes;
pub mod error;
mod grant_client_credentials;
mod grant_code;
mod grant_refresh;
pub mod http;
pub(crate) mod id_token;
mod interaction;
mod introspect;
mod logout;
mod names;
pub mod pages;
pub mod parameters;
mod path;
mod pending;
pub(crate) mod pkce;
mod refusals;
pub(crate) mod request;
mod request_object;
mod resources;
pub(crate) mod response;
mod response_mode;
mod revoke;
pub(crate) mod token;
pub(crate) mod user_claims;
mod userinfo;

use std::sync::Arc;
use std::time::Duration;

pub use backchannel::BackchannelLogout;
pub use refusals::RecentRefusal;

use crate::base::clock::Clock;
use crate::base::config::ClaimRule;
use crate::base::ids::ClientId;
use crate::clients::{Client, Clients, Metadata};
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::passkeys::Passkeys;
use crate::standing::{Standings, Unavailable};
use crate::tokens::{Timeouts, Tokens};

/// Everything that the protocol needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Oidc {
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    clients: Clients,
    tokens: Tokens,
    passkeys: Passkeys,
    clock: Clock,
    session_idle_timeout: Duration,
    /// The discovery document, which stays the same for the life of a process.
    metadata: Arc<str>,
}

/// What the protocol stands on.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The database: SQLite or PostgreSQL.
    pub database: Database,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// People.
    pub standings: Standings,
    /// Apps.
    pub clients: Clients,
    /// Tokens of clients.
    pub tokens: Tokens,
    /// What people prove themselves with.
    pub passkeys: Passkeys,
    /// The time.
    pub clock: Clock,
}

impl Oidc {
    /// Over the rooms below; a session-bound refresh token that nobody uses ends like a session that nobody uses.
    pub fn new(rooms: Rooms, session_idle_timeout: Duration) -> Self {
        let metadata =
            discovery::metadata(&rooms.tokens.issuer, &rooms.tokens.lifetimes.claims).to_string();
        Self {
            metadata: metadata.into(),
            database: rooms.database,
            ephemeral: rooms.ephemeral,
            standings: rooms.standings,
            clients: rooms.clients,
            tokens: rooms.tokens,
            passkeys: rooms.passkeys,
            clock: rooms.clock,
            session_idle_timeout,
        }
    }

    /// When unused authorizations of a client expire.
    fn timeouts<'a>(&'a self, client: &'a Metadata) -> Timeouts<'a> {
        Timeouts {
            lifetimes: &self.tokens.lifetimes,
            client,
            session_idle_timeout: self.session_idle_timeout,
        }
    }

    /// Who issues: the public URL.
    pub fn issuer(&self) -> &str {
        &self.tokens.issuer
    }

    /// The configured claims.
    pub fn claim_rules(&self) -> &[ClaimRule] {
        &self.tokens.lifetimes.claims
    }

    /// The discovery document, the same at both well-known addresses.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The public keys, and for how long they may be kept.
    pub async fn jwks(&self) -> Result<(serde_json::Value, Duration), Unavailable> {
        let ring = self.tokens.keyring.ring().await?;
        let max_age = self.tokens.lifetimes.jwks_max_age;
        Ok((ring.jwks(self.clock.now()), max_age))
    }

    /// A client that may ask; `None` for one that is disabled or not there.
    pub async fn find_enabled(&self, id: ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        let record = self.clients.find(id).await?;
        Ok(record
            .map(|record| record.client)
            .filter(|client| client.enabled))
    }
}
