//! Access tokens at Doorward's own API allow no more than their scope, their user and their client.

use serde_json::json;

use crate::on_both;
use crate::support::test_server::TestServer;

fn status(server: &TestServer, method: &str, path: &str, token: &str) -> u16 {
    let browser = server.browser();
    let request = browser.request(method, path).without_same_origin();
    if method == "GET" {
        return request.bearer(token).send().status;
    }
    request.bearer(token).json(&json!({})).send().status
}

on_both! {
    fn an_access_token_carries_the_users_permissions_limited_by_its_scope(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.delegated_app("openid users:read users:write sessions:revoke");
        let all = [("scope", "openid users:read users:write sessions:revoke")];
        let admins = app.sign_in(&root.browser, &all).access;
        let adas = app.sign_in(&ada.browser, &all).access;
        let narrow = app.sign_in(&root.browser, &[("scope", "openid users:read")]).access;
        assert_eq!(status(server, "GET", "/v1/users", &admins), 200);
        assert_eq!(status(server, "GET", "/v1/users", &adas), 403, "no administrator");
        assert_eq!(status(server, "GET", "/v1/users/ada", &adas), 200, "oneself");
        assert_eq!(status(server, "GET", "/v1/users/root", &adas), 403);
        assert_eq!(status(server, "POST", "/v1/users/ada/suspend", &narrow), 403, "the scope is not granted");
        assert_eq!(status(server, "GET", "/v1/users/ada/passkeys", &admins), 403, "not registered for it");
        assert_eq!(status(server, "DELETE", "/v1/users/ada/sessions", &admins), 200);
        let event = root.browser.get("/v1/audit-events?action=session.ended_all").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("user:{}", root.id)));
        assert_eq!(status(server, "GET", "/v1/users/ada", &adas), 401, "ended with the session");
        // A token is not accepted in place of a session cookie.
        assert_eq!(status(server, "GET", "/v1/session", &admins), 401);
        assert_eq!(status(server, "GET", "/v1/me", &admins), 401);
    }

    fn a_token_does_not_give_permission_to_manage_users_by_a_role(server) {
        let root = server.administrator();
        root.browser.post_json("/v1/roles", &json!({ "name": "clerk" }));
        root.browser.post_json("/v1/roles", &json!({ "name": "lead", "manages_roles": ["clerk"] }));
        for (name, role) in [("carl", "clerk"), ("lena", "lead")] {
            let device = crate::support::authenticator::SoftAuthenticator::synced(server.origin());
            let person = server.create_user_with(&root, &json!({ "username": name, "roles": [role] }), device);
            if name == "carl" {
                continue;
            }
            let app = server.delegated_app("openid users:read users:write sessions:revoke role-assignments:read");
            let scope = [("scope", "openid users:read users:write sessions:revoke role-assignments:read")];
            let token = app.sign_in(&person.browser, &scope).access;
            assert_eq!(person.browser.get("/v1/users/carl").status, 200, "the user may do it themselves");
            for (method, path) in [("GET", "/v1/users"), ("GET", "/v1/users/carl"), ("GET", "/v1/roles"), ("POST", "/v1/users/carl/suspend"), ("DELETE", "/v1/users/carl/sessions"), ("POST", "/v1/invitations")] {
                assert_eq!(status(server, method, path, &token), 403, "{method} {path}");
            }
            // Nor does an administrator's token allow changes of the role registry.
            let token = app.sign_in(&root.browser, &scope).access;
            assert_eq!(status(server, "GET", "/v1/roles", &token), 200);
            assert_eq!(status(server, "DELETE", "/v1/roles/clerk", &token), 403);
            let browser = server.browser();
            let made = browser.request("POST", "/v1/roles").without_same_origin().bearer(&token).json(&json!({ "name": "x" })).send();
            assert_eq!(made.status, 403);
        }
    }

    fn an_app_with_an_administrators_token_cannot_create_administrators(server) {
        let root = server.administrator();
        let app = server.delegated_app("openid users:write users:read");
        let token = app.sign_in(&root.browser, &[("scope", "openid users:write")]).access;
        let send = |method: &str, path: &str, body: serde_json::Value| {
            let browser = server.browser();
            let request = browser.request(method, path).without_same_origin().bearer(&token).header("If-Match", "\"2\"");
            request.json(&body).send().status
        };
        server.create_user(&root, "ada");
        assert_eq!(send("POST", "/v1/invitations", json!({ "roles": ["admin"] })), 403);
        assert_eq!(send("PATCH", "/v1/users/ada", json!({ "roles": ["admin"] })), 403);
        assert_eq!(send("POST", "/v1/users/root/suspend", json!({})), 403);
        assert_eq!(send("POST", "/v1/invitations", json!({ "user_id": root.id })), 403);
        assert_eq!(send("POST", "/v1/invitations", json!({ "username": "eve" })), 201);
    }

    fn sensitive_actions_require_a_recent_ceremony(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let app = server.delegated_app("openid users:write");
        let first = app.sign_in(&root.browser, &[("scope", "openid users:write")]);
        server.advance_clock(301);
        let token = crate::support::relying_party::TokenSet::read(&app.refresh(&first.refresh)).access;
        let refused = server.browser().request("POST", "/v1/users/ada/suspend").without_same_origin().bearer(&token).json(&json!({})).send();
        assert_eq!(refused.status, 401);
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("insufficient_user_authentication") && challenge.contains("max_age=300"), "{challenge}");
    }

    fn a_token_for_another_service_is_refused(server) {
        let root = server.administrator();
        let api = "https://api.example/";
        let app = server.relying_party(|metadata| metadata.resources = vec![api.into()]);
        let held = app.sign_in(&root.browser, &[("resource", api)]);
        assert_eq!(status(server, "GET", "/v1/users/root", &held.access), 401);
    }
}
