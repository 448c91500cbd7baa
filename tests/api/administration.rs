//! Actions of administrators on other users, and their audit events.

use serde_json::json;

use crate::on_both;

on_both! {
    fn an_administrator_changes_a_user_and_their_roles(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let patch = |body: serde_json::Value| {
            let tag = root.browser.get(&format!("/v1/users/{}", ada.id)).header("etag").expect("a tag").to_owned();
            root.browser.request("PATCH", &format!("/v1/users/{}", ada.id)).header("If-Match", &tag).json(&body).send()
        };
        assert_eq!(patch(json!({ "roles": ["admin"] })).status, 200);
        assert_eq!(ada.browser.get("/v1/users/root").status, 200, "takes effect immediately");
        assert_eq!(patch(json!({ "roles": [] })).status, 200);
        assert_eq!(ada.browser.get("/v1/users/root").status, 403, "withdrawn immediately");
        assert_eq!(patch(json!({ "username": "root" })).status, 409);
        assert_eq!(patch(json!({ "username": "countess", "attributes": { "Team-Name": "x" } })).status, 200);
        let read = root.browser.get("/v1/users/countess").json();
        assert_eq!(read["attributes"], json!({ "Team-Name": "x" }), "other systems' names are unchanged");
        assert_eq!(patch(json!({ "roles": ["king"] })).json()["field"], "roles");
        let big = "x".repeat(20_000);
        assert_eq!(patch(json!({ "attributes": { "big": big } })).status, 400);
    }

    fn a_username_is_never_reused(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        assert_eq!(root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).status, 409);
        assert_eq!(root.browser.get("/v1/users/ada").json()["id"], json!(ada.id));
    }

    fn every_change_is_recorded_with_actor_time_and_address(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        root.browser.post_json("/v1/users/ada/suspend", &json!({ "reason": "left the firm" }));
        root.browser.post_json("/v1/users/ada/reactivate", &json!({}));
        let events = root.browser.get("/v1/audit-events?user=ada").json();
        let actions: Vec<_> = events["items"].as_array().expect("events").iter()
            .map(|event| event["action"].as_str().expect("an action").to_owned()).collect();
        assert_eq!(actions, ["user.reactivated", "user.suspended", "passkey.registered", "user.joined", "user.invited"]);
        let suspended = &events["items"][1];
        assert_eq!(suspended["actor"], json!(format!("user:{}", root.id)));
        assert_eq!(suspended["reason"], "left the firm");
        assert_eq!(suspended["address"], "127.0.0.1");
        assert_eq!(suspended["user_agent"], "doorward-tests");
        assert_eq!(suspended["details"], json!({ "sessions": 1 }));
        let text = events.to_string();
        assert!(!text.contains("credential") && !text.contains("token"), "no secrets: {text}");
    }

    fn audit_events_are_filtered_and_paged(server) {
        let root = server.administrator();
        for name in ["a", "b", "c"] {
            root.browser.post_json("/v1/invitations", &json!({ "username": name }));
        }
        let first = root.browser.get("/v1/audit-events?action=user.&limit=2").json();
        assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
        let next = first["next"].as_str().expect("a cursor");
        let second = root.browser.get(&format!("/v1/audit-events?action=user.&limit=2&after={next}")).json();
        assert_eq!(second["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(second["next"], json!(null));
        for bad in ["outcome=maybe", "from=yesterday", "after=x", "limit=0", "x=y"] {
            assert_eq!(root.browser.get(&format!("/v1/audit-events?{bad}")).status, 400, "{bad}");
        }
        assert_eq!(root.browser.get("/v1/audit-events?user=nobody").status, 404);
        let later = root.browser.get("/v1/audit-events?from=2999-01-01T00:00:00Z").json();
        assert_eq!(later["items"], json!([]));
    }
}
