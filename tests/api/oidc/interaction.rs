//! Interactions before the response to an app: sign-in, an old sign-in, a weak one, another user.

use crate::on_both;
use crate::support::authenticator::Overrides;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{RelyingParty, TokenSet, claims_of, redirect_parameters};
use crate::support::test_user::TestUser;

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

/// Returns path and page of a request that waits for the user.
fn pending(app: &RelyingParty, browser: &TestBrowser, more: &[(&str, &str)]) -> (String, Answer) {
    let path = location(&app.authorize(browser, more));
    assert!(path.starts_with("/oauth2/authorize/"), "{path}");
    let page = browser.get(&path);
    (path, page)
}

fn answer(browser: &TestBrowser, path: &str, word: &str) -> Answer {
    browser.submit(path, &[("answer", word)])
}

fn error(answer: &Answer) -> String {
    redirect_parameters(answer)
        .get("error")
        .cloned()
        .unwrap_or_default()
}

fn auth_time(app: &RelyingParty, sent: &Answer) -> i64 {
    let code = redirect_parameters(sent)
        .get("code")
        .cloned()
        .expect("a code");
    let issued = TokenSet::read(&app.redeem(&code));
    issued.id_claims["auth_time"].as_i64().expect("a number")
}

on_both! {
    fn a_signed_out_user_signs_in_and_returns_to_the_app(server) {
        let mut root = server.administrator();
        let app = server.relying_party(|_| {});
        let browser = server.browser();
        let (path, page) = pending(&app, &browser, &[]);
        let login = location(&page);
        assert!(login.starts_with("/login?continue="), "{login}");
        let shown = browser.get(&login).text();
        assert!(shown.contains("an app") && shown.contains("app.example"), "{shown}");
        let continue_id = login.split('=').nth(1).expect("an id");
        let mut finish = {
            let started = browser.post_json("/webauthn/login/start", &serde_json::json!({ "continue": continue_id })).json();
            let credential = root.device.get(&started["publicKey"], &Overrides::default());
            serde_json::json!({ "ceremony": started["ceremony"], "credential": credential })
        };
        let signed_in = browser.post_json("/webauthn/login/finish", &finish.take()).json();
        assert_eq!(signed_in["continue"], serde_json::json!(path));
        let sent = browser.get(&path);
        assert!(redirect_parameters(&sent).contains_key("code"));
        assert_eq!(redirect_parameters(&sent)["state"], "the-state");
        assert_eq!(redirect_parameters(&sent)["iss"], server.origin());
        assert_eq!(browser.get(&path).status, 410, "answered once");
    }

    fn prompt_none_shows_no_page(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let none = [("prompt", "none")];
        let refused = app.authorize(&server.browser(), &none);
        assert_eq!(error(&refused), "login_required");
        assert_eq!(redirect_parameters(&refused)["state"], "the-state");
        let first = app.sign_in(&root.browser, &[]);
        let silent = app.sign_in(&root.browser, &none);
        for claim in ["sub", "auth_time", "sid"] {
            assert_eq!(silent.id_claims[claim], first.id_claims[claim]);
        }
        let hinted = app.sign_in(&root.browser, &[("prompt", "none"), ("id_token_hint", &first.id_token)]);
        assert_eq!(hinted.id_claims["sub"], first.id_claims["sub"]);
        server.advance_clock(2);
        assert_eq!(error(&app.authorize(&root.browser, &[("prompt", "none"), ("max_age", "1")])), "login_required");
        assert_eq!(error(&app.authorize(&root.browser, &[("prompt", "none login")])), "invalid_request");
        assert_eq!(error(&app.authorize(&root.browser, &[("prompt", "sometimes")])), "invalid_request");
    }

    fn prompt_login_and_max_age_require_a_ceremony_and_update_auth_time(server) {
        let mut root = server.administrator();
        let app = server.relying_party(|_| {});
        let before = app.sign_in(&root.browser, &[]);
        let before = before.id_claims["auth_time"].as_i64().expect("a number");
        for wish in [("prompt", "login"), ("max_age", "1"), ("max_age", "0")] {
            server.advance_clock(5);
            let (path, page) = pending(&app, &root.browser, &[wish]);
            assert!(page.text().contains("step_up.js"), "{page:?}");
            assert!(answer(&root.browser, &path, "reauthenticated").text().contains("step_up.js"), "not yet");
            server.advance_clock(1);
            assert_eq!(root.step_up().status, 200);
            let sent = answer(&root.browser, &path, "reauthenticated");
            assert!(auth_time(&app, &sent) >= before + 6);
        }
        server.advance_clock(100);
        let old = app.sign_in(&root.browser, &[("max_age", "10000")]);
        let again = app.sign_in(&root.browser, &[("max_age", "10000")]);
        assert_eq!(old.id_claims["auth_time"], again.id_claims["auth_time"]);
        for bad in ["-1", "x", "1.5", "+3"] {
            assert_eq!(error(&app.authorize(&root.browser, &[("max_age", bad)])), "invalid_request", "{bad}");
        }
    }

    fn a_ceremony_satisfies_its_request_for_five_minutes(server) {
        let mut root = server.administrator();
        let app = server.relying_party(|_| {});
        let (path, _) = pending(&app, &root.browser, &[("prompt", "login")]);
        server.advance_clock(1);
        assert_eq!(root.step_up().status, 200);
        server.advance_clock(301);
        assert!(answer(&root.browser, &path, "reauthenticated").text().contains("step_up.js"));
        assert_eq!(root.step_up().status, 200);
        assert!(redirect_parameters(&answer(&root.browser, &path, "reauthenticated")).contains_key("code"));
    }

    fn default_max_age_applies_to_requests_without_max_age(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.default_max_age = Some(60));
        app.sign_in(&root.browser, &[]);
        server.advance_clock(61);
        pending(&app, &root.browser, &[]);
        app.sign_in(&root.browser, &[("max_age", "600")]);
    }

    fn a_stronger_passkey_is_requested_if_the_user_has_one(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let bound = "urn:doorward:acr:device-bound";
        assert_eq!(error(&app.authorize(&root.browser, &[("acr_values", bound)])), "unmet_authentication_requirements");
        let strict = server.relying_party(|metadata| metadata.least_acr = Some(bound.into()));
        assert_eq!(error(&strict.authorize(&root.browser, &[])), "unmet_authentication_requirements");
        // Unknown values are a preference that can't be fulfilled, but not an error.
        app.sign_in(&root.browser, &[("acr_values", "1 2")]);
        app.sign_in(&root.browser, &[("acr_values", "urn:other phr")]);
        let essential = r#"{"id_token": {"acr": {"essential": true, "values": ["1"]}}}"#;
        assert_eq!(error(&app.authorize(&root.browser, &[("claims", essential)])), "unmet_authentication_requirements");
        let (device, _) = root.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let mut with_key = TestUser { device, ..root.clone() };
        assert_eq!(error(&app.authorize(&root.browser, &[("acr_values", bound), ("prompt", "none")])), "login_required");
        let (path, page) = pending(&app, &root.browser, &[("acr_values", bound)]);
        assert!(page.text().contains("step_up.js"));
        server.advance_clock(1);
        assert_eq!(with_key.step_up().status, 200);
        let sent = answer(&with_key.browser, &path, "reauthenticated");
        let code = redirect_parameters(&sent).get("code").cloned().expect("a code");
        assert_eq!(TokenSet::read(&app.redeem(&code)).id_claims["acr"], bound);
    }

    fn a_user_other_than_the_hinted_one_is_refused(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(|_| {});
        let hint = app.sign_in(&ada.browser, &[]).id_token;
        let with_hint = [("id_token_hint", hint.as_str())];
        assert_eq!(error(&app.authorize(&root.browser, &[with_hint[0], ("prompt", "none")])), "login_required");
        let (path, page) = pending(&app, &root.browser, &with_hint);
        assert!(page.text().contains("asked for a different account"), "{page:?}");
        assert!(location(&answer(&root.browser, &path, "switch")).starts_with("/login?continue="));
        let sub = claims_of(&hint)["sub"].as_str().expect("a sub").to_owned();
        let claims = format!(r#"{{"id_token": {{"sub": {{"value": "{sub}"}}}}}}"#);
        assert_eq!(error(&app.authorize(&root.browser, &[("claims", &claims), ("prompt", "none")])), "login_required");
        app.sign_in(&ada.browser, &[("claims", &claims)]);
        // Not an object: refused, because the user that the app names can't be told.
        let malformed = format!(r#"{{"id_token": {{"sub": "{sub}"}}}}"#);
        assert_eq!(error(&app.authorize(&root.browser, &[("claims", &malformed)])), "invalid_request");
        // A token of another client, or an invalid one, is not a hint.
        let other = server.relying_party(|_| {});
        assert_eq!(error(&other.authorize(&ada.browser, &with_hint)), "invalid_request");
        assert_eq!(error(&app.authorize(&ada.browser, &[("id_token_hint", "x.y.z")])), "invalid_request");
        // An expired token is.
        server.advance_clock(3_600);
        app.sign_in(&ada.browser, &with_hint);
    }

    fn a_user_without_a_required_role_is_refused(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.relying_party(|metadata| metadata.allowed_roles = vec!["admin".into()]);
        assert_eq!(error(&app.authorize(&ada.browser, &[])), "access_denied");
        app.sign_in(&root.browser, &[]);
    }

    fn prompt_select_account_asks_once_per_request(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let (path, page) = pending(&app, &root.browser, &[("prompt", "select_account")]);
        assert!(page.text().contains("Root Admin"));
        assert!(redirect_parameters(&answer(&root.browser, &path, "continue")).contains_key("code"));
        assert_eq!(error(&app.authorize(&root.browser, &[("prompt", "none select_account")])), "invalid_request");
    }

    fn a_pending_request_is_bound_to_one_browser(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let (path, page) = pending(&app, &root.browser, &[]);
        assert_eq!(page.status, 200);
        let mut stranger = server.create_user(&root, "eve");
        let other = stranger.another_browser();
        assert_eq!(other.get(&path).status, 410);
        assert_eq!(answer(&other, &path, "allow").status, 410);
        let forged = root.browser.request("POST", &path).without_same_origin().form(&[("answer", "allow")]).send();
        assert_eq!(forged.status, 403);
        assert!(redirect_parameters(&answer(&root.browser, &path, "allow")).contains_key("code"));
    }

    fn a_posted_authorization_request_continues_without_a_cookie(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let parameters = app.parameters(&[]);
        let fields: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let stranger = server.browser();
        let posted = stranger.request("POST", "/oauth2/authorize").header("Origin", "https://app.example")
            .header("Sec-Fetch-Site", "cross-site").form(&fields).send();
        let path = location(&posted);
        assert!(path.starts_with("/oauth2/authorize/"));
        assert!(redirect_parameters(&root.browser.get(&path)).contains_key("code"));
        assert_eq!(server.browser().get(&path).status, 410);
    }

    fn twenty_concurrent_answers_to_a_request_issue_one_code(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let (path, _) = pending(&app, &root.browser, &[]);
        let tabs = vec![root.browser.clone(); crate::support::race::RUNNERS];
        let answers = crate::support::race::race(tabs, |tab| answer(&tab, &path, "allow"));
        let sent = answers.iter().filter(|answer| answer.status == 303).count();
        let gone = answers.iter().filter(|answer| answer.status == 410).count();
        assert_eq!((sent, gone), (1, crate::support::race::RUNNERS - 1), "{answers:?}");
    }
}
