//! Introspection responds only to clients that a token concerns.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::relying_party::RelyingParty;

on_both! {
    fn the_username_needs_the_scope_profile(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for (scope, username) in [("openid offline_access", Value::Null), ("openid profile offline_access", json!("root"))] {
            let held = app.sign_in(&root.browser, &[("scope", scope)]);
            for token in [&held.access, &held.refresh] {
                let told = app.introspect(token);
                assert_eq!((&told["active"], &told["username"]), (&json!(true), &username), "{scope}");
            }
        }
        let held = app.sign_in(&root.browser, &[("scope", "openid profile offline_access")]);
        let change = doorward::clients::ClientChange { scope: Some("openid offline_access".into()), ..Default::default() };
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.clients.update(app.id.parse().expect("an id"), change, None, author)).expect("changed");
        for token in [&held.access, &held.refresh] {
            let told = app.introspect(token);
            assert_eq!((&told["scope"], &told["username"]), (&json!("offline_access openid"), &Value::Null), "taken from the client");
        }
    }

    fn only_clients_that_a_token_concerns_can_introspect_it(server) {
        let root = server.administrator();
        let api = "https://api.example/";
        let app = server.relying_party(|metadata| metadata.resources = vec![api.into()]);
        let service = server.relying_party(|metadata| metadata.audiences = vec![api.into()]);
        let stranger = server.relying_party(|_| {});
        let watcher = server.client(&["tokens:introspect"]);
        let watcher = RelyingParty { id: watcher.0, secret: Some(watcher.1), ..stranger.clone() };
        let held = app.sign_in(&root.browser, &[("resource", api)]);
        for knows in [&app, &service, &watcher] {
            let told = knows.introspect(&held.access);
            assert_eq!(told["active"], json!(true));
            assert_eq!((&told["sub"], &told["client_id"]), (&json!(root.id), &json!(app.id)));
            assert_eq!((&told["aud"], &told["username"]), (&json!([api]), &json!("root")));
            assert_eq!((&told["acr"], &told["token_type"]), (&json!("phr"), &json!("Bearer")));
            assert!(told["auth_time"].is_i64() && told["exp"].is_i64());
        }
        let nothing = json!({ "active": false });
        assert_eq!(stranger.introspect(&held.access), nothing);
        assert_eq!(service.introspect(&held.refresh), nothing, "a refresh token is its own client's");
        assert_eq!(app.introspect(&held.refresh)["active"], json!(true));
        for other in ["x", "", "a.b.c", &held.id_token] {
            let asked = app.post("/oauth2/introspect", &[("token", other)]);
            if other.is_empty() {
                assert_eq!(asked.status, 400);
            } else {
                assert_eq!(asked.json(), nothing);
            }
        }
        let anonymous = server.browser().request("POST", "/oauth2/introspect").without_same_origin()
            .form(&[("token", &held.access)]).send();
        assert_eq!((anonymous.status, anonymous.header("www-authenticate")), (400, None));
    }
}
