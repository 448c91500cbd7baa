//! A user's visit to a program: sign-in, reading claims, refreshing tokens, sign-out.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::app::{App, ClaimSource, ClientAuth, SignOut};
use super::requests::sha256;
use super::{Program, create};
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::forms::fields_of;
use crate::support::http::Answer;
use crate::support::relying_party::{TokenSet, claims_of};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// A program with its client, and a user who signs in.
pub struct ProgramSession<'server> {
    /// The installation.
    pub server: &'server TestServer,
    /// Behaviour of the program.
    pub app: &'server App,
    /// The registered client.
    pub client: Value,
    /// The discovery document.
    pub discovery: Value,
    /// The user, signed in at Doorward.
    pub ada: TestUser,
}

/// Runs the simulation of a program that signs users in.
pub fn run(server: &TestServer, program: &Program, app: &App) {
    let program_session = ProgramSession::begin(server, app, || program.register(server));
    if app.starts_without {
        program_session.expect_refusal_with_remedy(program);
    }
    let issued = program_session.sign_in();
    program_session.read(&issued);
    if let Some(secret) = app.renews {
        program_session.renew(&issued, secret);
    }
    (app.also)(&program_session, &issued);
    program_session.sign_out(&issued);
}

/// Returns the expected value of a claim about the user.
pub fn expected(ada: &TestUser, claim: &str) -> Value {
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

/// Creates a user with an email address and a role, invited by the administrator.
fn ada(server: &TestServer, root: &TestUser) -> TestUser {
    let role = root
        .browser
        .post_json("/v1/roles", &json!({ "name": "staff" }));
    assert_eq!(role.status, 201, "{role:?}");
    let invitation = json!({
        "username": "ada", "display_name": "Ada Lovelace", "email": "ada@corp.example", "roles": ["staff"],
    });
    server.create_user_with(
        root,
        &invitation,
        SoftAuthenticator::synced(server.origin()),
    )
}

impl<'server> ProgramSession<'server> {
    /// Creates a user, and the client that `register` registers.
    pub fn begin(
        server: &'server TestServer,
        app: &'server App,
        register: impl FnOnce() -> Value,
    ) -> Self {
        let root = server.administrator();
        let ada = ada(server, &root);
        let client = register();
        let discovery = server.browser().get(app.discovery).json();
        assert_eq!(discovery["issuer"], server.origin(), "compared exactly");
        Self {
            server,
            app,
            client,
            discovery,
            ada,
        }
    }

    /// Returns a member of the registration.
    pub fn registered(&self, name: &str) -> &str {
        let value = &self.client[name];
        value.as_str().or(value[0].as_str()).unwrap_or_default()
    }

    /// Returns the path of an endpoint from the discovery document.
    pub fn path(&self, name: &str) -> &str {
        let address = self.discovery[name].as_str().expect("an endpoint");
        address
            .strip_prefix(self.server.origin())
            .expect("below the issuer")
    }

    /// Sends the user to Doorward with an authorization request, gives consent, and returns the parameters of the response.
    pub fn authorize(&self, more: &[(&str, &str)]) -> HashMap<String, String> {
        let parameters = self.parameters(more);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&parameters)
            .finish();
        let browser = &self.ada.browser;
        let mut answer = browser.get(&format!("{}?{query}", self.path("authorization_endpoint")));
        // The account chooser and the consent page.
        for _ in 0..2 {
            let at = answer.header("location").unwrap_or_default();
            if at.starts_with("/oauth2/authorize/") || at.starts_with("/results/") {
                let page = browser.get(at).text();
                let asks = page.contains("value=\"allow\"");
                let word = if asks { "allow" } else { "continue" };
                let action = action_of(&page, "/oauth2/authorize/");
                answer = browser
                    .request("POST", &action)
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

    /// The first attempt with the documentation's example and a default client: the program gets both remedies, and so does an
    /// administrator who looks up the failure.
    fn expect_refusal_with_remedy(&self, program: &Program) {
        let mut arguments = program.arguments();
        arguments.retain(|argument| *argument != "--no-pkce");
        let client = create(self.server, &arguments);
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
        let check = binary::run(&self.server.config, &["client", "check", id]);
        for text in [told, &check.output] {
            for part in ["code_challenge", "nonce", &remedy] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    /// Signs the user in, from the redirect to the verified ID token.
    pub fn sign_in(&self) -> TokenSet {
        let response = self.authorize(&[]);
        let sends_state = !self.app.asks_also.contains(&("state", ""));
        let state = response.get("state").map(String::as_str);
        assert_eq!(state, sends_state.then_some("the-state"), "{response:?}");
        // RFC 9207.
        assert_eq!(
            response.get("iss").map(String::as_str),
            Some(self.server.origin())
        );
        let code = response
            .get("code")
            .unwrap_or_else(|| panic!("no code: {response:?}"));
        let issued = TokenSet::read(&self.redeem(code));
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

    /// Reads the claims that the program reads.
    pub fn read(&self, issued: &TokenSet) {
        let user_info = self
            .app
            .reads
            .iter()
            .any(|(from, _)| *from == ClaimSource::UserInfo);
        let user_info = user_info.then(|| self.user_info(&issued.access));
        if let Some(user_info) = &user_info {
            // OpenID Connect Core §5.3.2.
            assert_eq!(user_info["sub"], self.ada.id);
        }
        for (from, claim) in self.app.reads {
            let claims = match from {
                ClaimSource::IdToken => issued.id_claims.clone(),
                ClaimSource::UserInfo => user_info.clone().unwrap_or_default(),
                ClaimSource::AccessToken => claims_of(&issued.access),
            };
            assert_eq!(
                claims[claim],
                expected(&self.ada, claim),
                "{from:?} {claim}: {claims}"
            );
        }
    }

    fn renew(&self, issued: &TokenSet, secret: ClientAuth) {
        assert!(
            !issued.refresh.is_empty(),
            "no refresh token: {}",
            issued.answer
        );
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", issued.refresh.as_str()),
        ];
        let renewed = TokenSet::read(&self.post("token_endpoint", &fields, secret));
        assert!(!renewed.access.is_empty() && renewed.access != issued.access);
        if !renewed.id_token.is_empty() {
            // OpenID Connect Core §12.2.
            assert_eq!(self.verify(&renewed.id_token)["sub"], self.ada.id);
        }
        assert_eq!(self.user_info(&renewed.access)["sub"], self.ada.id);
    }

    fn sign_out(&self, issued: &TokenSet) {
        let registered = self.registered("post_logout_redirect_uris");
        let back = self.app.returns_to.unwrap_or(registered);
        let hint = ("id_token_hint", issued.id_token.as_str());
        let client = ("client_id", self.registered("client_id"));
        let mut fields = match self.app.sign_out {
            SignOut::Stays => return,
            SignOut::WithHint => vec![hint],
            SignOut::WithHintAndClientId => vec![hint, client],
            SignOut::WithClientId => vec![client],
        };
        fields.extend([("post_logout_redirect_uri", back), ("state", "out")]);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let browser = &self.ada.browser;
        let endpoint = self.path("end_session_endpoint");
        let mut answer = browser.get(&format!("{endpoint}?{query}"));
        if self.app.sign_out == SignOut::WithClientId {
            let action = action_of(&answer.text(), "/oauth2/logout/");
            answer = browser.request("POST", &action).page_form(&[]).send();
        }
        let at = answer.header("location").unwrap_or_default();
        assert_eq!(at, format!("{back}?state=out"), "{answer:?}");
        assert_eq!(self.ada.session_status(), 401);
    }
}

/// Returns the URL of the page's form that posts below this path.
fn action_of(page: &str, below: &str) -> String {
    let form = page
        .split(" action=\"")
        .find(|rest| rest.starts_with(below));
    let action = form.and_then(|rest| rest.split('"').next());
    action
        .unwrap_or_else(|| panic!("no form below {below}: {page}"))
        .to_owned()
}

/// Returns the parameters of the response, in the place where the program expects them.
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
