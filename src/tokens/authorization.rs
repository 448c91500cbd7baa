//! An authorization: what one user allowed one client in one session, by one authorization request. It is written before anything
//! is issued; every code, access token and refresh-token family belongs to one authorization and ends with it.

use std::time::Duration;

use serde_json::Value;

use super::queries;
use super::queries::rows::Authorization;
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::clients::Scopes;
use crate::db::{self, Connection};

/// The data of a new authorization: from a valid session and a request that was granted.
#[derive(Clone, Debug)]
pub struct NewAuthorization {
    pub user: UserId,
    pub client: ClientId,
    pub session: SessionId,
    /// The user's session epoch under which the session is valid.
    pub epoch: i64,
    /// The client's epoch for authorizations by users.
    pub client_epoch: i64,
    pub passkeys: Vec<PasskeyId>,
    /// Time of the last authentication in the session (`auth_time`).
    pub auth_time: Timestamp,
    /// Authentication context class of the sign-in (`acr`).
    pub acr: String,
    /// Authentication methods of the sign-in (`amr`).
    pub amr: Vec<String>,
    pub session_end: Timestamp,
    pub scopes: Scopes,
    /// URIs of the services that the tokens may be for (RFC 8707).
    pub resources: Vec<String>,
    /// Individual claims that the request asked for (OpenID Connect Core §5.5).
    pub claims: Value,
    /// Nonce of the request, which is repeated in the ID token.
    pub nonce: Option<String>,
    pub redirect_uri: String,
    pub code_challenge: Option<String>,
}

/// State of a code before an authorization is written under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// No authorization has this code.
    NotIssued,
    /// An earlier attempt of the same grant issued the code, and it can still be redeemed.
    Redeemable,
    /// An earlier attempt issued the code, and it expired before it was redeemed.
    Expired,
    /// The code was redeemed or revoked, or belongs to another user or client.
    Gone,
}

/// Returns whether a code of this user and client was issued before. The caller must hold the lock of the user's account state.
pub fn find_code_state(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    code: &TokenHash,
    now: Timestamp,
) -> db::Result<CodeState> {
    let Some(found) = queries::find_by_code(conn, code)? else {
        return Ok(CodeState::NotIssued);
    };
    let is_same = (found.user, found.client) == (user, client);
    if !is_same || found.code_used_at.is_some() || found.revoked_at.is_some() {
        return Ok(CodeState::Gone);
    }
    if now < found.code_expires_at {
        Ok(CodeState::Redeemable)
    } else {
        Ok(CodeState::Expired)
    }
}

/// Stores an authorization under the hash of its code. The caller must hold the lock of the user's account state and have checked
/// the session. `now` is the time of the application's clock, by which tokens expire.
pub fn authorize(
    conn: &mut Connection,
    grant: &NewAuthorization,
    code: &TokenHash,
    now: Timestamp,
    lifetimes: &config::Tokens,
) -> db::Result<AuthorizationId> {
    let id = AuthorizationId::random();
    let code_expires_at = now.after(lifetimes.code_lifetime);
    let times = queries::Times {
        now,
        code_expires_at,
        // If the code is never redeemed, the authorization can be deleted soon.
        retain_until: code_expires_at.after(RETENTION_MARGIN),
    };
    queries::insert(conn, id, grant, code, &times)?;
    Ok(id)
}

/// How long an authorization is stored after its last token, or its unredeemed code, has expired.
const RETENTION_MARGIN: Duration = Duration::from_secs(86_400);

/// Returns until when an authorization is stored whose code is redeemed now: until the last token that it can issue has expired.
/// `offline_lifetime` is the client's lifetime of offline access.
pub fn retain_until(
    authorization: &Authorization,
    now: Timestamp,
    (lifetimes, offline_lifetime): (&config::Tokens, Duration),
) -> Timestamp {
    let last = if authorization.offline {
        let offline_end = now.after(offline_lifetime);
        authorization.session_end.max(offline_end)
    } else {
        authorization.session_end
    };
    // An access token that is issued just before the authorization ends outlives it by up to its own lifetime.
    last.after(lifetimes.access_lifetime)
        .after(RETENTION_MARGIN)
}
