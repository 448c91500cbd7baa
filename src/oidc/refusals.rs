//! Recent refusals, for the developer who connects a client: what it sent, what is registered, and the command that allows it.
//!
//! Anyone can send requests in a client's name, so refusals are bounded in number, size and rate, and no decision depends on them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Oidc;
use super::error::{ErrorCode, OAuthError, RefusalDetails};
use crate::account_state::Unavailable;
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{AuthMethod, FailedAuthentication, WRONG_SECRET};
use crate::ephemeral::{StoreUnavailable, to_json};

const TTL: Duration = Duration::from_secs(7 * 86_400);
/// Maximum number of stored refusals of each client; the oldest ones are dropped.
const MAX_STORED: usize = 20;
/// Maximum number of refusals of each client that are stored in one minute.
const MAX_PER_MINUTE: u64 = 30;

/// Rule code for scopes that are dropped from a request.
pub(super) const SCOPE_DROPPED: &str = "scope-dropped";
/// Rule code for a user who has none of the roles that a client is limited to.
pub(super) const ROLE_NOT_HELD: &str = "role-not-held";

/// A stored refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecentRefusal {
    /// The error code that the client got.
    pub error: String,
    /// The `error_description` that the client got.
    pub description: String,
    /// The rule and the values that led to it.
    #[serde(flatten)]
    pub details: RefusalDetails,
    /// When it last happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many times it happened, as far as it was stored.
    pub times: u32,
}

impl Oidc {
    /// Logs a refusal, and stores it if it concerns an existing client. A store that is unavailable does not change the response.
    pub(super) async fn record_refusal(&self, client: Option<ClientId>, refusal: &OAuthError) {
        refusal.log(client);
        if let (Some(client), Some(details)) = (client, details_of(refusal)) {
            let (error, description) = (refusal.code.as_str(), &refusal.description);
            self.store_or_log(client, error, description, &details)
                .await;
        }
    }

    /// Like [`Oidc::record_refusal`], for the result of an interaction with the user, but only what an administrator can change: a
    /// user who has to sign in or who declines is normal use.
    pub(super) async fn record_refused_user(&self, client: ClientId, refusal: &OAuthError) {
        if refusal.details.is_some() {
            self.record_refusal(Some(client), refusal).await;
        }
    }

    /// Like [`Oidc::record_refusal`], for a client whose authentication failed.
    pub(super) async fn record_failed_authentication(&self, failed: &FailedAuthentication) {
        failed.log();
        let Some(client) = failed
            .client
            .as_ref()
            .filter(|_| failed.registered.is_some() || failed.reason == "malformed")
        else {
            return;
        };
        let details = RefusalDetails {
            rule: failed.reason.to_owned(),
            presented: failed.used.map(|method| method.as_str().to_owned()),
            registered: failed.registered.map(str::to_owned),
            remedy: remedy_of(failed, client),
        };
        // Anyone can send a client ID, so the text suggests no change before it is known who sent the request.
        let description = match failed.reason {
            WRONG_SECRET => {
                "Wrong client secret: it may be an old one or cut off. If it was your program, paste the secret again, or create a new one"
            }
            "malformed" => {
                "The client ID or secret is malformed; it may be cut off. Paste it again"
            }
            _ => "Client authentication failed",
        };
        let stored_or_logged =
            self.store_or_log(client.id(), "invalid_client", description, &details);
        stored_or_logged.await;
    }

    /// Stores that scopes were dropped from a request, which continued without them.
    pub(super) async fn record_dropped_scopes(&self, client: ClientId, dropped: &OAuthError) {
        if let Some(details) = &dropped.details {
            let (error, description) = (dropped.code.as_str(), &dropped.description);
            self.store_or_log(client, error, description, details).await;
        }
    }

    /// Stores that a client could not be notified of an ended session.
    pub(super) async fn record_failed_delivery(&self, client: ClientId, uri: &str, cause: &str) {
        let details = RefusalDetails {
            rule: "backchannel-logout".to_owned(),
            presented: None,
            registered: Some(uri.to_owned()),
            remedy: None,
        };
        let description = format!("Back-channel logout failed: {cause}");
        self.store_or_log(client, "backchannel_logout_failed", &description, &details)
            .await;
    }

    /// Returns the recent refusals of a client, newest first.
    pub async fn list_refusals(
        &self,
        client: ClientId,
    ) -> Result<Vec<RecentRefusal>, StoreUnavailable> {
        let stored = self.ephemeral.get_json(&self.refusals_key(client)).await?;
        Ok(stored.unwrap_or_default())
    }

    fn refusals_key(&self, client: ClientId) -> String {
        format!("refusals:{}", self.clients.key(client))
    }

    async fn store_or_log(
        &self,
        client: ClientId,
        error: &str,
        description: &str,
        details: &RefusalDetails,
    ) {
        // Boxed, because refusals are rare and this future would otherwise enlarge the future of every request.
        let stored_or_logged = Box::pin(self.store_refusal(client, error, description, details));
        if let Err(error) = stored_or_logged.await {
            tracing::debug!(%error, "can't store a rejected request");
        }
    }

    async fn store_refusal(
        &self,
        client: ClientId,
        error: &str,
        description: &str,
        details: &RefusalDetails,
    ) -> Result<(), Unavailable> {
        let key = self.refusals_key(client);
        if self.clients.find(client).await?.is_none() {
            return Ok(());
        }
        // Sign-ins with dropped scopes are counted separately, so that they don't displace the refusals of the same minute.
        let kind = if details.rule == SCOPE_DROPPED {
            ":dropped"
        } else {
            ""
        };
        let in_this_minute = format!("{key}:minute{kind}");
        let count = self
            .ephemeral
            .count(&in_this_minute, Duration::from_secs(60));
        if count.await? > MAX_PER_MINUTE {
            return Ok(());
        }
        let mut all = self.list_refusals(client).await?;
        // A missing role is one entry, whichever user lacks it.
        let is_same = |known: &RecentRefusal| {
            known.error == error
                && known.description == description
                && known.details.rule == details.rule
                && known.details.registered == details.registered
                && (details.rule == ROLE_NOT_HELD || known.details == *details)
        };
        let before = all.iter().position(is_same).map(|index| all.remove(index));
        let refusal = RecentRefusal {
            error: error.to_owned(),
            description: description.to_owned(),
            details: details.clone(),
            at: self.clock.now(),
            times: before.map_or(1, |before| before.times.saturating_add(1)),
        };
        all.insert(0, refusal);
        all.truncate(MAX_STORED);
        Ok(self.ephemeral.put(&key, &to_json(&all)?, TTL).await?)
    }
}

/// Returns the facts of a refusal, by default with its code as the rule; `None` for errors of normal use (sign-in, revoked token).
fn details_of(refusal: &OAuthError) -> Option<RefusalDetails> {
    if let Some(details) = &refusal.details {
        return Some(details.as_ref().clone());
    }
    let is_mistake = matches!(
        refusal.code,
        ErrorCode::InvalidRequest
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget
            | ErrorCode::RequestNotSupported
            | ErrorCode::RequestUriNotSupported
            | ErrorCode::RegistrationNotSupported
            | ErrorCode::UnsupportedTokenType
    );
    is_mistake.then(|| RefusalDetails {
        rule: refusal.code.as_str().to_owned(),
        ..RefusalDetails::default()
    })
}

fn remedy_of(failed: &FailedAuthentication, client: &PublicClientId) -> Option<String> {
    match failed.reason {
        // Never suggests `none`, which would make the client public because a request omitted its secret.
        "wrong-auth-method" => failed
            .used
            .filter(|used| *used != AuthMethod::None)
            .map(|used| {
                let method = used.as_str();
                format!("doorward client update {client} --auth-method {method}")
            }),
        "client-disabled" => Some(format!("doorward client enable {client}")),
        _ => None,
    }
}
