//! Programs that sign users in: what each sends to the endpoints, and what it reads.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::verify::{Accepts, RS256, verify};
use super::{Program, create};
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::forms::fields_of;
use crate::support::house::House;
use crate::support::http::{Answer, Request};
use crate::support::person::Person;
use crate::support::relying_party::{Issued, VERIFIER, claims_of};

/// What a program sends and reads while it signs a user in.
pub struct App {
    /// Where it reads the addresses of the endpoints.
    pub discovery: &'static str,
    /// The scopes that it asks for.
    pub scope: &'static str,
    /// Whether it uses PKCE.
    pub pkce: bool,
    /// Whether it sends a nonce, and compares it with the one in the ID token.
    pub nonce: bool,
    /// Whether its documentation's first example has neither: Doorward then refuses the request and says what to change.
    pub starts_without: bool,
    /// Parameters of the authorization request besides `response_type`, `client_id`, `redirect_uri`, `scope` and `state`.
    pub asks_also: &'static [(&'static str, &'static str)],
    /// How it authenticates at the token endpoint.
    pub secret: Secret,
    /// Fields of the token request besides `grant_type`, `code` and `redirect_uri`; `{client_id}` is filled in.
    pub sends_also: &'static [(&'static str, &'static str)],
    /// What it accepts as an ID token.
    pub accepts: Accepts,
    /// What it shows or needs of the user, and from where it reads that.
    pub reads: &'static [(From, &'static str)],
    /// How it authenticates when it renews its access token; `None` if it never does.
    pub renews: Option<Secret>,
    /// Whether it runs in a page, which reads answers by CORS alone.
    pub in_browser: bool,
    /// What it does when the user signs out.
    pub sign_out: SignOut,
    /// What else it does, and what else is particular about it.
    pub also: fn(&Visit<'_>, &Issued),
}

/// What most programs do; a row says what is different.
pub const APP: App = App {
    discovery: "/.well-known/openid-configuration",
    scope: "openid profile email",
    pkce: false,
    nonce: false,
    starts_without: false,
    asks_also: &[],
    secret: Secret::Basic,
    sends_also: &[],
    accepts: RS256,
    reads: &[],
    renews: None,
    in_browser: false,
    sign_out: SignOut::Stays,
    also: |_, _| {},
};

/// How a program authenticates its client.
#[derive(Clone, Copy)]
pub enum Secret {
    /// HTTP Basic, both halves form-encoded (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic, as they are.
    PlainBasic,
    /// In the body.
    Body,
    /// HTTP Basic; when that is refused, in the body with the same code.
    BasicThenBody,
    /// None: a public client sends its ID.
    None,
    /// None: a public client sends HTTP Basic with an empty secret.
    EmptyBasic,
}

/// Where a program reads what it knows of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The claims of the ID token.
    IdToken,
    /// The answer of the `UserInfo` endpoint.
    UserInfo,
    /// The claims of the access token, a JWT.
    AccessToken,
}

/// What a program does when the user signs out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// It ends its own session.
    Stays,
    /// It redirects to the end session endpoint with `id_token_hint` and `post_logout_redirect_uri`.
    WithHint,
    /// It redirects there with `id_token_hint`, `client_id` and `post_logout_redirect_uri`.
    WithHintAndClientId,
}

/// A program with its client, and a user who signs in.
pub struct Visit<'house> {
    /// The Doorward.
    pub house: &'house House,
    /// What the program does.
    pub app: &'house App,
    /// The registered client.
    pub client: Value,
    /// The discovery document.
    pub discovery: Value,
    /// The user, signed in at Doorward.
    pub ada: Person,
}

/// The imitation of a program that signs users in.
pub fn run(house: &House, program: &Program, app: &App) {
    let visit = Visit::begin(house, app, || program.register(house));
    if app.starts_without {
        visit.fail_and_be_told(program);
    }
    let issued = visit.sign_in();
    visit.read(&issued);
    if let Some(secret) = app.renews {
        visit.renew(&issued, secret);
    }
    (app.also)(&visit, &issued);
    visit.sign_out(&issued);
}

/// What is known of the user.
pub fn expected(ada: &Person, claim: &str) -> Value {
    match claim {
        "sub" => json!(ada.id),
        "name" => json!("Ada Lovelace"),
        "given_name" => json!("Ada"),
        "family_name" => json!("Lovelace"),
        "preferred_username" | "username" => json!("ada"),
        "email" => json!("ada@corp.example"),
        "email_verified" => json!(true),
        "groups" | "roles" => json!(["staff"]),
        other => panic!("what is {other} of the user?"),
    }
}

/// A user whom the administrator invited, with an address and a role.
fn ada(house: &House, root: &Person) -> Person {
    let role = root
        .browser
        .post_json("/v1/roles", &json!({ "name": "staff" }));
    assert_eq!(role.status, 201, "{role:?}");
    let invitation = json!({
        "username": "ada", "display_name": "Ada Lovelace", "email": "ada@corp.example", "roles": ["staff"],
    });
    house.person_with(root, &invitation, SoftAuthenticator::synced(house.origin()))
}

impl<'house> Visit<'house> {
    /// A user, and the client that `register` registers.
    pub fn begin(house: &'house House, app: &'house App, register: impl FnOnce() -> Value) -> Self {
        let root = house.administrator();
        let ada = ada(house, &root);
        let client = register();
        let discovery = house.browser().get(app.discovery).json();
        assert_eq!(discovery["issuer"], house.origin(), "compared exactly");
        Self {
            house,
            app,
            client,
            discovery,
            ada,
        }
    }

    /// A member of the registration.
    pub fn registered(&self, name: &str) -> &str {
        let value = &self.client[name];
        value.as_str().or(value[0].as_str()).unwrap_or_default()
    }

    /// The path of an endpoint, as discovery has it.
    pub fn path(&self, name: &str) -> &str {
        let address = self.discovery[name].as_str().expect("an endpoint");
        address
            .strip_prefix(self.house.origin())
            .expect("below the issuer")
    }

    /// The parameters that the program sends the user to Doorward with; `more` replaces or adds some, and empty ones are left out.
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

    /// Sends the user to Doorward, who allows what they are asked, and returns what comes back to the program.
    pub fn authorize(&self, more: &[(&str, &str)]) -> HashMap<String, String> {
        let parameters = self.parameters(more);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&parameters)
            .finish();
        let browser = &self.ada.browser;
        let mut answer = browser.get(&format!("{}?{query}", self.path("authorization_endpoint")));
        // The page to choose an account, and the page to allow the app.
        for _ in 0..2 {
            let at = answer.header("location").unwrap_or_default();
            if at.starts_with("/oauth2/authorize/") || at.starts_with("/shown/") {
                let page = browser.get(at).text();
                let asks = page.contains("value=\"allow\"");
                let word = if asks { "allow" } else { "continue" };
                let form = page
                    .split(" action=\"")
                    .find(|rest| rest.starts_with("/oauth2/authorize/"));
                let action = form
                    .and_then(|rest| rest.split('"').next())
                    .expect("a form");
                answer = browser
                    .request("POST", action)
                    .page_form(&[("answer", word)])
                    .send();
            }
        }
        let mode = parameters.iter().find(|(name, _)| name == "response_mode");
        let redirect_uri = parameters.iter().find(|(name, _)| name == "redirect_uri");
        let redirect_uri = redirect_uri
            .map(|(_, value)| value.as_str())
            .unwrap_or_default();
        read_response(&answer, mode.map(|(_, mode)| mode.as_str()), redirect_uri)
    }

    /// The first try by the documentation's example, with a client of the defaults: the program gets both remedies, and so does
    /// the administrator who asks why it failed.
    fn fail_and_be_told(&self, program: &Program) {
        let mut arguments = program.arguments();
        arguments.retain(|argument| *argument != "--no-pkce");
        let client = create(self.house, &arguments);
        let id = client["client_id"].as_str().expect("an ID");
        let refused = self.authorize(&[
            ("client_id", id),
            ("code_challenge", ""),
            ("code_challenge_method", ""),
            ("nonce", ""),
        ]);
        assert_eq!(
            refused.get("error").map(String::as_str),
            Some("invalid_request"),
            "{refused:?}"
        );
        let remedy = format!("doorward client update {id} --no-pkce");
        let told = refused.get("error_description").expect("a description");
        let check = binary::run(&self.house.config, &["client", "check", id]);
        for text in [told, &check.output] {
            for part in ["code_challenge", "nonce", &remedy] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    /// Signs the user in: from the redirect to the verified ID token.
    pub fn sign_in(&self) -> Issued {
        let response = self.authorize(&[]);
        let sends_state = !self.app.asks_also.contains(&("state", ""));
        let state = response.get("state").map(String::as_str);
        assert_eq!(state, sends_state.then_some("the-state"), "{response:?}");
        // RFC 9207.
        assert_eq!(
            response.get("iss").map(String::as_str),
            Some(self.house.origin())
        );
        let code = response
            .get("code")
            .unwrap_or_else(|| panic!("no code: {response:?}"));
        let issued = Issued::read(&self.redeem(code));
        assert_eq!(issued.answer["token_type"], "Bearer");
        assert!(issued.answer["expires_in"].is_u64(), "{}", issued.answer);
        if !issued.id_token.is_empty() {
            let claims = self.verify(&issued.id_token);
            let nonce = if self.app.nonce {
                json!("the-nonce")
            } else {
                Value::Null
            };
            assert_eq!(claims["nonce"], nonce);
            let half = &sha256(&issued.access)[..16];
            assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(half));
        }
        issued
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

    /// Posts to the token endpoint as the program does.
    pub fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("token_endpoint", fields, self.app.secret)
    }

    /// Posts a form to an endpoint, authenticated like that.
    pub fn post(&self, endpoint: &str, fields: &[(&str, &str)], secret: Secret) -> Answer {
        let (id, own) = (
            self.registered("client_id"),
            self.registered("client_secret"),
        );
        let mut fields = fields.to_vec();
        for (name, value) in self.app.sends_also {
            fields.push((name, if *value == "{client_id}" { id } else { value }));
        }
        let server = self.house.browser();
        let request = || self.from_program(server.request("POST", self.path(endpoint)));
        let plain = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let in_body = [&fields[..], &[("client_id", id), ("client_secret", own)]].concat();
        let answer = match secret {
            Secret::Basic => request().form(&fields).basic(id, own).send(),
            Secret::PlainBasic => request()
                .form(&fields)
                .header("Authorization", &plain(own))
                .send(),
            Secret::Body => request().form(&in_body).send(),
            Secret::BasicThenBody => {
                let first = request().form(&fields).basic(id, own).send();
                if first.status == 200 {
                    first
                } else {
                    request().form(&in_body).send()
                }
            }
            Secret::None => request()
                .form(&[&fields[..], &[("client_id", id)]].concat())
                .send(),
            Secret::EmptyBasic => request()
                .form(&fields)
                .header("Authorization", &plain(""))
                .send(),
        };
        self.assert_readable(&answer);
        answer
    }

    /// The redirect URI that it sends.
    pub fn redirect_uri(&self) -> &str {
        let sent = self
            .app
            .asks_also
            .iter()
            .find(|(name, _)| *name == "redirect_uri");
        sent.map_or_else(|| self.registered("redirect_uris"), |(_, uri)| uri)
    }

    /// The origin of the program's own pages.
    fn origin(&self) -> String {
        let address = url::Url::parse(self.registered("redirect_uris")).expect("an address");
        address.origin().ascii_serialization()
    }

    /// A request of the program, not of Doorward's own pages.
    fn from_program<'browser>(&self, request: Request<'browser>) -> Request<'browser> {
        let request = request.without_same_origin();
        if self.app.in_browser {
            request.header("Origin", &self.origin())
        } else {
            request
        }
    }

    /// A page reads the answers that name its origin alone.
    fn assert_readable(&self, answer: &Answer) {
        let allowed = answer.header("access-control-allow-origin");
        let own = self.origin();
        let is_readable = allowed == Some("*") || allowed == Some(&own);
        assert!(is_readable || !self.app.in_browser, "{answer:?}");
    }

    /// `GET` as the program does it.
    pub fn get(&self, path: &str) -> Value {
        let server = self.house.browser();
        let answer = self.from_program(server.request("GET", path)).send();
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
            self.house.origin(),
            client,
        );
        claims.unwrap_or_else(|error| panic!("{error}: {id_token}"))
    }

    /// `GET` of the `UserInfo` endpoint.
    pub fn user_info(&self, access_token: &str) -> Value {
        self.user_info_at(self.path("userinfo_endpoint"), access_token)
    }

    /// `GET` of an address with an access token.
    pub fn user_info_at(&self, path: &str, access_token: &str) -> Value {
        let server = self.house.browser();
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
        let request = self.from_program(server.request("GET", path));
        let answer = request.bearer(access_token).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        self.assert_readable(&answer);
        answer.json()
    }

    fn read(&self, issued: &Issued) {
        let user_info = self
            .app
            .reads
            .iter()
            .any(|(from, _)| *from == From::UserInfo);
        let user_info = user_info.then(|| self.user_info(&issued.access));
        if let Some(user_info) = &user_info {
            // OpenID Connect Core §5.3.2.
            assert_eq!(user_info["sub"], self.ada.id);
        }
        for (from, claim) in self.app.reads {
            let claims = match from {
                From::IdToken => issued.id_claims.clone(),
                From::UserInfo => user_info.clone().unwrap_or_default(),
                From::AccessToken => claims_of(&issued.access),
            };
            assert_eq!(
                claims[claim],
                expected(&self.ada, claim),
                "{from:?} {claim}: {claims}"
            );
        }
    }

    fn renew(&self, issued: &Issued, secret: Secret) {
        assert!(
            !issued.refresh.is_empty(),
            "no refresh token: {}",
            issued.answer
        );
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", issued.refresh.as_str()),
        ];
        let renewed = Issued::read(&self.post("token_endpoint", &fields, secret));
        assert!(!renewed.access.is_empty() && renewed.access != issued.access);
        if !renewed.id_token.is_empty() {
            // OpenID Connect Core §12.2.
            assert_eq!(self.verify(&renewed.id_token)["sub"], self.ada.id);
        }
        assert_eq!(self.user_info(&renewed.access)["sub"], self.ada.id);
    }

    fn sign_out(&self, issued: &Issued) {
        let back = self.registered("post_logout_redirect_uris");
        let mut fields = vec![
            ("id_token_hint", issued.id_token.as_str()),
            ("post_logout_redirect_uri", back),
            ("state", "out"),
        ];
        match self.app.sign_out {
            SignOut::Stays => return,
            SignOut::WithHint => {}
            SignOut::WithHintAndClientId => {
                fields.push(("client_id", self.registered("client_id")))
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let answer = self
            .ada
            .browser
            .get(&format!("{}?{query}", self.path("end_session_endpoint")));
        let at = answer.header("location").unwrap_or_default();
        assert_eq!(at, format!("{back}?state=out"), "{answer:?}");
        assert_eq!(self.ada.session_status(), 401);
    }
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// What comes back to the program, in the place where it waits for it.
fn read_response(
    answer: &Answer,
    mode: Option<&str>,
    redirect_uri: &str,
) -> HashMap<String, String> {
    if mode == Some("form_post") {
        let fields = fields_of(&answer.text(), redirect_uri);
        return fields.into_iter().collect();
    }
    let location = answer.header("location").unwrap_or_default();
    let rest = location.strip_prefix(redirect_uri);
    let rest = rest.unwrap_or_else(|| panic!("not sent back to {redirect_uri}: {answer:?}"));
    let mark = if mode == Some("fragment") { '#' } else { '?' };
    let rest = rest
        .strip_prefix([mark, '&'])
        .unwrap_or_else(|| panic!("{location}"));
    url::form_urlencoded::parse(rest.as_bytes())
        .into_owned()
        .collect()
}
