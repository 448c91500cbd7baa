//! Requests of a program to the endpoints, from its server or its page.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::app::ClientAuth;
use super::program_session::ProgramSession;
use super::verify::verify;
use crate::support::http::{Answer, Request};
use crate::support::relying_party::VERIFIER;

impl ProgramSession<'_> {
    /// Returns the parameters of the program's authorization request; `more` replaces or adds parameters, or removes those with
    /// an empty value.
    pub fn parameters(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER));
        let mut usual = vec![
            ("response_type", "code"),
            ("client_id", self.registered("client_id")),
            ("redirect_uri", self.redirect_uri()),
            ("scope", self.app.scope),
            ("state", "the-state"),
        ];
        if self.app.pkce {
            usual.extend([
                ("code_challenge", challenge.as_str()),
                ("code_challenge_method", "S256"),
            ]);
        }
        if self.app.nonce {
            usual.push(("nonce", "the-nonce"));
        }
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in usual.iter().chain(self.app.asks_also).chain(more) {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        all.retain(|(_, value)| !value.is_empty());
        all
    }

    /// Redeems a code.
    pub fn redeem(&self, code: &str) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri()),
        ];
        if self.app.pkce {
            fields.push(("code_verifier", VERIFIER));
        }
        self.token(&fields)
    }

    /// Posts to the token endpoint with the program's client authentication.
    pub fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("token_endpoint", fields, self.app.secret)
    }

    /// Posts a form to an endpoint with this client authentication.
    pub fn post(&self, endpoint: &str, fields: &[(&str, &str)], secret: ClientAuth) -> Answer {
        let (id, own) = (
            self.registered("client_id"),
            self.registered("client_secret"),
        );
        let mut fields = fields.to_vec();
        for (name, value) in self.app.sends_also {
            fields.push((name, if *value == "{client_id}" { id } else { value }));
        }
        let server = self.server.browser();
        let request = || self.sent_by_program(server.request("POST", self.path(endpoint)));
        let plain = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let in_body = [&fields[..], &[("client_id", id), ("client_secret", own)]].concat();
        let answer = match secret {
            ClientAuth::Basic => request().form(&fields).basic(id, own).send(),
            ClientAuth::PlainBasic => request()
                .form(&fields)
                .header("Authorization", &plain(own))
                .send(),
            ClientAuth::Body => request().form(&in_body).send(),
            ClientAuth::BasicThenBody => {
                let first = request().form(&fields).basic(id, own).send();
                if first.status == 200 {
                    first
                } else {
                    request().form(&in_body).send()
                }
            }
            ClientAuth::None => request()
                .form(&[&fields[..], &[("client_id", id)]].concat())
                .send(),
            ClientAuth::EmptyBasic => request()
                .form(&fields)
                .header("Authorization", &plain(""))
                .send(),
        };
        self.assert_readable(&answer);
        answer
    }

    /// Returns the redirect URI that the program sends.
    pub fn redirect_uri(&self) -> &str {
        let sent = self
            .app
            .asks_also
            .iter()
            .find(|(name, _)| *name == "redirect_uri");
        sent.map_or_else(|| self.registered("redirect_uris"), |(_, uri)| uri)
    }

    fn origin(&self) -> String {
        let address = url::Url::parse(self.registered("redirect_uris")).expect("a URL");
        address.origin().ascii_serialization()
    }

    /// Changes a request so that it comes from the program, not from Doorward's own pages.
    fn sent_by_program<'browser>(&self, request: Request<'browser>) -> Request<'browser> {
        let request = request.without_same_origin();
        if self.app.in_browser {
            request.header("Origin", &self.origin())
        } else {
            request
        }
    }

    /// Checks that CORS allows the program's page to read the response.
    fn assert_readable(&self, answer: &Answer) {
        let allowed = answer.header("access-control-allow-origin");
        let own = self.origin();
        let is_readable = allowed == Some("*") || allowed == Some(&own);
        assert!(is_readable || !self.app.in_browser, "{answer:?}");
    }

    /// Sends a GET as the program.
    pub fn get(&self, path: &str) -> Value {
        let server = self.server.browser();
        let answer = self.sent_by_program(server.request("GET", path)).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        self.assert_readable(&answer);
        answer.json()
    }

    /// Verifies an ID token as the program does, and returns its claims.
    pub fn verify(&self, id_token: &str) -> Value {
        let keys = self.get(self.path("jwks_uri"));
        let client = self.registered("client_id");
        let claims = verify(
            id_token,
            &keys,
            &self.app.accepts,
            self.server.origin(),
            client,
        );
        claims.unwrap_or_else(|error| panic!("{error}: {id_token}"))
    }

    /// Sends a GET to the `UserInfo` endpoint.
    pub fn user_info(&self, access_token: &str) -> Value {
        self.user_info_at(self.path("userinfo_endpoint"), access_token)
    }

    /// Sends a GET with an access token.
    pub fn user_info_at(&self, path: &str, access_token: &str) -> Value {
        let server = self.server.browser();
        if self.app.in_browser {
            let asks = server
                .request("OPTIONS", path)
                .header("Origin", &self.origin());
            let asks = asks.header("Access-Control-Request-Method", "GET");
            let preflight = asks
                .header("Access-Control-Request-Headers", "authorization")
                .send();
            let allowed = preflight
                .header("access-control-allow-headers")
                .unwrap_or_default();
            assert!(
                allowed.to_lowercase().contains("authorization"),
                "{preflight:?}"
            );
        }
        let request = self.sent_by_program(server.request("GET", path));
        let answer = request.bearer(access_token).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        self.assert_readable(&answer);
        answer.json()
    }
}

/// Returns the SHA-256 of a text.
pub fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
