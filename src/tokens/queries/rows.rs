//! The rows of `authorizations` and `refresh_families`, as the rest of the module reads them.

use diesel::{Insertable, Queryable, Selectable};
use serde_json::Value;

use crate::account_state::AuthorizationRef;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, RefreshFamilyId, SessionId, UserId};
use crate::clients::Scopes;
use crate::db::Json;
use crate::db::schema::{authorizations, refresh_families};

/// A stored authorization.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = authorizations)]
pub struct Authorization {
    pub id: AuthorizationId,
    /// ID of the user who consented.
    #[diesel(column_name = user_id)]
    pub user: UserId,
    #[diesel(column_name = client_id)]
    pub client: ClientId,
    /// ID of the session that it belongs to now.
    #[diesel(column_name = session_id)]
    pub session: SessionId,
    /// The session ID (`sid`) that the client got.
    pub sid: SessionId,
    /// The user's session epoch when it was created.
    pub epoch: i64,
    /// The client's epoch for authorizations by users, when it was created.
    pub client_epoch: i64,
    /// IDs of the passkeys that the session depended on when it was created.
    pub passkeys: Json<Vec<PasskeyId>>,
    scopes: Json<Vec<String>>,
    /// URIs of the services that its tokens may be for (RFC 8707).
    pub resources: Json<Vec<String>>,
    /// Individual claims that the request asked for (OpenID Connect Core §5.5).
    pub claims: Json<Value>,
    /// Whether it includes offline access, which outlives the session.
    pub offline: bool,
    /// Nonce of the request, which is repeated in the ID token.
    pub nonce: Option<String>,
    /// Time of the last authentication in the session (`auth_time`).
    pub auth_time: Timestamp,
    /// Authentication context class of the sign-in (`acr`).
    pub acr: String,
    /// Authentication methods of the sign-in (`amr`).
    pub amr: Json<Vec<String>>,
    /// Redirect URI that the code was sent to.
    pub redirect_uri: String,
    /// PKCE code challenge that the code verifier must match (RFC 7636).
    pub code_challenge: Option<String>,
    pub code_expires_at: Timestamp,
    /// When the code was redeemed; `None` if it was not.
    pub code_used_at: Option<Timestamp>,
    /// Absolute end of the session.
    pub session_end: Timestamp,
    /// When it was revoked; `None` if it was not.
    pub revoked_at: Option<Timestamp>,
    /// Reason of the revocation; `None` if it was not revoked.
    pub revoked_reason: Option<String>,
}

/// Parses stored scopes.
pub(super) fn to_scopes(names: &[String]) -> Scopes {
    Scopes::parse(&names.join(" ")).unwrap_or_default()
}

impl Authorization {
    /// Whether the authorization request asked for individual UserInfo claims (OpenID Connect Core §5.5).
    pub fn requests_userinfo_claims(&self) -> bool {
        let requested = self.claims.0.get("userinfo").and_then(Value::as_array);
        requested.is_some_and(|names| !names.is_empty())
    }

    /// The scopes that the user granted the client.
    pub fn scopes(&self) -> Scopes {
        to_scopes(&self.scopes.0)
    }

    /// Returns whether it was withdrawn: it ended neither with its session nor because its user exceeded the cap.
    pub fn was_withdrawn(&self) -> bool {
        self.revoked_at.is_some() && !super::is_ordinary(self.revoked_reason.as_deref())
    }

    /// The reference to check against the user's account state.
    pub fn authorization_ref(&self) -> AuthorizationRef<'_> {
        AuthorizationRef {
            authorization: self.id,
            epoch: self.epoch,
            passkeys: &self.passkeys.0,
        }
    }
}

/// The columns of an authorization that are needed to end it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = authorizations)]
pub(in crate::tokens) struct RetainedAuthorization {
    pub(in crate::tokens) id: AuthorizationId,
    #[diesel(column_name = user_id)]
    pub(in crate::tokens) user: UserId,
    #[diesel(column_name = client_id)]
    pub(in crate::tokens) client: ClientId,
    /// ID of the session that it belongs to now.
    #[diesel(column_name = session_id)]
    pub(in crate::tokens) session: SessionId,
    /// The session ID (`sid`) that the client got.
    pub(in crate::tokens) sid: SessionId,
    pub(in crate::tokens) passkeys: Json<Vec<PasskeyId>>,
    pub(in crate::tokens) offline: bool,
    /// When back-channel logout was handled for it.
    pub(in crate::tokens) notified_at: Option<Timestamp>,
}

/// The family of refresh tokens of one authorization.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = refresh_families)]
pub struct Family {
    pub id: RefreshFamilyId,
    /// ID of the authorization that the family belongs to and ends with.
    #[diesel(column_name = authorization_id)]
    pub authorization: AuthorizationId,
    /// Number of the current token.
    pub generation: i64,
    /// When the current token became current.
    pub rotated_at: Timestamp,
    /// When the family expires, whether or not it is used.
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
}
