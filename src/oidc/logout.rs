//! OpenID Connect RP-Initiated Logout 1.0: validates the requests of apps that send users here to sign out, and stores them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::error::OAuthError;
use super::parameters::Parameters;
use crate::account_state::Unavailable;
use crate::base::ids::{ClientId, SessionId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::Client;
use crate::db;
use crate::ephemeral::{StoreUnavailable, to_json};
use crate::sessions::SignedIn;
use crate::tokens;

const TTL: Duration = Duration::from_secs(3_600);

/// A validated logout request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutRequest {
    verified_hint: Option<VerifiedHint>,
    /// Where the user is sent afterwards: an address that is registered for the client.
    pub post_logout_redirect: Option<PostLogoutRedirect>,
    /// Why the user is not sent back although the app requests it; shown after the sign-out.
    pub error: Option<OAuthError>,
}

/// The sign-in that a verified ID token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedHint {
    pub user: UserId,
    /// The token's `sid`, which is the client's name for the session.
    pub sid: SessionId,
    pub client: ClientId,
}

impl LogoutRequest {
    /// The sign-in that the request proves with an ID token. Only the validation of a request sets it.
    pub fn verified_hint(&self) -> Option<VerifiedHint> {
        self.verified_hint
    }

    /// Creates a request without a proof and a return address.
    pub fn with_error(error: OAuthError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

/// Where the user is sent after sign-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLogoutRedirect {
    uri: String,
    state: Option<String>,
}

impl PostLogoutRedirect {
    /// Returns the address, to which only `state` is added if one was sent (§3).
    pub fn address(&self) -> String {
        let Some(state) = &self.state else {
            return self.uri.clone();
        };
        super::response::with_query(&self.uri, &[("state", state)])
    }
}

fn key(id: &Token) -> String {
    format!("logout:{}", id.hash().to_text())
}

impl Oidc {
    /// Whether the user can be signed out without confirmation: the app proved that it means this user and this session. An old
    /// token from another session only proves that the user once used the app.
    pub async fn needs_no_confirmation(
        &self,
        request: &LogoutRequest,
        person: &SignedIn,
    ) -> db::Result<bool> {
        let Some(verified_hint) = request.verified_hint else {
            return Ok(false);
        };
        let session = person.session.id;
        if verified_hint.user != person.session.user || verified_hint.sid == session {
            return Ok(verified_hint.user == person.session.user);
        }
        self.database
            .read(move |conn| tokens::has_sid(conn, session, verified_hint.sid))
            .await
    }

    /// Validates a logout request. Its ID token may have expired, but must be genuine. Invalid parameters are not used, and after
    /// the sign-out the user is shown why they are not sent back (RP-Initiated Logout §4).
    pub async fn read_logout(&self, parameters: &Parameters) -> Result<LogoutRequest, Unavailable> {
        let uri = parameters.get("post_logout_redirect_uri");
        let named = parameters.get("client_id");
        let hint = match parameters.get("id_token_hint") {
            Some(hint) => match self.read_id_token(hint).await? {
                Some(hint) => Some(hint),
                None => {
                    let error = forged_hint();
                    return Ok(self.refuse_logout(named, error).await);
                }
            },
            None => None,
        };
        let audience = hint.as_ref().map(|hint| hint.aud.as_str());
        // §2: `client_id`, if present, must be the client that the token was issued to.
        if let Some((audience, named)) = audience.zip(named).filter(|(aud, named)| aud != named) {
            let error = hint_of_other_client(named, audience);
            return Ok(self.refuse_logout(Some(audience), error).await);
        }
        let id = audience.or(named);
        let client = match id.and_then(PublicClientId::parse) {
            Some(named) => self.find_enabled(named.id()).await?,
            None => None,
        };
        let Some(client) = client else {
            // Without a client and an address, there is nothing to refuse: the user is asked to confirm.
            if uri.is_none() && id.is_none() {
                return Ok(LogoutRequest::default());
            }
            if uri.is_none() {
                let error = client_not_enabled("the client is not enabled", id);
                self.record_refusal(client_id_of(id), &error).await;
                return Ok(LogoutRequest::default());
            }
            let description = "post_logout_redirect_uri needs an enabled client: send its id_token_hint or its client_id";
            let error = client_not_enabled(description, id);
            return Ok(self.refuse_logout(id, error).await);
        };
        let verified_hint = hint.and_then(|hint| {
            Some(VerifiedHint {
                user: UserId::parse(&hint.sub)?,
                sid: hint.sid?,
                client: client.id,
            })
        });
        let post_logout_redirect =
            uri.map(|uri| check_post_logout_redirect(uri, parameters.get("state"), &client));
        let (post_logout_redirect, error) = match post_logout_redirect {
            Some(Ok(post_logout_redirect)) => (Some(post_logout_redirect), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if let Some(error) = &error {
            self.record_refusal(Some(client.id), error).await;
        }
        Ok(LogoutRequest {
            verified_hint,
            post_logout_redirect,
            error,
        })
    }

    /// Records the refusal, and returns a request with it. `client` is the client that the request names; it need not exist.
    async fn refuse_logout(&self, client: Option<&str>, error: OAuthError) -> LogoutRequest {
        self.record_refusal(client_id_of(client), &error).await;
        LogoutRequest::with_error(error)
    }

    /// Stores a request and returns its ID. The browser is redirected to it, and only then sends its session cookie.
    pub async fn store_logout_request(
        &self,
        request: &LogoutRequest,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let text = to_json(request)?;
        self.ephemeral.put(&key(&id), &text, TTL).await?;
        Ok(id)
    }

    /// Returns the stored request with this ID; `None` if there is none or it has expired.
    pub async fn find_logout_request(
        &self,
        id: &str,
    ) -> Result<Option<LogoutRequest>, StoreUnavailable> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        self.ephemeral.get_json(&key(&id)).await
    }
}

/// The token itself is never logged, because it identifies a user and a session.
fn forged_hint() -> OAuthError {
    OAuthError::invalid_request("id_token_hint is not an ID token of this issuer").with_rule(
        "id-token-hint-not-genuine",
        "",
        "",
    )
}

fn hint_of_other_client(named: &str, audience: &str) -> OAuthError {
    OAuthError::invalid_request("client_id is not the client that id_token_hint was issued to")
        .with_rule("id-token-hint-of-other-client", named, audience)
}

/// Returns the stored ID of the client with this `client_id`, whether or not it exists.
fn client_id_of(client_id: Option<&str>) -> Option<ClientId> {
    client_id
        .and_then(PublicClientId::parse)
        .map(|client| client.id())
}

fn client_not_enabled(description: &str, id: Option<&str>) -> OAuthError {
    OAuthError::invalid_request(description).with_rule(
        "client-not-enabled",
        id.unwrap_or_default(),
        "",
    )
}

/// Checks that a return address is registered for the client, compared exactly (RP-Initiated Logout §3).
fn check_post_logout_redirect(
    uri: &str,
    state: Option<&str>,
    client: &Client,
) -> Result<PostLogoutRedirect, OAuthError> {
    if client.metadata.allows_redirect_after_logout(uri) {
        return Ok(PostLogoutRedirect {
            uri: uri.to_owned(),
            state: state.map(str::to_owned),
        });
    }
    let registered = &client.metadata.post_logout_redirect_uris;
    let registered: Vec<&str> = registered.iter().map(|uri| uri.as_str()).collect();
    let description = "post_logout_redirect_uri is not registered for this client; it is compared character by character";
    Err(OAuthError::invalid_request(description)
        .with_rule(
            "post-logout-redirect-uri-not-registered",
            uri,
            &registered.join(" "),
        )
        .with_remedy(format!(
            "doorward client update {} --add-post-logout-redirect-uri URI",
            client.public_id
        )))
}
