//! Services that call the API on their own behalf, and how clients are registered, changed and disabled.

mod cascading_disable;
mod chosen_credentials;
mod command;
mod guide;
mod lifecycle;
mod ownership;
mod pages;
mod permissions;
mod presets;
mod registration;

use serde_json::json;

use crate::on_both;
use crate::support::http::Answer;
use crate::support::test_server::TestServer;

/// Sends a request with a client's secret.
pub(super) fn ask(
    server: &TestServer,
    client: &(String, String),
    method: &str,
    path: &str,
) -> Answer {
    server
        .browser()
        .request(method, path)
        .without_same_origin()
        .basic(&client.0, &client.1)
        .send()
}

on_both! {
    fn a_client_may_do_what_its_scopes_allow(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let reader = server.client(&["users:read"]);
        assert_eq!(ask(server, &reader, "GET", "/v1/users/ada").json()["id"], json!(ada.id));
        assert_eq!(ask(server, &reader, "GET", "/v1/users/nobody").status, 404);
        let refused = ask(server, &reader, "GET", "/v1/users/ada/passkeys");
        assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("passkeys:read")));
        assert_eq!(ask(server, &reader, "DELETE", "/v1/users/ada/sessions").status, 403);
        let cutter = server.client(&["passkeys:revoke", "sessions:revoke", "audit:read"]);
        assert_eq!(ask(server, &cutter, "DELETE", "/v1/users/ada/sessions").status, 200);
        assert_eq!(ask(server, &cutter, "DELETE", &format!("/v1/users/ada/passkeys/{}", ada.passkey)).status, 200);
        let event = ask(server, &cutter, "GET", "/v1/audit-events?action=passkey.revoked").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("client:{}", cutter.0)));
    }

    fn a_client_cannot_change_administrators(server) {
        let root = server.administrator();
        let client = server.client(&["users:write", "passkeys:revoke", "users:read"]);
        let suspend = server.browser().request("POST", "/v1/users/root/suspend").basic(&client.0, &client.1).json(&json!({})).send();
        assert_eq!(suspend.status, 403);
        assert_eq!(ask(server, &client, "DELETE", &format!("/v1/users/root/passkeys/{}", root.passkey)).status, 403);
        let patch = server.browser().request("PATCH", "/v1/users/root").basic(&client.0, &client.1)
            .header("If-Match", "\"1\"").json(&json!({ "username": "x" })).send();
        assert_eq!(patch.status, 403);
        assert_eq!(root.session_status(), 200);
    }

    fn wrong_secrets_unknown_clients_and_disabled_clients_get_the_same_response(server) {
        server.administrator();
        let good = server.client(&["users:read"]);
        let wrong = (good.0.clone(), server.client(&[]).1);
        let unknown = (uuid::Uuid::new_v4().to_string(), good.1.clone());
        let malformed = ("x".to_owned(), "y".to_owned());
        let id = good.0.parse().expect("an id");
        let mut answers = vec![];
        for client in [&wrong, &unknown, &malformed] {
            answers.push(ask(server, client, "GET", "/v1/users"));
        }
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.disable(id, None, author)).expect("disabled");
        answers.push(ask(server, &good, "GET", "/v1/users"));
        for answer in &answers {
            assert_eq!((answer.status, answer.text()), (401, answers[0].text()));
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Doorward\""));
        }
        let bearer = server.browser().request("GET", "/v1/users").bearer("x").send();
        assert_eq!(bearer.status, 401);
    }

    fn a_new_secret_invalidates_the_old_one(server) {
        server.administrator();
        let old = server.client(&["users:read"]);
        let id = old.0.parse().expect("an id");
        let author = doorward::clients::ActingAs::command();
        let secret = server.run(server.app.clients.rotate_secret(id, None, author)).expect("rotated").secret.expect("a secret");
        assert_eq!(ask(server, &old, "GET", "/v1/users").status, 401);
        let new = (old.0.clone(), secret.expose().to_owned());
        assert_eq!(ask(server, &new, "GET", "/v1/users").status, 200);
    }

    fn credentials_take_precedence_over_a_cookie(server) {
        let root = server.administrator();
        let client = server.client(&[]);
        let answer = root.browser.request("GET", "/v1/users").basic(&client.0, &client.1).send();
        assert_eq!(answer.status, 403, "the administrator's cookie gives the client no permissions");
        let answer = root.browser.request("GET", "/v1/session").basic(&client.0, &client.1).send();
        assert_eq!(answer.status, 401);
        // A cross-site page can't bypass the origin check by adding a header.
        let forged = root.browser.request("DELETE", "/v1/session").without_same_origin()
            .header("Authorization", "Basic eDp5").send();
        assert_eq!(forged.status, 401);
        assert_eq!(root.session_status(), 200);
    }
}
