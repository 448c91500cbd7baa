//! Revocation has an effect at the next request, on everything based on what was revoked.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::test_user::{TestUser, session_status};

on_both! {
    fn revoking_a_passkey_ends_exactly_the_sessions_based_on_it(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let second = ada.another_browser();
        let (device, other) = ada.add_passkey(SoftAuthenticator::synced(server.origin()));
        let mut elsewhere = TestUser { device, ..ada.clone() };
        let third = elsewhere.another_browser();
        let answer = root.browser.delete(&format!("/v1/users/ada/passkeys/{}?reason=lost+phone", ada.passkey));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["sessions_ended"], 2);
        assert_eq!(ada.session_status(), 401);
        assert_eq!(session_status(&second), 401);
        assert_eq!(session_status(&third), 200);
        assert_eq!(ada.sign_in_at(&server.browser()).problem_type(), "urn:doorward:problem:passkey-unknown");
        assert_eq!(elsewhere.sign_in_at(&server.browser()).status, 200);
        // The audit event says who revoked it, when and why.
        let event = root.browser.get("/v1/audit-events?action=passkey.revoked").json()["items"][0].clone();
        assert_eq!(event["reason"], "lost phone");
        assert_eq!(event["actor"], json!(format!("user:{}", root.id)));
        assert_eq!(event["subject"], json!(ada.id));
        let listed = root.browser.get("/v1/users/ada/passkeys").json();
        let of = |id: &str| listed["items"].as_array().expect("a list").iter().find(|passkey| passkey["id"] == id).cloned().expect("a passkey");
        assert_eq!(of(&ada.passkey)["revoked_reason"], "lost phone");
        assert_eq!(of(&other)["revoked_at"], json!(null));
    }

    fn revoking_is_safe_to_repeat(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/users/ada/passkeys/{}", ada.passkey);
        assert_eq!(root.browser.delete(&path).json()["sessions_ended"], 1);
        let again = root.browser.delete(&path);
        assert_eq!((again.status, again.json()["sessions_ended"].clone()), (200, json!(0)));
        let events = root.browser.get("/v1/audit-events?action=passkey.revoked").json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(1));
    }

    fn a_passkey_is_revoked_only_at_its_owners_url(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        server.create_user(&root, "bob");
        let answer = root.browser.delete(&format!("/v1/users/bob/passkeys/{}", ada.passkey));
        assert_eq!(answer.status, 404);
        assert_eq!(ada.session_status(), 200);
        assert_eq!(ada.browser.delete(&format!("/v1/users/root/passkeys/{}", root.passkey)).status, 403);
        assert_eq!(ada.browser.delete(&format!("/v1/me/passkeys/{}", root.passkey)).status, 404);
        assert_eq!(root.session_status(), 200);
    }

    fn users_cannot_remove_their_last_passkey(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let answer = ada.browser.delete(&format!("/v1/me/passkeys/{}", ada.passkey));
        assert_eq!(answer.status, 409);
        assert_eq!(answer.problem_type(), "urn:doorward:problem:last-passkey");
        // An administrator may, and then a recovery link gives access again.
        assert_eq!(root.browser.delete(&format!("/v1/users/ada/passkeys/{}", ada.passkey)).status, 200);
        let link = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" }));
        let start = json!({ "invitation": link.json()["token"] });
        let back = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(back.id, ada.id);
        assert_eq!(back.session_status(), 200);
    }

    fn suspending_ends_everything_and_reactivating_restores_only_the_passkeys(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let other = ada.another_browser();
        let link = ada.browser.post_json("/v1/me/device-links", &json!({})).json();
        let answer = root.browser.post_json("/v1/users/ada/suspend", &json!({ "reason": "holiday" }));
        assert_eq!(answer.json()["sessions_ended"], 2);
        assert_eq!(ada.session_status(), 401);
        assert_eq!(session_status(&other), 401);
        let start = json!({ "invitation": link["token"] });
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 410);
        assert_eq!(root.browser.post_json("/v1/users/ada/reactivate", &json!({})).status, 204);
        assert_eq!(ada.session_status(), 401, "no session comes back");
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 410, "no link either");
        assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
    }

    fn users_lock_their_own_account(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        server.advance_clock(3600);
        assert_eq!(ada.browser.post_json("/v1/me/suspend", &json!({})).status, 204);
        assert_eq!(ada.session_status(), 401);
        assert_eq!(ada.sign_in_at(&server.browser()).problem_type(), "urn:doorward:problem:account-suspended");
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "suspended");
    }

    fn ending_all_sessions_of_a_user_ends_all(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        let other = ada.another_browser();
        assert_eq!(root.browser.delete("/v1/users/ada/sessions").json()["sessions_ended"], 2);
        assert_eq!(ada.session_status(), 401);
        assert_eq!(session_status(&other), 401);
        assert_eq!(root.session_status(), 200);
        assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
    }

    fn a_recovery_ends_earlier_sessions_and_adding_a_device_does_not(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let link = ada.browser.post_json("/v1/me/device-links", &json!({})).json();
        let start = json!({ "invitation": link["token"] });
        let device = SoftAuthenticator::synced(server.origin());
        let second = TestUser::register(server.browser(), device, &start);
        assert_eq!((ada.session_status(), second.session_status()), (200, 200));
        let link = root.browser.post_json("/v1/invitations", &json!({ "user_id": ada.id })).json();
        let start = json!({ "invitation": link["token"] });
        let device = SoftAuthenticator::synced(server.origin());
        let recovered = TestUser::register(server.browser(), device, &start);
        assert_eq!(recovered.id, ada.id);
        assert_eq!((ada.session_status(), second.session_status()), (401, 401));
        assert_eq!(recovered.session_status(), 200);
    }

    fn the_last_administrator_cannot_be_removed(server) {
        let mut root = server.administrator();
        let kind = "urn:doorward:problem:last-administrator";
        let version = root.browser.get("/v1/users/root").header("etag").map(str::to_owned).expect("a tag");
        let demoted = root.browser.request("PATCH", "/v1/users/root")
            .header("If-Match", &version).json(&json!({ "roles": [] })).send();
        assert_eq!((demoted.status, demoted.problem_type().as_str()), (409, kind));
        let locked = root.browser.post_json("/v1/me/suspend", &json!({}));
        assert_eq!((locked.status, locked.problem_type().as_str()), (409, kind));
        // An administrator without any passkey doesn't count as a remaining administrator.
        let second = server.create_user_with(&root, &json!({ "username": "second", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        assert_eq!(root.browser.delete(&format!("/v1/users/second/passkeys/{}", second.passkey)).status, 200);
        assert_eq!(root.browser.post_json("/v1/me/suspend", &json!({})).status, 409);
        // With a second administrator who can sign in, the first may be suspended.
        let link = root.browser.post_json("/v1/invitations", &json!({ "user_id": "second" })).json();
        let second = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &json!({ "invitation": link["token"] }));
        assert_eq!(root.browser.post_json("/v1/me/suspend", &json!({})).status, 204);
        assert_eq!(root.sign_in_at(&server.browser()).status, 403);
        let last = second.browser.delete(&format!("/v1/users/second/passkeys/{}", second.passkey));
        assert_eq!(last.problem_type(), "urn:doorward:problem:last-passkey");
    }
}
