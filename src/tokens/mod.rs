//! What Doorward issues to clients: authorizations, codes, access tokens and refresh tokens, and the keys that sign them.
//!
//! Guarantees that nothing is issued without an authorization, that everything issued ends with its authorization, and that a
//! token is only accepted while [`Tokens::check`] finds it valid. Owns `authorizations`, `refresh_families`, `signing_keys`, and
//! the key `keyring` in the ephemeral store. Knows nothing of the protocol by which clients request tokens.

pub mod access_token;
mod authorization;
mod cap;
mod code;
mod consumed;
mod gate;
pub(crate) mod issuance;
pub mod keys;
mod queries;
pub mod refresh;
pub mod revoke;

use std::sync::Arc;
use std::time::Duration;

pub use access_token::{AccessClaims, AccessTokenSealers, IssuedToken, TokenTarget, seconds};
pub use authorization::{Grant, Issued, authorize, find_issued, redeem_code};
pub use cap::{Timeouts, make_room};
pub use code::Codes;
pub use consumed::ConsumedGrant;
pub use gate::{GoodToken, KnownToken, TokenCopies, TokenError, TokenHolder, may_use};
pub use keys::Keyring;
pub use queries::rows::Authorization;
pub use queries::{
    find, find_by_code, find_session_of_sid, knows_sid, move_session, was_withdrawn,
};
pub use refresh::RefreshTokens;
pub use revoke::SessionEnd;

use crate::base::clock::{Clock, Timestamp};
use crate::base::config;
use crate::base::ids::{ClientId, UserId};
use crate::clients::{Clients, Scopes};
use crate::db::{self, Connection, Database};
use crate::ephemeral::Ephemeral;
use crate::standing::Standings;

/// The stores and records that tokens are checked against.
#[derive(Clone, Debug)]
pub struct Judges {
    /// The database: SQLite or PostgreSQL.
    pub database: Database,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// Account states of users.
    pub standings: Standings,
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
    standings: Standings,
    clients: Clients,
    clock: Clock,
    /// The signing keys.
    pub keyring: Keyring,
    /// Writes and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Computes the codes of stored requests.
    pub codes: Codes,
    sealers: AccessTokenSealers,
    /// Issuer of all tokens: the public URL.
    pub issuer: Arc<str>,
    /// Configured lifetimes of codes and tokens.
    pub lifetimes: Arc<config::Tokens>,
}

impl Tokens {
    /// Creates the service from the stores and keys that it uses.
    pub fn new(
        judges: Judges,
        refresh_tokens: RefreshTokens,
        codes: Codes,
        sealers: AccessTokenSealers,
        config: &config::Config,
    ) -> Self {
        Self {
            database: judges.database,
            ephemeral: judges.ephemeral,
            standings: judges.standings,
            clients: judges.clients,
            clock: judges.clock,
            keyring: judges.keyring,
            refresh_tokens,
            codes,
            sealers,
            issuer: config.server.public_url.as_str().into(),
            lifetimes: Arc::new(config.tokens.clone()),
        }
    }

    /// Deletes authorizations that ended long ago. Returns how many.
    pub async fn tidy(&self) -> db::Result<usize> {
        let now = self.clock.now();
        let (before, withdrawn_before) = (now.before(KEPT), now.before(WITHDRAWN_KEPT));
        self.database
            .write(move |conn| queries::delete_ended(conn, before, withdrawn_before))
            .await
    }
}

/// How long an authorization is stored after its `keep_until`.
const KEPT: Duration = Duration::from_secs(3_600);

/// How long a withdrawn authorization is stored after its withdrawal: longer than any link lives that was created under it.
const WITHDRAWN_KEPT: Duration = Duration::from_secs(31 * 86_400);

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
