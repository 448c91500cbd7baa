//! An app sends people here to sign out (OpenID Connect RP-Initiated Logout 1.0).

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

/// As long as somebody may look at the question.
const LIFE: Duration = Duration::from_secs(3_600);

/// What an app asks, as far as it proved it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutRequest {
    /// What a genuine ID token says.
    proof: Option<Proof>,
    /// Where to go afterwards: registered for the client.
    pub back: Option<Return>,
    /// Why the user is not sent back, where the app wants that; told after the sign-out.
    pub fault: Option<Refusal>,
}

/// What a genuine ID token says of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The user.
    pub user: UserId,
    /// The session, as the client was told it.
    pub sid: SessionId,
    /// The client that it was issued to.
    pub client: ClientId,
}

impl LogoutRequest {
    /// A request that proves nothing and leads nowhere.
    pub fn faulty(fault: Refusal) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// The session that the app proved to speak of.
    pub fn proof(&self) -> Option<Proof> {
        self.proof
    }
}

/// Where a person goes after sign-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    uri: String,
    state: Option<String>,
}

impl Return {
    /// The address, with `state` where one was sent and nothing else (§3).
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
    /// Whether this person need not be asked: the app proved that it speaks of them, and of this very session. A token of long
    /// ago, of another session, proves no more than that they once used the app.
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

    /// Reads a request. Its ID token may have expired, but must be genuine. What fails to validate is not used, and the user is
    /// told after the sign-out why they are not sent back (RP-Initiated Logout §4).
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
        // §2: client_id, when it is there too, must be the one that the token was issued to.
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
            // Without a client and an address, there is nothing to refuse: the user is asked.
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

    /// The request with a fault, which is logged. `client` is the client that it names, and need not exist.
    async fn refuse_logout(&self, client: Option<&str>, fault: Refusal) -> LogoutRequest {
        self.note_refusal(stored_id(client), &fault).await;
        LogoutRequest::faulty(fault)
    }

    /// Stores a request, for a browser that must come by itself to be known.
    pub async fn keep_logout(&self, request: &LogoutRequest) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_string(request)
            .map_err(|error| Away(format!("stored request is not JSON: {error}")))?;
        self.ephemeral.put(&key(&id), &text, LIFE).await?;
        Ok(id)
    }

    /// The request of an id; `None` when there is none (any more).
    pub async fn find_logout(&self, id: &str) -> Result<Option<LogoutRequest>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// The token itself is never logged: it names a user, and a session of theirs.
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

/// The ID under which a client of this `client_id` is stored, whether or not there is one.
fn stored_id(client_id: Option<&str>) -> Option<ClientId> {
    client_id
        .and_then(PublicClientId::parse)
        .map(|client| client.id())
}

fn client_not_enabled(description: &str, id: Option<&str>) -> Refusal {
    Refusal::invalid_request(description).because("client-not-enabled", id.unwrap_or_default(), "")
}

/// Whether a client's users may be sent to an address after sign-out (RP-Initiated Logout §3: registered, compared exactly).
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
