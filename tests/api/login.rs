//! Signing in.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::test_user::session_status;

on_both! {
    fn options_require_a_discoverable_credential_and_user_verification(server) {
        let root = server.administrator();
        let creation = root.browser.post_json("/webauthn/register/start", &json!({})).json();
        let selection = &creation["publicKey"]["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["requireResidentKey"], true);
        assert_eq!(selection["userVerification"], "required");
        assert_eq!(creation["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(1));
        let button = root.browser.post_json("/webauthn/login/start", &json!({})).json();
        assert_eq!(button["publicKey"]["userVerification"], "required");
        assert_eq!(button["publicKey"]["allowCredentials"], json!([]));
        assert_eq!(button.get("mediation"), None);
        let autofill = root.browser.post_json("/webauthn/login/start", &json!({ "conditional": true })).json();
        assert_eq!(autofill["mediation"], "conditional");
        assert_eq!(creation["publicKey"]["user"]["id"].as_str().map(str::len), Some(22), "a random uuid");
    }

    fn acr_and_amr_reflect_the_ceremony(server) {
        let root = server.administrator();
        let synced = root.browser.get("/v1/session").json();
        assert_eq!(synced["session"]["acr"], "phr");
        assert_eq!(synced["session"]["amr"], json!(["swk", "user", "mfa"]));
        let device = SoftAuthenticator::device_bound(server.origin());
        let ada = server.create_user_with(&root, &json!({ "username": "ada" }), device);
        let bound = ada.browser.get("/v1/session").json();
        assert_eq!(bound["session"]["acr"], "urn:doorward:acr:device-bound");
        assert_eq!(bound["session"]["amr"], json!(["hwk", "user", "mfa"]));
    }

    fn an_anonymous_visitors_long_url_is_truncated(server) {
        let mut root = server.administrator();
        let query = "x".repeat(30_000);
        let paths = [(format!("/account?{query}"), "/account"), ("/admin/audit?action=user.".into(), "/admin/audit?action=user.")];
        for (wanted, kept) in paths {
            let browser = server.browser();
            let sent = browser.get(&wanted);
            let login = sent.header("location").expect("the sign-in page").to_owned();
            assert!(sent.status == 303 && login.starts_with("/login?continue="), "{login}");
            assert_eq!(root.sign_in_at(&browser).status, 200);
            assert_eq!(browser.get(&login).header("location"), Some(kept));
        }
    }

    fn every_sign_in_gets_its_own_session_key(server) {
        let mut root = server.administrator();
        let browser = root.another_browser();
        let before = browser.cookie("doorward-session");
        let mark = browser.cookie("doorward-browser");
        assert_eq!(root.sign_in_at(&browser).status, 200);
        assert_ne!(browser.cookie("doorward-session"), before);
        assert_eq!(browser.cookie("doorward-browser"), mark, "other tabs continue");
        // The previous session key is invalid.
        let thief = browser.without_cookies();
        thief.set_cookie("doorward-session", &before.expect("a cookie"));
        assert_eq!(session_status(&thief), 401);
    }

    fn a_suspension_is_reported_only_after_the_passkey_was_verified(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let suspended = root.browser.post_json("/v1/users/ada/suspend", &json!({ "reason": "left" }));
        assert_eq!(suspended.status, 200, "{}", suspended.text());
        let answer = ada.sign_in_at(&server.browser());
        assert_eq!(answer.status, 403);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:account-suspended");
        let tampered = crate::support::authenticator::Overrides { tampered_signature: true, ..Default::default() };
        let answer = crate::support::test_user::sign_in(&server.browser(), &mut ada.device, &tampered);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:passkey-refused");
    }

    fn two_tabs_sign_in_concurrently(server) {
        let mut root = server.administrator();
        let tab = server.browser();
        let first = crate::support::test_user::assertion(&tab, &mut root.device, &Default::default());
        let second = crate::support::test_user::assertion(&tab, &mut root.device, &Default::default());
        assert_eq!(tab.post_json("/webauthn/login/finish", &second).status, 200);
        assert_eq!(tab.post_json("/webauthn/login/finish", &first).status, 200);
        assert_eq!(session_status(&tab), 200);
    }

    fn a_request_without_cookies_is_signed_out(server) {
        let browser = server.browser();
        assert_eq!(session_status(&browser), 401);
        browser.set_cookie("doorward-session", "rubbish");
        assert_eq!(session_status(&browser), 401);
        let answer = browser.get("/v1/session");
        assert_eq!(answer.header("www-authenticate"), Some("Doorward realm=\"session\""));
    }
}
