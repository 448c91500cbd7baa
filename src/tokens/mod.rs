//! What Doorward issues to clients: authorizations, codes, access tokens and refresh tokens, and the keys that sign them.
//!
//! Guarantees that nothing is issued without an authorization, that everything issued ends with its authorization, and that a
//! token is only accepted while [`Tokens::check`] finds it valid. Owns `authorizations`, `refresh_families`, `signing_keys`, and
//! the key `keyring` in the ephemeral store. Knows nothing of the protocol by which clients request tokens.

pub mod access_token;
mod authorization;
mod cap;
mod check;
mod code;
mod consumed;
pub(crate) mod issued_state;
pub mod keys;
mod queries;
pub mod refresh;
pub mod revoke;

use std::sync::Arc;
use std::time::Duration;

pub use access_token::{AccessClaims, AccessTokenSealers, IssuedToken, TokenTarget, seconds};
pub use authorization::{CodeState, NewAuthorization, authorize, find_code_state, redeem_code};
pub use cap::{Timeouts, enforce_cap};
pub use check::{CachedTokenState, IdentifiedToken, TokenError, TokenHolder, ValidToken, may_use};
pub use code::CodeDeriver;
pub use consumed::ConsumedGrant;
pub use keys::Keyring;
pub use queries::rows::Authorization;
pub use queries::{find, find_by_code, find_session_of_sid, has_sid, move_session, was_withdrawn};
pub use refresh::RefreshTokens;
pub use revoke::SessionEnd;

use crate::account_state::AccountStates;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config;
use crate::base::ids::{ClientId, UserId};
use crate::clients::{Clients, Scopes};
use crate::db::{self, Connection, Database};
use crate::ephemeral::Ephemeral;

/// The stores and records that tokens are checked against.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The database: SQLite or PostgreSQL.
    pub database: Database,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// Account states of users.
    pub account_states: AccountStates,
    /// Registered clients.
    pub clients: Clients,
    /// The signing keys.
    pub keyring: Keyring,
    /// The application's clock.
    pub clock: Clock,
}

/// Issues and checks tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens {
    database: Database,
    ephemeral: Ephemeral,
    account_states: AccountStates,
    clients: Clients,
    clock: Clock,
    /// The signing keys.
    pub keyring: Keyring,
    /// Writes and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Computes the codes of stored requests.
    pub code_deriver: CodeDeriver,
    sealers: AccessTokenSealers,
    /// Issuer of all tokens: the public URL.
    pub issuer: Arc<str>,
    /// Configured lifetimes of codes and tokens.
    pub lifetimes: Arc<config::Tokens>,
}

impl Tokens {
    /// Creates the service from the stores and keys that it uses.
    pub fn new(
        dependencies: Dependencies,
        refresh_tokens: RefreshTokens,
        code_deriver: CodeDeriver,
        sealers: AccessTokenSealers,
        config: &config::Config,
    ) -> Self {
        Self {
            database: dependencies.database,
            ephemeral: dependencies.ephemeral,
            account_states: dependencies.account_states,
            clients: dependencies.clients,
            clock: dependencies.clock,
            keyring: dependencies.keyring,
            refresh_tokens,
            code_deriver,
            sealers,
            issuer: config.server.public_url.as_str().into(),
            lifetimes: Arc::new(config.tokens.clone()),
        }
    }

    /// Deletes authorizations that ended long ago. Returns how many.
    pub async fn delete_expired(&self) -> db::Result<usize> {
        let now = self.clock.now();
        let (before, withdrawn_before) = (now.before(RETENTION), now.before(WITHDRAWN_RETENTION));
        self.database
            .write(move |conn| queries::delete_ended(conn, before, withdrawn_before))
            .await
    }
}

/// How long an authorization is stored after its `retain_until`.
const RETENTION: Duration = Duration::from_secs(3_600);

/// How long a withdrawn authorization is stored after its withdrawal: longer than any link lives that was created under it.
const WITHDRAWN_RETENTION: Duration = Duration::from_secs(31 * 86_400);

/// A client that a user authorized: its ID, the scopes, and when.
pub type LiveAuthorization = (ClientId, Scopes, Timestamp);

/// Returns the user's live authorizations, oldest first.
pub fn list_live_of(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
) -> db::Result<Vec<LiveAuthorization>> {
    let rows = queries::list_live_of(conn, user, epoch, now)?;
    Ok(rows
        .into_iter()
        .map(|(client, scopes, at)| {
            let scopes = Scopes::parse(&scopes.join(" ")).unwrap_or_default();
            (client, scopes, at)
        })
        .collect())
}
