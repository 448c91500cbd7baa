//! Which scopes a client may register, and how requested scopes are handled.

use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::process::{free_port, wait_until};
use crate::support::relying_party::{CALLBACK, RelyingParty, TokenSet};

fn registered(server: &crate::support::test_server::TestServer, scope: &str) -> RelyingParty {
    server.delegated_app(scope)
}

on_both! {
    fn groups_and_roles_are_the_same_scope(server) {
        let root = server.administrator();
        for (own, asked) in [("roles", "groups"), ("groups", "roles"), ("roles", "groups roles"), ("groups", "groups")] {
            let app = registered(server, &format!("openid {own}"));
            let issued = app.sign_in(&root.browser, &[("scope", &format!("openid {asked}"))]);
            // The response names the requested scopes, so that the app finds them there.
            let mut names: Vec<&str> = asked.split(' ').chain(["openid"]).collect();
            names.sort_unstable();
            assert_eq!(issued.answer["scope"], json!(names.join(" ")));
            let told = app.user_info(&issued.access).json();
            assert_eq!((&told["groups"], &told["roles"]), (&json!(["admin"]), &json!(["admin"])), "{own} {asked}");
            assert_eq!(app.introspect(&issued.access)["roles"], json!(["admin"]));
            let renewed = TokenSet::read(&app.refresh(&issued.refresh));
            assert_eq!(renewed.answer["scope"], issued.answer["scope"]);
        }
        let without = registered(server, "openid email");
        let issued = without.sign_in(&root.browser, &[("scope", "openid groups")]);
        assert_eq!(issued.answer["scope"], json!("openid"));
        assert_eq!(without.user_info(&issued.access).json()["groups"], Value::Null);
        let discovery = server.browser().get("/.well-known/openid-configuration").json();
        let listed = discovery["scopes_supported"].as_array().expect("scopes").clone();
        assert!(listed.contains(&json!("groups")) && listed.contains(&json!("roles")), "{listed:?}");
    }

    fn consent_to_roles_covers_groups(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let asked = app.authorize(&root.browser, &[("scope", "openid roles groups")]);
        let path = asked.header("location").expect("a location").to_owned();
        let page = root.browser.get(&path).text();
        assert_eq!(page.matches("see your roles").count(), 1, "{page}");
        root.browser.request("POST", &path).page_form(&[("answer", "allow")]).send();
        for scope in ["openid groups", "openid roles", "openid groups roles"] {
            app.sign_in(&root.browser, &[("scope", scope), ("prompt", "none")]);
        }
    }

    fn a_scope_without_effect_cannot_be_registered(server) {
        let root = server.administrator();
        let register = |scope: &str, resources: &[&str]| root.browser.post_json("/v1/clients", &json!({
            "client_name": "An app", "redirect_uris": [CALLBACK], "scope": scope, "resources": resources,
        }));
        for scope in ["openid group", "openid offline", "admin", "openid user", "read"] {
            let refused = register(scope, &[]);
            assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("scope")), "{scope}");
        }
        // Scopes of other services are meaningful to those services: with a resource, or under a distinct name.
        assert_eq!(register("openid read", &["https://api.example"]).status, 201);
        for scope in ["openid orders:read", "openid https://api.example/read", "openid groups", "openid api.read"] {
            assert_eq!(register(scope, &[]).status, 201, "{scope}");
        }
        let made = register("openid read", &["https://api.example"]).json();
        let path = format!("/v1/clients/{}", made["client_id"].as_str().expect("an id"));
        let taken = root.browser.request("PATCH", &path).header("If-Match", "\"1\"").json(&json!({ "resources": [] })).send();
        assert_eq!((taken.status, taken.json()["field"].clone()), (400, json!("scope")));
    }

    fn the_log_names_the_scopes_that_were_dropped_from_a_request(server) {
        let app = registered(server, "openid email");
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let process = binary::serve(&config, printed.path());
        let browser = server.browser().at_port(config.server.listen.port());
        app.authorize(&browser, &[("scope", "openid email groups orders:read"), ("prompt", "none")]);
        let client = format!("client_id={}", app.id);
        wait_until("the scopes are logged", Duration::from_secs(10), || {
            let output = process.output();
            output.lines().any(|line| {
                ["scopes dropped", "dropped=groups orders:read", "registered=email openid", &client].iter().all(|word| line.contains(word))
            })
        });
    }
}
