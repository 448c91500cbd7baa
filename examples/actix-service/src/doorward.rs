//! Asks Doorward who is signed in and what they may do.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use reqwest::{Client, RequestBuilder, redirect};
use serde_json::{Value, json};

/// Doorward's address and this service's credentials.
pub struct Doorward {
    http: Client,
    address: String,
    client_id: String,
    client_secret: String,
}

/// Why a request was refused.
#[derive(Debug)]
pub enum Refused {
    SignedOut,
    /// With the context of Doorward's answer.
    NotAllowed(Value),
    /// Doorward did not answer.
    NobodyKnows(reqwest::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl From<reqwest::Error> for Refused {
    fn from(error: reqwest::Error) -> Self {
        Self::NobodyKnows(error)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::NobodyKnows(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let body = match self {
            Self::SignedOut => json!({ "error": "signed out" }),
            Self::NotAllowed(context) => json!({ "error": "not allowed", "context": context }),
            Self::NobodyKnows(error) => {
                eprintln!("{error}");
                json!({ "error": "authorization is unavailable" })
            }
        };
        HttpResponse::build(self.status_code()).json(body)
    }
}

impl Doorward {
    pub fn new(address: String, client_id: String, client_secret: String) -> Self {
        let http = Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client without a configuration of its own");
        Self {
            http,
            address,
            client_id,
            client_secret,
        }
    }

    /// The signed-in user, if they may do `action` on this order. Only `true` is yes.
    pub async fn allow(
        &self,
        request: &HttpRequest,
        action: &str,
        order: &str,
    ) -> Result<Value, Refused> {
        let who = self.session(request).await?;
        let question = json!({
            "subject": { "type": "user", "id": who["user"]["id"] },
            "action": { "name": action },
            "resource": { "type": "order", "id": order },
            // With the session, policies see how and when the user signed in.
            "context": { "session": who["session"]["id"] },
        });
        let address = format!("{}/access/v1/evaluation", self.address);
        let asked = self.http.post(address).json(&question);
        let answer = read(asked.basic_auth(&self.client_id, Some(&self.client_secret))).await?;
        match answer["decision"] {
            Value::Bool(true) => Ok(who["user"].clone()),
            _ => Err(Refused::NotAllowed(answer["context"].clone())),
        }
    }

    /// Returns the session of this browser: only the request's cookies are forwarded.
    async fn session(&self, request: &HttpRequest) -> Result<Value, Refused> {
        let mut asked = self.http.get(format!("{}/v1/session", self.address));
        for cookies in request.headers().get_all("cookie") {
            asked = asked.header("cookie", cookies.as_bytes());
        }
        match read(asked).await {
            Err(error) if error.status() == Some(reqwest::StatusCode::UNAUTHORIZED) => {
                Err(Refused::SignedOut)
            }
            answer => Ok(answer?),
        }
    }
}

async fn read(request: RequestBuilder) -> Result<Value, reqwest::Error> {
    request.send().await?.error_for_status()?.json().await
}
