//! An authorization: what one person let one client have, in one session, once. It exists before anything is issued; every code,
//! access token and refresh family belongs to one and dies with it.

use std::time::Duration;

use serde_json::Value;

use super::queries;
use super::queries::rows::Authorization;
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::clients::{Scope, Scopes};
use crate::db::{self, Connection};

/// What an authorization is made of: a session that is good, and a request that was granted.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who lets.
    pub user: UserId,
    /// Whom.
    pub client: ClientId,
    /// In which session.
    pub session: SessionId,
    /// The session's epoch.
    pub epoch: i64,
    /// The passkeys that the session rests on.
    pub passkeys: Vec<PasskeyId>,
    /// The session's last ceremony.
    pub auth_time: Timestamp,
    /// How strong it was.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// When the session ends in any case.
    pub session_end: Timestamp,
    /// What the client may ask.
    pub scopes: Scopes,
    /// For which services.
    pub resources: Vec<String>,
    /// Single claims that were asked for.
    pub claims: Value,
    /// To be said again in the ID token.
    pub nonce: Option<String>,
    /// Where the code is sent.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub code_challenge: Option<String>,
}

/// Writes an authorization and makes its code. The caller holds the person's standing and found the session good. Times by
/// the clock that ends tokens: `now`.
///
/// # Errors
/// When the database is away.
pub fn authorize(
    conn: &mut Connection,
    grant: &Grant,
    now: Timestamp,
    lifetimes: &config::Tokens,
) -> db::Result<(AuthorizationId, Token)> {
    let code = Token::generate();
    let id = AuthorizationId::random();
    let offline = grant.scopes.contains(Scope::OfflineAccess);
    let last = if offline {
        grant.session_end.max(now.after(lifetimes.offline_lifetime))
    } else {
        grant.session_end
    };
    // What was issued in the last moment lives a little longer than what it was issued under.
    let keep_until = last.after(lifetimes.access_lifetime).after(SLACK);
    let times = queries::Times {
        now,
        code_expires_at: now.after(lifetimes.code_lifetime),
        keep_until,
    };
    queries::insert(conn, id, grant, &code.hash(), &times)?;
    Ok((id, code))
}

/// How much longer than its last token an authorization is kept.
const SLACK: Duration = Duration::from_secs(86_400);

/// The authorization that a code belongs to, used or not; `None` for a code that never was or is long gone.
///
/// # Errors
/// When the database is away.
pub fn find_by_code(conn: &mut Connection, code: &TokenHash) -> db::Result<Option<Authorization>> {
    queries::find_by_code(conn, code)
}

/// Marks a code as used; `false` when it was used before. One conditional write: of any number of callers one gets `true`.
///
/// # Errors
/// When the database is away.
pub fn use_code(conn: &mut Connection, id: AuthorizationId, now: Timestamp) -> db::Result<bool> {
    queries::use_code(conn, id, now)
}

/// One authorization.
///
/// # Errors
/// When the database is away.
pub fn find(conn: &mut Connection, id: AuthorizationId) -> db::Result<Option<Authorization>> {
    queries::find(conn, id)
}
