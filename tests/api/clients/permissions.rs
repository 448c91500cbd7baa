//! Permissions for reading and changing clients.

use doorward::clients::{ActingAs, ClientChange, ClientError};
use serde_json::{Value, json};

use super::ask;
use crate::on_both;
use crate::support::http::Answer;
use crate::support::test_server::TestServer;

type Client = (String, String);

pub(super) fn send(
    server: &TestServer,
    client: &Client,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let browser = server.browser();
    let request = browser.request(method, path).without_same_origin();
    let request = request.basic(&client.0, &client.1);
    request.header("If-Match", "\"1\"").json(body).send()
}

pub(super) fn paths(id: &str) -> [(&'static str, String); 5] {
    [
        ("PATCH", format!("/v1/clients/{id}")),
        ("POST", format!("/v1/clients/{id}/secret")),
        ("POST", format!("/v1/clients/{id}/disable")),
        ("POST", format!("/v1/clients/{id}/enable")),
        ("DELETE", format!("/v1/clients/{id}")),
    ]
}

on_both! {
    fn a_forbidden_change_does_not_reveal_which_roles_exist(server) {
        let root = server.administrator();
        assert_eq!(root.browser.post_json("/v1/roles", &json!({ "name": "cook" })).status, 201);
        let service = server.client(&["clients:write"]);
        let (foreign, _) = server.client(&[]);
        let own = send(server, &service, "POST", "/v1/clients", &json!({ "client_name": "Own" })).json();
        let own = own["client_id"].as_str().expect("an ID").to_owned();
        let changes = [
            ("PATCH", format!("/v1/clients/{foreign}"), json!({})),
            ("PATCH", format!("/v1/clients/{}", service.0), json!({})),
            ("PATCH", format!("/v1/clients/{own}"), json!({ "scope": "users:write" })),
            ("POST", "/v1/clients".into(), json!({ "client_name": "More", "scope": "users:write" })),
        ];
        for (method, path, body) in changes {
            let [known, unknown] = ["cook", "ghost"].map(|role| {
                let mut body = body.clone();
                body["allowed_roles"] = json!([role]);
                send(server, &service, method, &path, &body)
            });
            assert_eq!(known.status, 403, "{method} {path}: {known:?}");
            assert_eq!((known.status, known.text()), (unknown.status, unknown.text()), "{method} {path}");
        }
        // Only a caller that may make the change learns that a role doesn't exist.
        let refused = send(server, &service, "PATCH", &format!("/v1/clients/{own}"), &json!({ "allowed_roles": ["ghost"] }));
        assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("allowed_roles")));
    }

    fn reading_and_writing_need_their_scopes(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let unprivileged = server.client(&["users:read"]);
        let reader = server.client(&["clients:read"]);
        let (target, _) = server.register_app(|_| {});
        assert_eq!(ask(server, &reader, "GET", "/v1/clients").json()["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(ask(server, &reader, "GET", &format!("/v1/clients/{target}")).status, 200);
        for path in ["/v1/clients".to_owned(), format!("/v1/clients/{target}")] {
            let refused = ask(server, &unprivileged, "GET", &path);
            assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("clients:read")));
            assert_eq!(ada.browser.get(&path).status, 403);
            assert_eq!(server.browser().get(&path).status, 401);
        }
        for (method, path) in paths(&target) {
            let refused = send(server, &reader, method, &path, &json!({}));
            assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("clients:write")), "{method} {path}");
            let refused = ada.browser.request(method, &path).header("If-Match", "\"1\"").json(&json!({})).send();
            assert_eq!(refused.status, 403, "{method} {path}");
        }
        assert_eq!(send(server, &reader, "POST", "/v1/clients", &json!({ "client_name": "x" })).status, 403);
        let unknown = paths(&uuid::Uuid::new_v4().to_string()).into_iter().chain(paths("x"));
        for (method, path) in unknown {
            let answer = root.browser.request(method, &path).header("If-Match", "\"1\"").json(&json!({})).send();
            assert_eq!(answer.status, 404, "{method} {path}");
            let answer = ada.browser.request(method, &path).header("If-Match", "\"1\"").json(&json!({})).send();
            assert_eq!(answer.status, 403, "the response does not reveal whether it exists: {method} {path}");
        }
        assert_eq!(root.browser.get("/v1/clients/x").status, 404);
        assert_eq!(root.browser.request("PUT", "/v1/clients").send().status, 405);
    }

    fn a_client_grants_no_more_than_it_has(server) {
        let registrar = server.client(&["clients:write", "clients:read", "users:read", "orders:read"]);
        let register = |scope: &str| {
            let body = json!({ "client_name": "New", "scope": scope });
            send(server, &registrar, "POST", "/v1/clients", &body)
        };
        for good in ["", "users:read", "users:read orders:read clients:write", "openid email offline_access"] {
            assert_eq!(register(good).status, 201, "{good}");
        }
        let refused = register("users:read users:write audit:read");
        assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("audit:read users:write")));
        assert_eq!(register("orders:write").status, 403, "other services' scopes are scopes as well");
        let made = register("users:read").json();
        let path = format!("/v1/clients/{}", made["client_id"].as_str().expect("an id"));
        assert_eq!(send(server, &registrar, "PATCH", &path, &json!({ "scope": "users:read sessions:read" })).status, 403);
        let good = send(server, &registrar, "PATCH", &path, &json!({ "scope": "clients:read openid" }));
        assert_eq!(good.json()["scope"], "clients:read openid");
        let event = server.administrator().browser.get("/v1/audit-events?action=client.updated").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("client:{}", registrar.0)));
    }

    fn a_client_changes_neither_itself_nor_clients_with_more_permissions(server) {
        let registrar = server.client(&["clients:write", "clients:read"]);
        let stronger = server.client(&["clients:write", "users:write"]);
        for id in [&registrar.0, &stronger.0] {
            for (method, path) in paths(id) {
                let refused = send(server, &registrar, method, &path, &json!({}));
                assert_eq!((refused.status, refused.problem_type()), (403, "urn:doorward:problem:forbidden".into()), "{method} {path}");
            }
        }
        assert_eq!(ask(server, &stronger, "GET", "/v1/clients").status, 403, "it is valid, but has no clients:read");
        // A service can't omit consent: neither for a new app, nor by changing an app without consent.
        let (own, _) = server.register_app(|_| {});
        let repointed = json!({ "redirect_uris": ["https://evil.example/callback"] });
        assert_eq!(send(server, &registrar, "PATCH", &format!("/v1/clients/{own}"), &repointed).status, 403);
        let silent = json!({ "client_name": "x", "redirect_uris": ["https://x.example/callback"], "require_consent": false });
        assert_eq!(send(server, &registrar, "POST", "/v1/clients", &silent).status, 403);
        // An administrator with a session may change everything.
        let root = server.administrator();
        let raised = root.browser.request("PATCH", &format!("/v1/clients/{}", registrar.0)).header("If-Match", "\"1\"");
        assert_eq!(raised.json(&json!({ "scope": "clients:write users:write" })).send().status, 200);
        let managed = root.browser.request("PATCH", &format!("/v1/clients/{}", stronger.0)).header("If-Match", "\"1\"");
        assert_eq!(managed.json(&json!({ "managed_by": [registrar.0] })).send().status, 200);
        let now = send(server, &registrar, "POST", &format!("/v1/clients/{}/secret", stronger.0), &json!({}));
        assert_eq!(now.status, 200);
    }

    fn an_app_acting_for_an_administrator_is_limited_to_its_own_scopes(server) {
        let root = server.administrator();
        let app = server.client(&["clients:write", "openid"]);
        let (weak, strong) = (server.client(&[]), server.client(&["users:write"]));
        let managed = ClientChange { managed_by: Some(vec![app.0.clone()]), ..ClientChange::default() };
        for id in [&weak.0, &strong.0] {
            let update = server.app.clients.update(id.parse().expect("an id"), managed.clone(), None, ActingAs::command());
            server.run(update).expect("managed");
        }
        let author = server.acting_through(&root, &app.0);
        let give = |id: &str, scope: &str| {
            let change = ClientChange { scope: Some(scope.into()), ..ClientChange::default() };
            server.run(server.app.clients.update(id.parse().expect("an id"), change, None, author.clone()))
        };
        assert!(give(&weak.0, "clients:write openid").is_ok());
        assert!(matches!(give(&weak.0, "clients:write profile"), Err(ClientError::ScopeNotHeld(_))), "others registered that client");
        assert!(matches!(give(&weak.0, "users:write"), Err(ClientError::ScopeNotHeld(_))));
        assert!(matches!(give(&strong.0, ""), Err(ClientError::ExceedsCaller)));
        assert!(matches!(give(&app.0, ""), Err(ClientError::SelfChange)));
    }

    fn an_administrator_needs_a_recent_sign_in_to_write(server) {
        let mut root = server.administrator();
        let (target, _) = server.register_app(|_| {});
        server.advance_clock(400);
        for (method, path) in paths(&target) {
            let stale = root.browser.request(method, &path).header("If-Match", "\"1\"").json(&json!({})).send();
            assert_eq!(stale.problem_type(), "urn:doorward:problem:step-up-needed", "{method} {path}");
        }
        assert_eq!(root.browser.post_json("/v1/clients", &json!({ "client_name": "x" })).status, 403);
        assert_eq!(root.browser.get("/v1/clients").status, 200);
        assert_eq!(root.step_up().status, 200);
        assert_eq!(root.browser.post_json("/v1/clients", &json!({ "client_name": "x" })).status, 201);
    }
}
