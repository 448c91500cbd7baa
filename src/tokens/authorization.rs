//! An authorization: what one person let one client have, in one session, once. It exists before anything is issued; every code,
//! access token and refresh family belongs to one and dies with it.

use std::time::Duration;

use serde_json::Value;

use super::consumed::ConsumedGrant;
use super::queries;
use super::queries::rows::Authorization;
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::clients::Scopes;
use crate::db::{self, Connection};

/// What an authorization is made of: a session that is good, and a request that was granted.
#[derive(Clone, Debug)]
pub struct Grant {
    /// ID of the user who consents.
    pub user: UserId,
    /// ID of the client.
    pub client: ClientId,
    /// In which session.
    pub session: SessionId,
    /// The session's epoch.
    pub epoch: i64,
    /// The client's epoch of what people let it have.
    pub client_epoch: i64,
    /// The passkeys that the session rests on.
    pub passkeys: Vec<PasskeyId>,
    /// The session's last ceremony.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// When the session ends in any case.
    pub session_end: Timestamp,
    /// Scopes of the authorization.
    pub scopes: Scopes,
    /// For which services.
    pub resources: Vec<String>,
    /// Single claims that were asked for.
    pub claims: Value,
    /// To be said again in the ID token.
    pub nonce: Option<String>,
    /// Redirect URI that the code is sent to.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub code_challenge: Option<String>,
}

/// What is known of a code before an authorization is written under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// Nothing.
    Never,
    /// An earlier attempt of the same grant issued it, and it can still be redeemed.
    Redeemable,
    /// An earlier attempt issued it, and it ended before anybody redeemed it.
    Expired,
    /// It was redeemed or revoked, or belongs to another person or client.
    Gone,
}

/// Whether a code of this person and client was issued before. The caller holds the person's standing.
pub fn find_issued(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    code: &TokenHash,
    now: Timestamp,
) -> db::Result<Issued> {
    let Some(found) = queries::find_by_code(conn, code)? else {
        return Ok(Issued::Never);
    };
    let is_same = (found.user, found.client) == (user, client);
    if !is_same || found.code_used_at.is_some() || found.revoked_at.is_some() {
        return Ok(Issued::Gone);
    }
    if now < found.code_expires_at {
        Ok(Issued::Redeemable)
    } else {
        Ok(Issued::Expired)
    }
}

/// Writes an authorization under its code. The caller holds the person's standing and found the session good. Times by the
/// clock that ends tokens: `now`.
pub fn authorize(
    conn: &mut Connection,
    grant: &Grant,
    code: &TokenHash,
    now: Timestamp,
    lifetimes: &config::Tokens,
) -> db::Result<AuthorizationId> {
    let id = AuthorizationId::random();
    let code_expires_at = now.after(lifetimes.code_lifetime);
    let times = queries::Times {
        now,
        code_expires_at,
        // Nobody may redeem it: then it is soon forgotten.
        keep_until: code_expires_at.after(SLACK),
    };
    queries::insert(conn, id, grant, code, &times)?;
    Ok(id)
}

/// How much longer than its last token, or its code, an authorization is kept.
const SLACK: Duration = Duration::from_secs(86_400);

/// Redeems an authorization code; `None` if it was redeemed before. One conditional write decides: of any number of callers exactly
/// one succeeds. The authorization is kept from now on until the last token that it can give has expired; `offline_lifetime` is the
/// client's.
pub fn redeem_code(
    conn: &mut Connection,
    authorization: &Authorization,
    now: Timestamp,
    (lifetimes, offline_lifetime): (&config::Tokens, Duration),
) -> db::Result<Option<ConsumedGrant>> {
    let last = if authorization.offline {
        let offline_end = now.after(offline_lifetime);
        authorization.session_end.max(offline_end)
    } else {
        authorization.session_end
    };
    // What is issued in the last moment lives a little longer than what it is issued under.
    let keep_until = last.after(lifetimes.access_lifetime).after(SLACK);
    if !queries::mark_code_used(conn, authorization.id, now, keep_until)? {
        return Ok(None);
    }
    Ok(queries::find(conn, authorization.id)?.map(ConsumedGrant::new))
}
