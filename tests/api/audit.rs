//! The audit log: clients that acted for a user, refused requests, and actions of Doorward itself.

use doorward::server;
use serde_json::{Value, json};

use super::roles::{assign_roles, create_role};
use crate::on_both;
use crate::support::authenticator::Overrides;
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, sign_in};

/// Returns the events that a filter finds, newest first.
fn list_events(root: &TestUser, filter: &str) -> Vec<Value> {
    let page = root
        .browser
        .get(&format!("/v1/audit-events?{filter}&limit=200"));
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["items"].as_array().expect("events").clone()
}

fn get(browser: &TestBrowser, path: &str, (id, secret): (&str, &str)) -> u16 {
    browser
        .request("GET", path)
        .without_same_origin()
        .basic(id, secret)
        .send()
        .status
}

fn ask_for_token(server: &TestServer, (id, secret): (&str, &str)) -> u16 {
    let browser = server.browser();
    let request = browser
        .request("POST", "/oauth2/token")
        .without_same_origin();
    request
        .basic(id, secret)
        .form(&[("grant_type", "client_credentials")])
        .send()
        .status
}

on_both! {
    fn an_event_names_the_user_and_the_client_that_acted_for_them(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let app = server.delegated_app("openid users:read users:write sessions:revoke");
        let issued = app.sign_in(&root.browser, &[("scope", "openid users:read users:write sessions:revoke")]);
        let browser = server.browser();
        let ended = browser.request("DELETE", "/v1/users/ada/sessions").without_same_origin().bearer(&issued.access).json(&json!({})).send();
        assert_eq!(ended.status, 200, "{}", ended.text());
        let event = list_events(&root, "action=session.ended_all").remove(0);
        let client = event["by_client"].as_str().expect("a client").to_owned();
        assert_eq!((&event["by_user"], &event["subject"]), (&json!(root.id), &json!(ada.id)));
        assert_eq!(event["actor"], json!(format!("user:{}", root.id)));
        assert_eq!(list_events(&root, &format!("client={client}&action=session.ended_all")), std::slice::from_ref(&event));
        let other = uuid::Uuid::from_u128(7);
        assert_eq!(list_events(&root, &format!("client={other}")), Vec::<Value>::new());
        assert_eq!(root.browser.get("/v1/audit-events?client=a/b").status, 400);
        // Events about one client that another client caused.
        let (id, secret) = server.client(&["clients:read", "clients:write"]);
        let made = server.browser().request("POST", "/v1/clients").without_same_origin().basic(&id, &secret)
            .json(&json!({ "client_name": "made", "grant_types": ["client_credentials"] })).send();
        assert_eq!(made.status, 201, "{}", made.text());
        let event = list_events(&root, &format!("client={id}&action=client.created")).remove(0);
        assert_eq!((&event["client"], &event["by_client"], &event["by_user"]), (&made.json()["client_id"], &json!(id), &Value::Null));
        let page = root.browser.get(&format!("/admin/audit?client={client}")).text();
        assert!(page.contains("session.ended_all") && page.contains("Through"), "{page}");
        assert_eq!(root.browser.get("/admin/audit?client=a/b").status, 400);
    }

    fn refusals_of_authenticated_callers_are_events_and_anonymous_ones_are_not(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk" }));
        create_role(&root, &json!({ "name": "lead", "manages_roles": ["clerk"] }));
        let lead = server.create_user(&root, "lead");
        assign_roles(&root, "lead", &["lead"]);
        let (id, secret) = server.client(&["role-assignments:read"]);
        let (_, other_secret) = server.client(&["role-assignments:read"]);
        let refused = |root: &TestUser| list_events(root, "outcome=refused");
        assert_eq!(refused(&root), Vec::<Value>::new());

        // Unknown callers cause no events.
        let unknown = uuid::Uuid::from_u128(7).to_string();
        assert_eq!(server.browser().get("/v1/users").status, 401);
        assert_eq!(get(&server.browser(), "/v1/users", (&unknown, &secret)), 401);
        assert_eq!(ask_for_token(server, (&unknown, &secret)), 401);
        let mut stranger = crate::support::authenticator::SoftAuthenticator::synced(server.origin());
        let unknown_passkey = Overrides { credential_id: Some(vec![7; 32]), ..Overrides::default() };
        stranger.clone_from(&root.device);
        assert_eq!(sign_in(&server.browser(), &mut stranger, &unknown_passkey).status, 401);
        assert_eq!(refused(&root), Vec::<Value>::new());

        // A client with a wrong secret is not authenticated.
        assert_eq!(get(&server.browser(), "/v1/users", (&id, &other_secret)), 401);
        assert_eq!(ask_for_token(server, (&id, &other_secret)), 401);
        let found = refused(&root);
        for event in &found {
            assert_eq!((&event["action"], &event["reason"], &event["actor"]), (&json!("client.authenticated"), &json!("wrong-secret"), &json!("doorward")));
            assert_eq!((&event["client"], &event["by_client"]), (&json!(id), &Value::Null));
        }
        assert_eq!(found.len(), 2, "{found:?}");
        // Without the scope.
        assert_eq!(get(&server.browser(), "/v1/users", (&id, &secret)), 403);
        let event = refused(&root).remove(0);
        assert_eq!((&event["action"], &event["reason"], &event["by_client"]), (&json!("request.refused"), &json!("scope-missing"), &json!(id)));
        assert_eq!((&event["details"]["scope"], &event["details"]["route"], &event["details"]["method"]), (&json!("users:read"), &json!("/v1/users"), &json!("GET")));
        // Beyond the caller's permissions, at the API and at a page.
        for path in ["/v1/users/root", "/admin/users/root", "/v1/clients"] {
            assert_eq!(lead.browser.get(path).status, 403, "{path}");
            let event = refused(&root).remove(0);
            assert_eq!((&event["action"], &event["reason"], &event["by_user"]), (&json!("request.refused"), &json!("not-allowed"), &json!(lead.id)), "{path}");
        }
        // A known passkey with a wrong signature.
        let mut device = lead.device.clone();
        let tampered = Overrides { tampered_signature: true, ..Overrides::default() };
        assert_eq!(sign_in(&server.browser(), &mut device, &tampered).status, 401);
        let event = refused(&root).remove(0);
        assert_eq!((&event["action"], &event["reason"], &event["actor"]), (&json!("session.signed_in"), &json!("assertion-refused"), &json!("doorward")));
        assert_eq!((&event["subject"], &event["passkey"]), (&json!(lead.id), &json!(lead.passkey)));
        let mut lead = lead;
        assert_eq!(root.browser.post_json("/v1/users/lead/suspend", &json!({})).status, 200);
        assert_eq!(lead.sign_in_at(&server.browser()).status, 403);
        assert_eq!(refused(&root)[0]["reason"], "suspended");
        assert_eq!(root.browser.delete(&format!("/v1/users/lead/passkeys/{}", lead.passkey)).status, 200);
        assert_eq!(lead.sign_in_at(&server.browser()).status, 401);
        assert_eq!(refused(&root)[0]["reason"], "passkey-revoked");
    }

    fn refusal_events_are_limited_per_caller_and_minute(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["role-assignments:read"]);
        let (other, other_secret) = server.client(&["role-assignments:read"]);
        let browser = server.browser();
        for _ in 0..25 {
            assert_eq!(get(&browser, "/v1/users", (&id, &secret)), 403);
        }
        let count = |client: &str| list_events(&root, &format!("client={client}&outcome=refused")).len();
        let written = list_events(&root, &format!("client={id}&outcome=refused"));
        assert_eq!(written.len(), 11, "ten, and the count at twenty");
        assert_eq!(written[0]["details"]["refused_in_this_minute"], 20);
        assert_eq!(get(&browser, "/v1/users", (&other, &other_secret)), 403);
        assert_eq!((count(&id), count(&other)), (11, 1), "each caller has its own limit");
        server.advance_clock(60);
        assert_eq!(get(&browser, "/v1/users", (&id, &secret)), 403);
        assert_eq!(count(&id), 12);
    }

    fn the_command_and_the_service_record_os_account_and_machine(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let changed = binary::run(&server.config, &["user", "update", "ada", "--display-name", "Ada Lovelace"]);
        assert_eq!(changed.code, 0, "{}", changed.errors);
        let event = list_events(&root, "user=ada&action=user.updated").remove(0);
        let operator = event["operator"].as_str().expect("an account").to_owned();
        assert_eq!(event["actor"], "command");
        assert!(operator.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()), "{operator}");
        let page = root.browser.get(&format!("/admin/users/{}", ada.id)).text();
        assert!(page.contains(&operator), "{page}");
        let listed = binary::run(&server.config, &["audit", "list", "--action", "user.updated"]);
        assert!(listed.output.contains(&format!("command ({operator})")), "{}", listed.output);

        server.run(server::record_start(&server.app)).expect("recorded");
        let event = list_events(&root, "action=configuration.loaded").remove(0);
        assert_eq!((&event["actor"], &event["operator"]), (&json!("doorward"), &json!(operator)));
        let hash = event["details"]["hash"].as_str().expect("a hash").to_owned();
        assert_eq!((hash.len(), hash == server.config.digest()), (64, true));
        let mut other = server.config.clone();
        other.limits.ceremonies_per_minute += 1;
        assert_ne!(other.digest(), hash);
        // A normal change records no operator.
        let renamed = ada.browser.request("PATCH", "/v1/me").json(&json!({ "display_name": "Ada" })).send();
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        let own = list_events(&root, "user=ada&action=user.updated");
        let own = own.iter().find(|event| event["by_user"] == json!(ada.id)).expect("an event");
        assert_eq!(own["operator"], Value::Null);
    }
}
