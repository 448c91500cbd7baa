//! OpenID Connect RP-Initiated Logout 1.0: validates the requests of apps that send users here to sign out, and stores them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::error::Refusal;
use super::parameters::Parameters;
use crate::base::ids::{ClientId, SessionId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::Client;
use crate::db;
use crate::ephemeral::Away;
use crate::sessions::SignedIn;
use crate::standing::Unavailable;
use crate::tokens;

const LIFE: Duration = Duration::from_secs(3_600);

/// A validated logout request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutRequest {
    /// What the verified ID token hint proves.
    proof: Option<Proof>,
    /// Where the user is sent afterwards: an address that is registered for the client.
    pub back: Option<Return>,
    /// Why the user is not sent back although the app requests it; shown after the sign-out.
    pub fault: Option<Refusal>,
}

/// The sign-in that a verified ID token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// ID of the user.
    pub user: UserId,
    /// The token's `sid`, which is the client's name for the session.
    pub sid: SessionId,
    /// ID of the client that the token was issued to.
    pub client: ClientId,
}

impl LogoutRequest {
    /// Creates a request without a proof and a return address.
    pub fn faulty(fault: Refusal) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Returns the sign-in that the app proved with an ID token.
    pub fn proof(&self) -> Option<Proof> {
        self.proof
    }
}

/// Where the user is sent after sign-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    uri: String,
    state: Option<String>,
}

impl Return {
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
    pub async fn is_certain(&self, request: &LogoutRequest, person: &SignedIn) -> db::Result<bool> {
        let Some(proof) = request.proof else {
            return Ok(false);
        };
        let session = person.session.id;
        if proof.user != person.session.user || proof.sid == session {
            return Ok(proof.user == person.session.user);
        }
        self.database
            .read(move |conn| tokens::knows_sid(conn, session, proof.sid))
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
                    let fault = forged_hint();
                    return Ok(self.refuse_logout(named, fault).await);
                }
            },
            None => None,
        };
        let audience = hint.as_ref().map(|hint| hint.aud.as_str());
        // §2: `client_id`, if present, must be the client that the token was issued to.
        if let Some((audience, named)) = audience.zip(named).filter(|(aud, named)| aud != named) {
            let fault = hint_of_other_client(named, audience);
            return Ok(self.refuse_logout(Some(audience), fault).await);
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
                let fault = client_not_enabled("the client is not enabled", id);
                self.note_refusal(stored_id(id), &fault).await;
                return Ok(LogoutRequest::default());
            }
            let description = "post_logout_redirect_uri needs an enabled client: send its id_token_hint or its client_id";
            let fault = client_not_enabled(description, id);
            return Ok(self.refuse_logout(id, fault).await);
        };
        let proof = hint.and_then(|hint| {
            Some(Proof {
                user: UserId::parse(&hint.sub)?,
                sid: hint.sid?,
                client: client.id,
            })
        });
        let back = uri.map(|uri| check_return(uri, parameters.get("state"), &client));
        let (back, fault) = match back {
            Some(Ok(back)) => (Some(back), None),
            Some(Err(fault)) => (None, Some(fault)),
            None => (None, None),
        };
        if let Some(fault) = &fault {
            self.note_refusal(Some(client.id), fault).await;
        }
        Ok(LogoutRequest { proof, back, fault })
    }

    /// Records the refusal, and returns a request with it. `client` is the client that the request names; it need not exist.
    async fn refuse_logout(&self, client: Option<&str>, fault: Refusal) -> LogoutRequest {
        self.note_refusal(stored_id(client), &fault).await;
        LogoutRequest::faulty(fault)
    }

    /// Stores a request and returns its ID. The browser is redirected to it, and only then sends its session cookie.
    pub async fn keep_logout(&self, request: &LogoutRequest) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_string(request)
            .map_err(|error| Away(format!("stored request is not JSON: {error}")))?;
        self.ephemeral.put(&key(&id), &text, LIFE).await?;
        Ok(id)
    }

    /// Returns the stored request with this ID; `None` if there is none or it has expired.
    pub async fn find_logout(&self, id: &str) -> Result<Option<LogoutRequest>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// The token itself is never logged, because it identifies a user and a session.
fn forged_hint() -> Refusal {
    Refusal::invalid_request("id_token_hint is not an ID token of this issuer").because(
        "id-token-hint-not-genuine",
        "",
        "",
    )
}

fn hint_of_other_client(named: &str, audience: &str) -> Refusal {
    Refusal::invalid_request("client_id is not the client that id_token_hint was issued to")
        .because("id-token-hint-of-other-client", named, audience)
}

/// Returns the stored ID of the client with this `client_id`, whether or not it exists.
fn stored_id(client_id: Option<&str>) -> Option<ClientId> {
    client_id
        .and_then(PublicClientId::parse)
        .map(|client| client.id())
}

fn client_not_enabled(description: &str, id: Option<&str>) -> Refusal {
    Refusal::invalid_request(description).because("client-not-enabled", id.unwrap_or_default(), "")
}

/// Checks that a return address is registered for the client, compared exactly (RP-Initiated Logout §3).
fn check_return(uri: &str, state: Option<&str>, client: &Client) -> Result<Return, Refusal> {
    if client.metadata.allows_redirect_after_logout(uri) {
        return Ok(Return {
            uri: uri.to_owned(),
            state: state.map(str::to_owned),
        });
    }
    let registered = &client.metadata.post_logout_redirect_uris;
    let registered: Vec<&str> = registered.iter().map(|uri| uri.as_str()).collect();
    let description = "post_logout_redirect_uri is not registered for this client; it is compared character by character";
    Err(Refusal::invalid_request(description)
        .because(
            "post-logout-redirect-uri-not-registered",
            uri,
            &registered.join(" "),
        )
        .remedy(format!(
            "doorward client update {} --add-post-logout-redirect-uri URI",
            client.public_id
        )))
}
