//! The rows of `authorizations` and `refresh_families`, as the rest of the room reads them.

use diesel::Queryable;
use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, RefreshFamilyId, SessionId, UserId};
use crate::clients::Scopes;
use crate::db::Json;
use crate::standing::AuthorizationClaim;

/// One authorization, as it is kept.
#[derive(Clone, Debug, Queryable)]
pub struct Authorization {
    /// ID of the authorization.
    pub id: AuthorizationId,
    /// ID of the user who consented.
    pub user: UserId,
    /// ID of the client.
    pub client: ClientId,
    /// The session that it hangs on now.
    pub session: SessionId,
    /// The `sid` that the client was told.
    pub sid: SessionId,
    /// The person's epoch then.
    pub epoch: i64,
    /// The client's epoch of what people let it have.
    pub client_epoch: i64,
    /// The passkeys that the session rested on then.
    pub passkeys: Json<Vec<PasskeyId>>,
    scopes: Json<Vec<String>>,
    /// For which services (RFC 8707).
    pub resources: Json<Vec<String>>,
    /// Single claims that were asked for (OpenID Connect Core §5.5).
    pub claims: Json<Value>,
    /// Whether it outlives the session.
    pub offline: bool,
    /// To be said again in the ID token.
    pub nonce: Option<String>,
    /// The last ceremony of the session then.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// By which means.
    pub amr: Json<Vec<String>>,
    /// Redirect URI that the code was sent to.
    pub redirect_uri: String,
    #[expect(dead_code, reason = "a column of the row; looked for, never looked at")]
    code_hash: Vec<u8>,
    /// What the redemption must be the origin of (RFC 7636).
    pub code_challenge: Option<String>,
    /// Until when the code is good.
    pub code_expires_at: Timestamp,
    /// Time at which the code was redeemed; `None`: not yet.
    pub code_used_at: Option<Timestamp>,
    /// When it was made.
    #[cfg_attr(
        feature = "dead-code",
        allow(dead_code, reason = "a column of the row that is only filtered by")
    )]
    pub created_at: Timestamp,
    /// When the session ends in any case.
    pub session_end: Timestamp,
    /// Until when the row is kept.
    #[cfg_attr(
        feature = "dead-code",
        allow(dead_code, reason = "a column of the row that is only filtered by")
    )]
    pub keep_until: Timestamp,
    /// Time of revocation; `None`: not revoked.
    pub revoked_at: Option<Timestamp>,
    /// Reason of the revocation.
    pub revoked_reason: Option<String>,
    /// When its client was told that the session is over.
    #[cfg_attr(
        feature = "dead-code",
        allow(dead_code, reason = "a column of the row that is only filtered by")
    )]
    pub told_at: Option<Timestamp>,
}

impl Authorization {
    /// What the person let the client ask.
    pub fn scopes(&self) -> Scopes {
        Scopes::parse(&self.scopes.0.join(" ")).unwrap_or_default()
    }

    /// Whether it was withdrawn: it ended neither with its session nor because its user had too many.
    pub fn was_withdrawn(&self) -> bool {
        self.revoked_at.is_some() && !super::is_ordinary(self.revoked_reason.as_deref())
    }

    /// What tokens of it say of themselves to the gate.
    pub fn claim(&self) -> AuthorizationClaim<'_> {
        AuthorizationClaim {
            authorization: self.id,
            epoch: self.epoch,
            passkeys: &self.passkeys.0,
        }
    }
}

/// As much of an authorization as its end asks for.
#[derive(Clone, Debug, Queryable)]
pub struct Kept {
    /// ID of the authorization.
    pub id: AuthorizationId,
    /// ID of the user who consented.
    pub user: UserId,
    /// ID of the client.
    pub client: ClientId,
    /// The session that it hangs on now.
    pub session: SessionId,
    /// The `sid` that the client was told.
    pub sid: SessionId,
    /// The passkeys that the session rested on then.
    pub passkeys: Json<Vec<PasskeyId>>,
    /// Whether it outlives the session.
    pub offline: bool,
    /// When its client was told that the session is over.
    pub told_at: Option<Timestamp>,
}

/// The family of refresh tokens of one authorization.
#[derive(Clone, Debug, Queryable)]
pub struct Family {
    /// ID of the family.
    pub id: RefreshFamilyId,
    /// What it belongs to, and dies with.
    pub authorization: AuthorizationId,
    /// The number of the present token.
    pub n: i64,
    /// Since when it is the present one.
    pub advanced_at: Timestamp,
    /// When the family ends, used or not.
    pub expires_at: Timestamp,
    /// Time of creation.
    pub created_at: Timestamp,
}
