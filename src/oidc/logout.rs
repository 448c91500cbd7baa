//! An app sends people here to sign out (OpenID Connect RP-Initiated Logout 1.0).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::error::{ErrorCode, Refusal};
use super::parameters::Parameters;
use crate::base::ids::{ClientId, SessionId, UserId};
use crate::base::secrets::Token;
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
    /// Who must be signed in for it to happen without a question: proven by an ID token.
    subject: Option<UserId>,
    /// In which session, by the `sid` that the app was told.
    sid: Option<SessionId>,
    /// Where to go afterwards: registered, and proven to be this client's.
    pub back: Option<Return>,
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

/// Why a request stays on our own page.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// By the words of the specification.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn key(id: &Token) -> String {
    format!("logout:{}", id.hash().to_text())
}

impl Oidc {
    /// Whether this person need not be asked: the app proved that it speaks of them, and of this very session. A token of long
    /// ago, of another session, proves no more than that they once used the app.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn is_certain(&self, request: &LogoutRequest, person: &SignedIn) -> db::Result<bool> {
        if request.subject != Some(person.session.user) {
            return Ok(false);
        }
        let session = person.session.id;
        match request.sid {
            None => Ok(false),
            Some(sid) if sid == session => Ok(true),
            Some(sid) => {
                self.database
                    .read(move |conn| tokens::knows_sid(conn, session, sid))
                    .await
            }
        }
    }

    /// Reads a request. Its ID token may be over, but must be genuine; without a genuine one nobody is sent anywhere.
    ///
    /// # Errors
    /// An address that is not registered, or a client that is not the token's.
    pub async fn read_logout(&self, parameters: &Parameters) -> Result<LogoutRequest, LogoutError> {
        let hint = match parameters.get("id_token_hint") {
            Some(hint) => self.read_id_token(hint).await?,
            None => None,
        };
        let Some(hint) = hint else {
            return Ok(LogoutRequest::default());
        };
        // §2: client_id, when it is there too, must be the one that the token was issued to.
        if parameters.get("client_id").is_some_and(|id| id != hint.aud) {
            let description = "client_id is not the client that id_token_hint was issued to";
            return Err(Refusal::invalid_request(description).into());
        }
        let subject = UserId::parse(&hint.sub);
        let Some(uri) = parameters.get("post_logout_redirect_uri") else {
            return Ok(LogoutRequest {
                subject,
                sid: hint.sid,
                back: None,
            });
        };
        let record = match ClientId::parse(&hint.aud) {
            Some(client) => self.clients.find(client).await?,
            None => None,
        };
        let is_registered = record.is_some_and(|record| {
            record.client.enabled && record.client.metadata.allows_redirect_after_logout(uri)
        });
        if !is_registered {
            let description = "post_logout_redirect_uri is not registered for this client";
            return Err(Refusal::new(ErrorCode::InvalidRequest, description).into());
        }
        Ok(LogoutRequest {
            subject,
            sid: hint.sid,
            back: Some(Return {
                uri: uri.to_owned(),
                state: parameters.get("state").map(str::to_owned),
            }),
        })
    }

    /// Stores a request, for a browser that must come by itself to be known.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn keep_logout(&self, request: &LogoutRequest) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_string(request)
            .map_err(|error| Away(format!("a request that is no JSON: {error}")))?;
        self.ephemeral.put(&key(&id), &text, LIFE).await?;
        Ok(id)
    }

    /// The request of an id; `None` when there is none (any more).
    ///
    /// # Errors
    /// When the store is away.
    pub async fn find_logout(&self, id: &str) -> Result<Option<LogoutRequest>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
