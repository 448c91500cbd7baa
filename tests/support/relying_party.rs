//! An app that users sign in to with Doorward, whose requests tests can change in every parameter and header.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::clients::{GrantType, Metadata, RedirectUri, Scopes};
use serde_json::Value;

use super::http::{Answer, TestBrowser};
use super::test_server::TestServer;

/// Redirect URI.
pub const CALLBACK: &str = "https://app.example/callback";
/// Code verifier from RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered app.
#[derive(Clone)]
pub struct RelyingParty {
    /// The app's `client_id`.
    pub id: String,
    /// The app's secret; `None` for a public client.
    pub secret: Option<String>,
    /// HTTP client without cookies, for the requests of the app's server.
    pub server: TestBrowser,
}

/// What an app receives after a sign-in.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// The whole response.
    pub answer: Value,
    /// The access token.
    pub access: String,
    /// The refresh token; empty if there is none.
    pub refresh: String,
    /// The claims of the ID token.
    pub id_claims: Value,
    /// The ID token itself.
    pub id_token: String,
}

impl TokenSet {
    /// Parses a successful response of the token endpoint.
    pub fn read(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let id_token = text("id_token");
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            id_claims: claims_of(&id_token),
            id_token,
            answer,
        }
    }
}

/// Returns the claims of a JWT without verification; `Null` for anything else.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&payload).unwrap_or_default()
}

/// Returns the header of a JWT.
pub fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("a header")
}

/// Returns the names of an object's members, sorted.
pub fn names_of(object: &Value) -> Vec<&str> {
    let members = object.as_object().expect("an object");
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Returns the parameters of the redirect URI in a response.
pub fn redirect_parameters(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with(CALLBACK), "not sent back: {location}");
    let url = url::Url::parse(location).expect("a URL");
    url.query_pairs().into_owned().collect()
}

impl TestServer {
    /// Registers an app with [`CALLBACK`] and the metadata set by `change`.
    pub fn relying_party(&self, change: impl FnOnce(&mut Metadata)) -> RelyingParty {
        let (id, secret) = self.register_app(change);
        RelyingParty {
            id,
            secret,
            server: self.browser(),
        }
    }

    /// Registers an app that may use the API on behalf of users, within these scopes and without consent.
    pub fn delegated_app(&self, scope: &str) -> RelyingParty {
        let metadata = Metadata {
            redirect_uris: vec![RedirectUri::parse(CALLBACK).expect("a redirect URI")],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            require_consent: false,
            ..Metadata::default()
        };
        let scopes = Scopes::parse(scope).expect("scopes");
        let (id, secret) = self.create_client("a helper", &scopes, &metadata);
        RelyingParty {
            id,
            secret,
            server: self.browser(),
        }
    }
}

impl RelyingParty {
    /// Returns the same app, connected to another instance.
    pub fn at_port(&self, port: u16) -> Self {
        Self {
            server: self.server.at_port(port),
            ..self.clone()
        }
    }

    /// Returns the parameters of a typical authorization request; `more` adds or replaces parameters, or removes those with
    /// an empty value.
    pub fn parameters(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let usual = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile email roles"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in usual.iter().chain(more) {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        all.retain(|(_, value)| !value.is_empty());
        all
    }

    /// Returns the path of a typical authorization request.
    pub fn path(&self, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters(more));
        format!("/oauth2/authorize?{}", query.finish())
    }

    /// Sends a browser to the authorization endpoint.
    pub fn authorize(&self, browser: &TestBrowser, more: &[(&str, &str)]) -> Answer {
        browser.get(&self.path(more))
    }

    /// Returns the authorization code for the signed-in user.
    pub fn code(&self, browser: &TestBrowser, more: &[(&str, &str)]) -> String {
        let answer = self.authorize(browser, more);
        let sent = redirect_parameters(&answer);
        sent.get("code")
            .unwrap_or_else(|| panic!("no code: {sent:?}"))
            .clone()
    }

    /// Signs the signed-in user in to the app, and returns what the app receives.
    pub fn sign_in(&self, browser: &TestBrowser, more: &[(&str, &str)]) -> TokenSet {
        TokenSet::read(&self.redeem(&self.code(browser, more)))
    }

    /// Redeems an authorization code.
    pub fn redeem(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
    }

    /// Uses a refresh token.
    pub fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// Posts to the token endpoint, with client authentication.
    pub fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/oauth2/token", fields)
    }

    /// Returns the response of the introspection endpoint.
    pub fn introspect(&self, token: &str) -> Value {
        let answer = self.post("/oauth2/introspect", &[("token", token)]);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Revokes a token.
    pub fn revoke(&self, token: &str) -> Answer {
        self.post("/oauth2/revoke", &[("token", token)])
    }

    /// Sends `GET /oauth2/userinfo`.
    pub fn user_info(&self, token: &str) -> Answer {
        let request = self.server.request("GET", "/oauth2/userinfo");
        request.bearer(token).send()
    }

    /// Posts a form as the app's server: with HTTP Basic, or with the `client_id` of a public client.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.server.request("POST", path).without_same_origin();
        match &self.secret {
            Some(secret) => request.form(fields).basic(&self.id, secret).send(),
            None => {
                let mut all = vec![("client_id", self.id.as_str())];
                all.extend(fields);
                request.form(&all).send()
            }
        }
    }
}

/// Returns the `error` of an OAuth response.
pub fn error_of(answer: &Answer) -> String {
    answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
