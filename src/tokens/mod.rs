//! What apps get: authorizations, codes, access tokens, refresh tokens, and the keys that sign.
//!
//! Promises that nothing is issued without an authorization, that everything issued dies with it, and that a token is good only
//! while the gate ([`Tokens::check`]) says so. Owns `authorizations`, `refresh_families`, `signing_keys`, and the key `keyring`. Knows
//! nothing of the protocol by which apps ask.

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

/// What tokens are judged by, besides their keys.
#[derive(Clone, Debug)]
pub struct Judges {
    /// The database: SQLite or PostgreSQL.
    pub database: Database,
    /// The ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// People.
    pub standings: Standings,
    /// Apps.
    pub clients: Clients,
    /// The keys that sign.
    pub keyring: Keyring,
    /// The time.
    pub clock: Clock,
}

/// Everything that tokens need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens {
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    clients: Clients,
    clock: Clock,
    /// The keys that sign.
    pub keyring: Keyring,
    /// Who makes and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Computes the codes of stored requests.
    pub codes: Codes,
    sealers: AccessTokenSealers,
    /// Who issues: the public URL.
    pub issuer: Arc<str>,
    /// How long everything lives.
    pub lifetimes: Arc<config::Tokens>,
}

impl Tokens {
    /// Over the stores and records that the check of a token reads.
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

    /// Forgets authorizations whose last token ended long ago; how many.
    pub async fn tidy(&self) -> db::Result<usize> {
        let now = self.clock.now();
        let (before, withdrawn_before) = (now.before(KEPT), now.before(WITHDRAWN_KEPT));
        self.database
            .write(move |conn| queries::delete_ended(conn, before, withdrawn_before))
            .await
    }
}

/// How long an authorization is kept after the last token that it could give has ended.
const KEPT: Duration = Duration::from_secs(3_600);

/// How long a withdrawn authorization is kept: longer than any link lives that was created under it.
const WITHDRAWN_KEPT: Duration = Duration::from_secs(31 * 86_400);

/// An app that a person let in: which, what it may ask, since when.
pub type LiveAuthorization = (ClientId, Scopes, Timestamp);

/// The live authorizations of a person, oldest first.
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
