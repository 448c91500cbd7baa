//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): notifies clients that a session has ended. It is an outbox
//! worker; each outbox entry is one session and client.

use serde::Serialize;
use serde_json::{Value, json};

use super::Oidc;
use crate::base::ids::{AccessTokenId, SessionId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::clients::Client;
use crate::db;
use crate::egress::{Egress, EgressError};
use crate::history::{self, Author, Event};
use crate::outbox::{AttemptResult, Work, Worker};
use crate::tokens::revoke::{EndedSession, LOGOUT};
use crate::tokens::seconds;

/// The `typ` of a logout token (§2.4).
const TYPE: &str = "logout+jwt";
/// The only member of the claim `events` (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Lifetime of a logout token, in seconds (§2.4 recommends at most two minutes).
const TOKEN_TTL: i64 = 120;

/// Outbox worker that sends logout tokens to clients.
#[derive(Clone, Debug)]
pub struct BackchannelLogout {
    oidc: Oidc,
    egress: Egress,
}

enum Delivery {
    /// The client accepted the logout token.
    Delivered,
    /// The client no longer exists, is disabled, or has no back-channel logout URI.
    NotNeeded,
    /// The delivery failed and can be retried; contains the cause.
    Failed(String),
    /// The client rejected the token with 400 (§2.8), so a retry would fail too; contains the cause.
    Rejected(String),
}

/// The claims of a logout token (§2.4).
#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    aud: &'a PublicClientId,
    iat: i64,
    exp: i64,
    jti: AccessTokenId,
    sub: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    events: Value,
}

impl BackchannelLogout {
    /// Creates the worker: `oidc` signs the logout tokens, `egress` sends them.
    pub fn new(oidc: Oidc, egress: Egress) -> Self {
        Self { oidc, egress }
    }

    async fn deliver(&self, ended: &EndedSession) -> Delivery {
        let client = match self.oidc.find_enabled(ended.client).await {
            Ok(Some(client)) => client,
            Ok(None) => return Delivery::NotNeeded,
            Err(error) => return Delivery::Failed(error.to_string()),
        };
        let Some(uri) = client.metadata.backchannel_logout_uri.clone() else {
            return Delivery::NotNeeded;
        };
        let token = match self.logout_token(&client, ended).await {
            Ok(token) => token,
            Err(reason) => return Delivery::Failed(reason),
        };
        let failed = match self
            .egress
            .post_form(&uri, &[("logout_token", &token)])
            .await
        {
            Ok(200..=299) => return Delivery::Delivered,
            Ok(400) => Delivery::Rejected("the app responded with 400".into()),
            Ok(status) => Delivery::Failed(format!("the app responded with {status}")),
            Err(error @ EgressError::Refused { .. }) => Delivery::Failed(format!(
                "{error}; if the app may be called there, add its network to egress.allowed_networks"
            )),
            Err(error) => Delivery::Failed(error.to_string()),
        };
        if let Delivery::Failed(cause) | Delivery::Rejected(cause) = &failed {
            tracing::warn!(
                client_id = %client.public_id, %uri, cause,
                "back-channel logout failed"
            );
            self.oidc
                .record_failed_delivery(client.id, &uri, cause)
                .await;
        }
        failed
    }

    async fn logout_token(&self, client: &Client, ended: &EndedSession) -> Result<String, String> {
        let now = seconds(self.oidc.clock.now());
        // §2.4: no nonce; `sub`, `sid` or both. Without `sid` the client ends every session of the user.
        let sid = (!client.metadata.backchannel_logout_without_sid).then_some(ended.sid);
        let claims = LogoutClaims {
            iss: self.oidc.issuer(),
            aud: &client.public_id,
            iat: now,
            exp: now.saturating_add(TOKEN_TTL),
            jti: AccessTokenId::random(),
            sub: ended.user,
            sid,
            events: json!({ EVENT: {} }),
        };
        let algorithm = client.metadata.id_token_signed_response_alg;
        let signed = self.oidc.tokens.keyring.sign(algorithm, TYPE, &claims);
        signed.await.map_err(|error| error.to_string())
    }

    async fn record(&self, user: UserId, event: Event) -> db::Result<()> {
        let database = self.oidc.database.clone();
        let author = Author::doorward();
        self.oidc
            .database
            .write(move |conn| {
                let now = database.now(conn)?;
                history::record(conn, now, &author, event.subject(user))
            })
            .await
    }
}

impl Worker for BackchannelLogout {
    fn kind(&self) -> &'static str {
        LOGOUT
    }

    async fn work(&self, work: Work) -> AttemptResult {
        let Ok(ended) = serde_json::from_value::<EndedSession>(work.payload.clone()) else {
            tracing::error!("an outbox entry can't be parsed");
            return AttemptResult::Abandoned;
        };
        let details = json!({ "sid": ended.sid, "attempts": work.attempts });
        let (event, worked) = match self.deliver(&ended).await {
            Delivery::NotNeeded => return AttemptResult::Done,
            Delivery::Delivered => (Event::done("client.logout_notified"), AttemptResult::Done),
            Delivery::Failed(reason) if !work.is_last_attempt() => {
                return AttemptResult::Retry { reason };
            }
            Delivery::Failed(reason) | Delivery::Rejected(reason) => (
                Event::refused("client.logout_notified", &reason),
                AttemptResult::Abandoned,
            ),
        };
        let event = event.client(ended.client).details(details);
        if let Err(error) = self.record(ended.user, event).await {
            tracing::error!(%error, "can't record the result of a back-channel logout");
        }
        worked
    }
}
