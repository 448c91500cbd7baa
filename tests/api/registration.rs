//! Registering passkeys: at set-up, and in the user's own account.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::test_user::{TestUser, register, session_status};

on_both! {
    /// The shortest journey: set up, check the session, sign in again, revoke the passkey, be signed out.
    fn the_first_administrator_is_set_up_signs_in_and_is_suspended(server) {
        let mut root = server.administrator();
        let session = root.browser.get("/v1/session");
        assert_eq!(session.status, 200, "{}", session.text());
        assert_eq!(session.json()["user"]["roles"], json!(["admin"]));
        let browser = root.another_browser();
        let (_, second) = root.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let revoked = browser.delete(&format!("/v1/me/passkeys/{}", root.passkey));
        assert_eq!(revoked.status, 200, "{}", revoked.text());
        assert_eq!(session_status(&browser), 401);
        assert_eq!(root.session_status(), 401);
        assert_ne!(second, root.passkey);
    }

    fn a_set_up_link_works_once(server) {
        let token = server.set_up_token();
        let start = json!({ "setup": token, "username": "root", "display_name": "Root" });
        let mut device = SoftAuthenticator::synced(server.origin());
        let first = TestUser::register(server.browser(), device.clone(), &start);
        assert_eq!(first.session_status(), 200);
        let again = register(&server.browser(), &mut device, &start, &Default::default());
        assert_eq!(again.status, 410);
        assert_eq!(again.problem_type(), "urn:doorward:problem:link-gone");
        assert!(server.run(server.app.users.create_set_up_link()).is_err(), "permanently invalid");
    }

    fn a_new_set_up_link_replaces_the_previous_one_and_expires_after_an_hour(server) {
        let start = |token: String| json!({ "setup": token, "username": "root", "display_name": "R" });
        let first = server.set_up_token();
        let second = server.set_up_token();
        let browser = server.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &start(first)).status, 410);
        assert_eq!(browser.post_json("/webauthn/register/start", &start(second.clone())).status, 200);
        server.advance_clock(3601);
        assert_eq!(browser.post_json("/webauthn/register/start", &start(second)).status, 410);
    }

    fn a_setup_link_still_works_after_an_unfinished_attempt(server) {
        let token = server.set_up_token();
        let start = json!({ "setup": token, "username": "root", "display_name": "Root" });
        server.browser().post_json("/webauthn/register/start", &start);
        let root = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(root.username, "root");
    }

    fn a_passkey_is_stored_with_its_kind_transports_and_name(server) {
        let root = server.administrator();
        let mut device = SoftAuthenticator::device_bound(server.origin());
        device.aaguid = uuid::uuid!("ee882879-721c-4913-9775-3dfcce97072a").into_bytes();
        let overrides = crate::support::authenticator::Overrides {
            transports: Some(vec!["usb".into(), "nfc".into(), "telepathy".into()]),
            ..Default::default()
        };
        let answer = register(&root.browser, &mut device, &json!({}), &overrides).json();
        let passkey = &answer["passkey"];
        assert_eq!(passkey["name"], "YubiKey 5");
        assert_eq!(passkey["provider"], "YubiKey 5");
        assert_eq!(passkey["aaguid"], "ee882879-721c-4913-9775-3dfcce97072a");
        assert_eq!(passkey["transports"], json!(["nfc", "usb"]));
        assert_eq!(passkey["synced"], false);
    }

    fn adding_a_passkey_needs_the_session_that_started_it(server) {
        let mut root = server.administrator();
        let started = root.browser.post_json("/webauthn/register/start", &json!({})).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&started["publicKey"], &Default::default());
        let body = json!({ "ceremony": started["ceremony"], "credential": credential });
        // In the same browser, another session of the same user started in between.
        assert_eq!(root.sign_in_at(&root.browser.clone()).status, 200);
        let other_tab = root.browser.clone();
        root.sign_in_at(&other_tab);
        let answer = other_tab.post_json("/webauthn/register/finish", &body);
        assert_eq!(answer.status, 401, "{}", answer.text());
    }

    fn a_user_has_at_most_thirty_passkeys(server) {
        let root = server.administrator();
        for _ in 1..30 {
            root.add_passkey(SoftAuthenticator::synced(server.origin()));
        }
        let answer = root.browser.post_json("/webauthn/register/start", &json!({}));
        assert_eq!(answer.status, 409);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:too-many-passkeys");
    }

    fn registration_needs_a_link_or_a_session(server) {
        let browser = server.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &json!({})).status, 401);
        let unknown = json!({ "setup": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "username": "a", "display_name": "a" });
        assert_eq!(browser.post_json("/webauthn/register/start", &unknown).status, 410);
        let unknown = json!({ "invitation": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
        assert_eq!(browser.post_json("/webauthn/register/start", &unknown).status, 410);
        let both = json!({ "invitation": "a", "setup": "b" });
        assert_eq!(browser.post_json("/webauthn/register/start", &both).status, 400);
    }
}
