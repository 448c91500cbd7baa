//! The user's own account.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;

on_both! {
    fn users_edit_only_their_own_profile_fields(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let changed = ada.browser.patch_json("/v1/me", &json!({ "displayName": "Ada L.", "email": "ada@example.com" }));
        assert_eq!(changed.status, 200, "{}", changed.text());
        let session = ada.browser.get("/v1/session").json();
        assert_eq!(session["user"]["display_name"], "Ada L.", "takes effect immediately");
        assert_eq!(session["user"]["email"], "ada@example.com");
        assert_eq!(ada.browser.patch_json("/v1/me", &json!({ "email": null })).json()["email"], json!(null));
        for more in [json!({ "username": "root2" }), json!({ "roles": ["admin"] }), json!({ "status": "active" })] {
            assert_eq!(ada.browser.patch_json("/v1/me", &more).status, 400, "{more}");
        }
        assert_eq!(ada.browser.patch_json("/v1/me", &json!({ "display_name": "\u{202e}" })).status, 400);
    }

    fn users_rename_their_passkeys(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let path = format!("/v1/me/passkeys/{}", ada.passkey);
        let named = ada.browser.patch_json(&path, &json!({ "name": "  My phone " }));
        assert_eq!((named.status, named.json()["name"].clone()), (200, json!("My phone")));
        assert_eq!(named.json()["version"], 2);
        assert_eq!(ada.browser.patch_json(&path, &json!({ "name": "" })).status, 400);
        assert_eq!(root.browser.patch_json(&path, &json!({ "name": "Mine" })).status, 404);
    }

    fn removing_a_passkey_signals_the_remaining_ones_to_the_browser(server) {
        let root = server.administrator();
        let (device, _) = root.add_passkey(SoftAuthenticator::synced(server.origin()));
        let answer = root.browser.delete(&format!("/v1/me/passkeys/{}", root.passkey)).json();
        assert_eq!(answer["signal"]["rp_id"], "localhost");
        assert_eq!(answer["signal"]["all_accepted_credential_ids"], json!(device.credential_ids()));
        assert_eq!(answer["signal"]["user_id"].as_str().map(str::len), Some(22));
        assert_eq!(answer["sessions_ended"], 1);
    }

    fn passkey_use_is_recorded_without_a_new_version(server) {
        let mut root = server.administrator();
        let before = root.browser.get("/v1/me/passkeys").json()["items"][0].clone();
        assert_eq!(before["last_used_at"], json!(null));
        root.another_browser();
        let after = root.browser.get("/v1/me/passkeys").json()["items"][0].clone();
        assert_ne!(after["last_used_at"], json!(null));
        assert_eq!(after["version"], before["version"]);
    }
}
