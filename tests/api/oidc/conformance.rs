//! Modules of the OpenID Foundation's test plans (Basic OP, Form Post, RP-Initiated Logout) that no other test covers completely.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::forms::fields_of;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{
    CALLBACK, RelyingParty, TokenSet, error_of, redirect_parameters,
};
use crate::support::test_server::TestServer;

/// Registers the plan's client by the command. Some of its modules send neither PKCE nor a nonce.
fn plans_client(server: &TestServer) -> RelyingParty {
    let arguments = [
        "client",
        "create",
        "A plan",
        "--redirect-uri",
        CALLBACK,
        "--no-consent",
        "--no-pkce",
        "--json",
    ];
    let ran = binary::run(&server.config, &arguments);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let made = ran.json();
    let text = |name: &str| made[name].as_str().map(str::to_owned);
    RelyingParty {
        id: text("client_id").expect("an ID"),
        secret: text("client_secret"),
        server: server.browser(),
    }
}

/// Returns the parameters without PKCE, with additions, as in the plan's requests.
fn plain<'more>(more: &[(&'more str, &'more str)]) -> Vec<(&'more str, &'more str)> {
    [
        &[("code_challenge", ""), ("code_challenge_method", "")],
        more,
    ]
    .concat()
}

fn redeem(app: &RelyingParty, code: &str) -> Answer {
    app.token(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ])
}

/// Returns the fields of the form that the browser posts to the app; the page's URL contains none of them.
fn posted(
    app: &RelyingParty,
    browser: &TestBrowser,
    more: &[(&str, &str)],
) -> HashMap<String, String> {
    let answer = app.authorize(
        browser,
        &plain(&[more, &[("response_mode", "form_post")]].concat()),
    );
    assert_eq!(
        (answer.status, answer.header("location")),
        (200, None),
        "{answer:?}"
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("form-action 'self' https:"), "{policy}");
    fields_of(&answer.text(), CALLBACK).into_iter().collect()
}

on_both! {
    fn a_request_without_a_nonce_succeeds_and_the_id_token_has_none(server) {
        let root = server.administrator();
        let app = plans_client(server);
        let without = app.code(&root.browser, &plain(&[("nonce", "")]));
        let issued = TokenSet::read(&redeem(&app, &without));
        assert_eq!(issued.id_claims["nonce"], Value::Null);
        let with = app.code(&root.browser, &plain(&[]));
        assert_eq!(TokenSet::read(&redeem(&app, &with)).id_claims["nonce"], "the-nonce");
        // The same client may authenticate in the body.
        let code = app.code(&root.browser, &plain(&[]));
        let fields = [
            ("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK),
            ("client_id", app.id.as_str()), ("client_secret", app.secret.as_deref().expect("a secret")),
        ];
        let answer = server.browser().request("POST", "/oauth2/token").without_same_origin().form(&fields).send();
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let issued = TokenSet::read(&answer);
        let told = app.user_info(&issued.access);
        assert!(told.header("content-type").is_some_and(|media| media.starts_with("application/json")));
        assert_eq!(told.json()["sub"], issued.id_claims["sub"]);
    }

    fn the_order_of_scopes_and_parameters_does_not_matter(server) {
        let root = server.administrator();
        let app = plans_client(server);
        let mut parameters = app.parameters(&plain(&[("scope", "email profile openid")]));
        parameters.reverse();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let sent = redirect_parameters(&root.browser.get(&format!("/oauth2/authorize?{query}")));
        assert_eq!((sent["state"].as_str(), sent["iss"].as_str()), ("the-state", server.origin()));
        TokenSet::read(&redeem(&app, &sent["code"]));
        let missing = redirect_parameters(&app.authorize(&root.browser, &plain(&[("response_type", "")])));
        assert!(["invalid_request", "unsupported_response_type"].contains(&missing["error"].as_str()));
    }

    fn a_form_post_response_contains_only_the_code_or_the_error(server) {
        let root = server.administrator();
        let app = plans_client(server);
        let good = posted(&app, &root.browser, &[]);
        let mut names: Vec<&str> = good.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["code", "iss", "state"]);
        assert_eq!((good["state"].as_str(), good["iss"].as_str()), ("the-state", server.origin()));
        TokenSet::read(&redeem(&app, &good["code"]));
        let none = posted(&app, &server.browser(), &[("prompt", "none")]);
        assert_eq!((none["error"].as_str(), none["state"].as_str()), ("login_required", "the-state"));
        assert_eq!(none.get("code"), None);
        // Also after the consent page.
        let asked = app.authorize(&root.browser, &plain(&[("prompt", "consent"), ("response_mode", "form_post")]));
        let at = asked.header("location").expect("a page").to_owned();
        let allowed = root.browser.request("POST", &at).page_form(&[("answer", "allow")]).send();
        let fields: HashMap<String, String> = fields_of(&allowed.text(), CALLBACK).into_iter().collect();
        TokenSet::read(&redeem(&app, &fields["code"]));
    }

    fn a_refresh_token_works_only_for_its_own_client(server) {
        let root = server.administrator();
        let app = plans_client(server);
        let other = plans_client(server);
        let asked = app.authorize(&root.browser, &plain(&[("scope", "openid offline_access"), ("prompt", "consent")]));
        let at = asked.header("location").expect("a page").to_owned();
        let sent = redirect_parameters(&root.browser.request("POST", &at).page_form(&[("answer", "allow")]).send());
        let first = TokenSet::read(&redeem(&app, &sent["code"]));
        assert!(first.refresh.len() >= 22, "96 bits of randomness at least");
        let answer = app.refresh(&first.refresh);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let second = TokenSet::read(&answer);
        assert_eq!((&second.answer["token_type"], &second.answer["expires_in"]), (&json!("Bearer"), &json!(300)));
        for claim in ["iss", "sub", "auth_time", "azp", "aud"] {
            assert_eq!(second.id_claims[claim], first.id_claims[claim], "{claim}");
        }
        let foreign = other.refresh(&second.refresh);
        assert_eq!((foreign.status, error_of(&foreign)), (400, "invalid_grant".into()));
        let discovery = server.browser().get("/.well-known/openid-configuration").json();
        for (name, value) in [("grant_types_supported", "refresh_token"), ("scopes_supported", "offline_access"), ("claims_supported", "sub")] {
            let listed = discovery[name].as_array().expect("a list");
            assert!(listed.contains(&json!(value)), "{name}: {listed:?}");
        }
    }

    fn an_id_token_hint_of_another_issuer_does_not_sign_out(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        app.sign_in(&root.browser, &[]);
        let elsewhere = TestServer::embedded();
        let stranger = elsewhere.administrator();
        let foreign = elsewhere.relying_party(|_| {}).sign_in(&stranger.browser, &[]).id_token;
        let path = format!("/oauth2/logout?id_token_hint={foreign}");
        assert_eq!(server.browser().get(&path).status, 400);
        let asked = root.browser.get(&path);
        assert!(asked.status == 200 && asked.text().contains("Sign out?"), "{asked:?}");
        assert_eq!(root.session_status(), 200);
    }
}
