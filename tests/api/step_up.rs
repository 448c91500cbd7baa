//! Step-up: a recent ceremony is required for actions that a thief of a session would want.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::roles::create_role;
use super::sessions::live_copy;
use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::test_user::{session_status, sign_in, step_up};

on_both! {
    fn a_stale_session_cannot_change_passkeys_or_administer(server) {
        let mut root = server.administrator();
        let (_, second) = root.add_passkey(SoftAuthenticator::synced(server.origin()));
        server.create_user(&root, "ada");
        server.advance_clock(301);
        let needed = "urn:doorward:problem:step-up-needed";
        let refused = [
            root.browser.post_json("/webauthn/register/start", &json!({})),
            root.browser.delete(&format!("/v1/me/passkeys/{second}")),
            root.browser.post_json("/v1/me/device-links", &json!({})),
            root.browser.post_json("/v1/invitations", &json!({ "username": "eve" })),
            root.browser.post_json("/v1/users/ada/suspend", &json!({})),
            root.browser.delete("/v1/users/ada/sessions"),
        ];
        for answer in refused {
            assert_eq!((answer.status, answer.problem_type().as_str()), (403, needed));
        }
        // Reading is still possible.
        assert_eq!(root.browser.get("/v1/users/ada").status, 200);
        assert_eq!(root.step_up().status, 200);
        let removed = root.browser.delete(&format!("/v1/me/passkeys/{second}"));
        assert_eq!(removed.status, 200, "{}", removed.text());
    }

    fn a_step_up_keeps_the_session_and_changes_its_key(server) {
        let mut root = server.administrator();
        let before = root.browser.get("/v1/session").json();
        let old = root.browser.clone();
        server.advance_clock(60);
        assert_eq!(root.step_up().status, 200);
        let after = root.browser.get("/v1/session").json();
        assert_eq!(before["session"]["id"], after["session"]["id"]);
        assert_ne!(before["session"]["auth_time"], after["session"]["auth_time"]);
        assert_eq!(session_status(&old), 401, "the old key is refused");
    }

    fn the_session_key_from_before_a_step_up_is_refused_even_if_not_deleted(server) {
        let mut root = server.administrator();
        let old = root.browser.clone();
        let (key, copy) = live_copy(server, &old);
        // Within the same microsecond of the clock.
        assert_eq!(root.step_up().status, 200);
        server.run(server.app.ephemeral.put(&key, &copy, Duration::from_secs(3600))).expect("stored");
        assert_eq!(session_status(&old), 401);
        assert_eq!(root.session_status(), 200);
        // The same with more such sessions than the account's record lists, all stepped up later.
        server.advance_clock(1);
        for _ in 0..65 {
            let mut other = root.clone();
            other.browser = root.another_browser();
            assert_eq!(other.step_up().status, 200);
        }
        assert_eq!(session_status(&old), 401);
        assert_eq!(root.session_status(), 200);
    }

    fn a_step_up_with_another_users_passkey_is_refused(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        // The options list the user's own passkeys; another user's passkey responds anyway.
        let started = root.browser.post_json("/webauthn/step-up/start", &json!({})).json();
        let mut options = started["publicKey"].clone();
        options["allowCredentials"] = json!([]);
        let credential = ada.device.get(&options, &Overrides::default());
        let body = json!({ "ceremony": started["ceremony"], "credential": credential });
        let answer = root.browser.post_json("/webauthn/step-up/finish", &body);
        assert_eq!(answer.status, 401, "{}", answer.text());
    }

    fn a_refused_step_up_is_not_recorded_as_a_sign_in(server) {
        let mut root = server.administrator();
        let tampered = Overrides { tampered_signature: true, ..Overrides::default() };
        assert_eq!(step_up(&root.browser, &mut root.device, &tampered).status, 401);
        let event = root.browser.get("/v1/audit-events?limit=1").json()["items"][0].clone();
        let recorded = (&event["action"], &event["outcome"], &event["reason"]);
        assert_eq!(recorded, (&json!("session.stepped_up"), &json!("refused"), &json!("assertion-refused")));
    }

    fn refused_sign_ins_of_a_stranger_do_not_hide_a_refused_step_up(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let mut device = ada.device.clone();
        let tampered = Overrides { tampered_signature: true, ..Overrides::default() };
        for _ in 0..12 {
            assert_eq!(sign_in(&server.browser(), &mut device, &tampered).status, 401);
        }
        assert_eq!(step_up(&ada.browser, &mut device, &tampered).status, 401);
        let events = root.browser.get("/v1/audit-events?outcome=refused&action=session.stepped_up").json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(1), "{events}");
        assert_eq!(events["items"][0]["details"].get("refused_in_this_minute"), None, "{events}");
    }

    fn a_step_up_with_another_users_passkey_is_not_recorded_about_its_owner(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (revoked, id) = ada.add_passkey(SoftAuthenticator::synced(server.origin()));
        assert_eq!(ada.browser.delete(&format!("/v1/me/passkeys/{id}")).status, 200);
        let eve = server.create_user(&root, "eve");
        for mut device in [revoked, ada.device.clone()] {
            let started = eve.browser.post_json("/webauthn/step-up/start", &json!({})).json();
            let mut options = started["publicKey"].clone();
            options["allowCredentials"] = json!([]);
            let credential = device.get(&options, &Overrides::default());
            let body = json!({ "ceremony": started["ceremony"], "credential": credential });
            assert_eq!(eve.browser.post_json("/webauthn/step-up/finish", &body).status, 401);
        }
        let events = root.browser.get("/v1/audit-events?outcome=refused").json();
        assert_eq!(events["items"], json!([]));
    }

    fn every_administrative_change_needs_a_recent_sign_in(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        create_role(&root, &json!({ "name": "clerk" }));
        let made = root.browser.post_json("/v1/role-assignments", &json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["X"] }));
        assert_eq!(made.status, 201, "{}", made.text());
        let assignment = made.header("location").expect("a path").to_owned();
        assert_eq!(root.browser.request("PUT", "/v1/resources/order/17").json(&json!({})).send().status, 201);
        let (client, _) = server.client(&["users:read"]);
        let invited = root.browser.post_json("/v1/invitations", &json!({}));
        assert_eq!(invited.status, 201, "{}", invited.text());
        let invitation = root.browser.get("/v1/invitations").json()["items"][0]["id"].as_str().expect("an id").to_owned();
        let session = ada.browser.get("/v1/session").json()["session"]["id"].as_str().expect("an id").to_owned();
        server.advance_clock(301);
        let c = format!("/v1/clients/{client}");
        let calls = [
            ("PATCH", "/v1/users/ada".to_owned(), json!({ "display_name": "X" })),
            ("POST", "/v1/users/ada/suspend".into(), json!({})), ("POST", "/v1/users/ada/reactivate".into(), json!({})),
            ("DELETE", "/v1/usernames/ada".into(), json!({})),
            ("DELETE", format!("/v1/users/ada/passkeys/{}", ada.passkey), json!({})),
            ("DELETE", "/v1/users/ada/sessions".into(), json!({})), ("DELETE", format!("/v1/users/ada/sessions/{session}"), json!({})),
            ("POST", "/v1/invitations".into(), json!({})), ("POST", "/v1/invitations".into(), json!({ "user_id": "ada" })),
            ("DELETE", format!("/v1/invitations/{invitation}"), json!({})),
            ("POST", "/v1/roles".into(), json!({ "name": "new" })), ("PATCH", "/v1/roles/clerk".into(), json!({ "description": "x" })), ("DELETE", "/v1/roles/clerk".into(), json!({})),
            ("POST", "/v1/clients".into(), json!({ "client_name": "x", "grant_types": ["client_credentials"] })), ("PATCH", c.clone(), json!({ "client_name": "y" })),
            ("POST", format!("{c}/secret"), json!({})), ("POST", format!("{c}/disable"), json!({})), ("POST", format!("{c}/enable"), json!({})), ("DELETE", c, json!({})),
            ("POST", "/v1/role-assignments".into(), json!({ "user": "ada", "resource_type": "order", "resource_id": "18", "roles": ["X"] })),
            ("PATCH", assignment.clone(), json!({ "roles": ["Y"] })), ("DELETE", assignment, json!({})),
            ("PUT", "/v1/resources/order/18".into(), json!({})), ("DELETE", "/v1/resources/order/17".into(), json!({})),
        ];
        let mut wrong = String::new();
        for (method, path, body) in calls {
            let request = root.browser.request(method, &path).header("If-Match", "\"1\"");
            let answer = if method == "DELETE" { request.send() } else { request.json(&body).send() };
            if (answer.status, answer.problem_type().as_str()) != (403, "urn:doorward:problem:step-up-needed") {
                writeln!(wrong, "{method} {path} {} {}", answer.status, answer.text()).expect("a text");
            }
        }
        assert_eq!(wrong, "");
        assert_eq!(ada.session_status(), 200);
    }

    fn a_stepped_up_session_depends_on_the_new_passkey_too(server) {
        let root = server.administrator();
        let (mut other, id) = root.add_passkey(SoftAuthenticator::synced(server.origin()));
        assert_eq!(step_up(&root.browser, &mut other, &Overrides::default()).status, 200);
        let mut elsewhere = root.clone();
        let browser = elsewhere.another_browser();
        let gone = browser.delete(&format!("/v1/me/passkeys/{id}"));
        assert_eq!(gone.status, 200, "{}", gone.text());
        assert_eq!(root.session_status(), 401, "all its passkeys must be live");
        assert_eq!(session_status(&browser), 200);
    }

    fn an_ended_session_cannot_be_stepped_up(server) {
        let mut root = server.administrator();
        let started = root.browser.post_json("/webauthn/step-up/start", &json!({})).json();
        let credential = root.device.get(&started["publicKey"], &Overrides::default());
        let body = json!({ "ceremony": started["ceremony"], "credential": credential });
        let copy = root.browser.clone();
        assert_eq!(root.browser.delete("/v1/session").status, 204);
        assert_eq!(copy.post_json("/webauthn/step-up/finish", &body).status, 401);
        assert_eq!(session_status(&copy), 401);
    }
}
