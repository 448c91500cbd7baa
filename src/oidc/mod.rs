//! OpenID Connect and OAuth 2.0: the endpoints through which apps sign users in and out, and get tokens.
//!
//! Guarantees that a response is sent only to a registered address, that no authorization is created without a valid session and
//! the consent that the client needs, that a code is used once, that reuse of a rotated refresh token revokes the authorization,
//! and that errors are those of the specifications. Owns the pending requests (`authorize:…`, `logout:…`) and the recent refusals
//! (`refusals:…`) in the ephemeral store. For users, supports only the code flow, with PKCE or, for clients with a secret, a nonce,
//! unless an administrator exempts such a client.

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
mod requested_acr;
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

use crate::account_state::{AccountStates, Unavailable};
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::ClaimRule;
use crate::base::ids::ClientId;
use crate::clients::{Client, Clients, Metadata};
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::passkeys::Passkeys;
use crate::tokens::{LivenessLimits, Tokens};

/// The protocol's rules, with their dependencies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Oidc {
    database: Database,
    ephemeral: Ephemeral,
    account_states: AccountStates,
    clients: Clients,
    tokens: Tokens,
    passkeys: Passkeys,
    clock: Clock,
    session_idle_timeout: Duration,
    /// The discovery document, serialized once per process.
    metadata: Arc<str>,
}

impl Oidc {
    /// Creates the rules. Session-bound refresh tokens expire when unused for `session_idle_timeout`, like sessions.
    pub fn new(tokens: Tokens, passkeys: Passkeys, session_idle_timeout: Duration) -> Self {
        let metadata = discovery::metadata(&tokens.issuer, &tokens.lifetimes.claims);
        Self {
            metadata: metadata.to_string().into(),
            database: tokens.database.clone(),
            ephemeral: tokens.ephemeral.clone(),
            account_states: tokens.account_states.clone(),
            clients: tokens.clients.clone(),
            clock: tokens.clock.clone(),
            tokens,
            passkeys,
            session_idle_timeout,
        }
    }

    /// Returns the limits that separate a client's live authorizations from expired ones at this time.
    fn liveness_limits(&self, client: &Metadata, now: Timestamp) -> LivenessLimits {
        let lifetimes = &self.tokens.lifetimes;
        let access_lifetime = lifetimes.access_lifetime_of(client.access_token_lifetime);
        let offline_idle_timeout = lifetimes.offline_idle_timeout_of(client.offline_idle_timeout);
        LivenessLimits {
            now,
            tokens_issued_after: now.before(access_lifetime),
            offline_used_after: now.before(offline_idle_timeout),
            session_used_after: now.before(self.session_idle_timeout),
        }
    }

    /// Returns the issuer, which is the public URL.
    pub fn issuer(&self) -> &str {
        &self.tokens.issuer
    }

    /// Returns the rules of the configured claims.
    pub fn claim_rules(&self) -> &[ClaimRule] {
        &self.tokens.lifetimes.claims
    }

    /// Returns the public keys, and for how long they may be cached.
    pub async fn jwks(&self) -> Result<(serde_json::Value, Duration), Unavailable> {
        let key_set = self.tokens.keyring.key_set().await?;
        let max_age = self.tokens.lifetimes.jwks_max_age;
        Ok((key_set.jwks(self.clock.now()), max_age))
    }

    /// Returns a client; `None` if it is disabled or does not exist.
    pub async fn find_enabled(&self, id: ClientId) -> Result<Option<Arc<Client>>, Unavailable> {
        let record = self.clients.find(id).await?;
        Ok(record
            .map(|record| record.client)
            .filter(|client| client.enabled))
    }
}
