//! What Doorward issues to clients: authorizations, codes, access tokens and refresh tokens, and the keys that sign them.
//!
//! Guarantees that nothing is issued for a user without an authorization, that everything issued ends with it, and that a
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

pub use access_token::{AccessTokenSealers, TokenTarget, seconds};
pub use authorization::{CodeState, NewAuthorization, authorize, find_code_state, retain_until};
pub use cap::enforce_cap;
pub use check::{CachedTokenState, IdentifiedToken, TokenError, TokenHolder, ValidToken};
pub use code::CodeDeriver;
pub use consumed::ConsumedGrant;
pub use keys::Keyring;
pub use queries::families;
pub use queries::rows::Authorization;
pub use queries::{
    LivenessLimits, find, find_by_code, find_session_of_sid, has_sid, list_live_of, move_session,
    redeem_code, was_withdrawn,
};
pub use refresh::RefreshTokens;
pub use revoke::SessionEnd;

use crate::account_state::AccountStates;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config;
use crate::base::ids::ClientId;
use crate::clients::{Clients, Scopes};
use crate::db::{self, Database};
use crate::ephemeral::Ephemeral;

/// Issues and checks tokens. Cheap to clone.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "refresh tokens are called so")]
pub struct Tokens {
    pub(crate) database: Database,
    pub(crate) ephemeral: Ephemeral,
    pub(crate) account_states: AccountStates,
    pub(crate) clients: Clients,
    pub(crate) clock: Clock,
    pub keyring: Keyring,
    /// Writes and reads refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Computes the codes of stored requests.
    pub code_deriver: CodeDeriver,
    pub(crate) sealers: AccessTokenSealers,
    /// Issuer of all tokens: the public URL.
    pub issuer: Arc<str>,
    pub lifetimes: Arc<config::Tokens>,
}

impl Tokens {
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
