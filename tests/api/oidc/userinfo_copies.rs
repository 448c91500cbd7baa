//! UserInfo is answered from copies in the ephemeral store. A change on one instance counts at the next request on another.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::faults::{server_on, stores};
use crate::api::redis_rollback::{copy, restore_redis};
use crate::on_both;
use crate::support::binary;
use crate::support::process::wait_until;
use crate::support::relying_party::{RelyingParty, TokenSet};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const SCOPES: &str = "openid profile email roles";

fn claims(app: &RelyingParty, tokens: &TokenSet) -> Value {
    let answer = app.user_info(&tokens.access);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn change(root: &TestUser, user: &TestUser, change: &Value) {
    let path = format!("/v1/users/{}", user.id);
    let version = root.browser.get(&path).json()["version"].to_string();
    let request = root.browser.request("PATCH", &path);
    let request = request.header("If-Match", &format!("\"{version}\""));
    assert_eq!(request.json(change).send().status, 200, "{change}");
}

on_both! {
    fn a_change_of_a_user_on_one_instance_is_in_the_next_response_of_another(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        assert_eq!(root.browser.post_json("/v1/roles", &json!({ "name": "auditor" })).status, 201);
        let app = server.relying_party(|_| {});
        let elsewhere = app.at_port(server.port(second));
        let tokens = app.sign_in(&ada.browser, &[("scope", SCOPES)]);
        let changes = [
            (json!({ "username": "countess" }), "preferred_username", json!("countess")),
            (json!({ "display_name": "Ada King" }), "name", json!("Ada King")),
            (json!({ "email": "ada@example.com" }), "email", json!("ada@example.com")),
            (json!({ "email_verified": false }), "email_verified", json!(false)),
            (json!({ "attributes": { "nickname": "AAL" } }), "nickname", json!("AAL")),
            (json!({ "roles": ["auditor"] }), "roles", json!(["auditor"])),
            (json!({ "roles": [] }), "roles", json!([])),
        ];
        for (changed, claim, value) in changes {
            // Both instances have a copy of the state before the change.
            assert_ne!(claims(&app, &tokens)[claim], value, "{changed}");
            assert_ne!(claims(&elsewhere, &tokens)[claim], value, "{changed}");
            change(&root, &ada, &changed);
            assert_eq!(claims(&elsewhere, &tokens)[claim], value, "{changed}");
            assert_eq!(claims(&app, &tokens)[claim], value, "{changed}");
        }
        let renamed = binary::run(&server.config, &["user", "update", "countess", "--display-name", "Countess"]);
        assert_eq!(renamed.code, 0, "{}", renamed.errors);
        assert_eq!(claims(&elsewhere, &tokens)["name"], "Countess");
    }

    fn what_ends_a_token_on_one_instance_is_a_refusal_by_another(server) {
        let second = server.another_instance();
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let elsewhere = app.at_port(server.port(second));
        type End = fn(&TestUser, &TestUser, &RelyingParty);
        let ends: [(&str, End); 5] = [
            ("suspended", |root, user, _| {
                assert_eq!(root.browser.post_json(&format!("/v1/users/{}/suspend", user.id), &json!({})).status, 200);
            }),
            ("passkeyless", |root, user, _| {
                assert_eq!(root.browser.delete(&format!("/v1/users/{}/passkeys/{}", user.id, user.passkey)).status, 200);
            }),
            ("signed-out", |_, user, _| assert_eq!(user.browser.delete("/v1/session").status, 204)),
            ("withdrawn", |_, user, app| {
                assert_eq!(user.browser.delete(&format!("/v1/me/apps/{}", app.id)).status, 204);
            }),
            ("disabled", |root, _, app| {
                let path = format!("/v1/clients/{}/disable", app.id);
                assert_eq!(root.browser.post_json(&path, &json!({})).status, 200);
            }),
        ];
        for (name, end) in ends {
            let user = server.create_user(&root, name);
            let tokens = app.sign_in(&user.browser, &[("scope", SCOPES)]);
            for instance in [&app, &elsewhere] {
                assert_eq!(claims(instance, &tokens)["preferred_username"], name);
            }
            end(&root, &user, &app);
            assert_eq!(elsewhere.user_info(&tokens.access).status, 401, "{name}");
            assert_eq!(app.user_info(&tokens.access).status, 401, "{name}");
        }
    }
}

#[test]
fn a_copy_that_a_restored_redis_brings_back_is_not_used() {
    let (postgres, mut redis) = stores();
    let mut server: TestServer = server_on(&postgres, &redis);
    let second = server.another_instance();
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    let app = server.relying_party(|_| {});
    let elsewhere = app.at_port(server.port(second));
    let tokens = app.sign_in(&ada.browser, &[("scope", SCOPES)]);
    let before = claims(&app, &tokens);
    assert_eq!(claims(&elsewhere, &tokens), before);
    let files = copy(&server, &mut redis);
    change(&root, &ada, &json!({ "display_name": "Ada King" }));
    assert_eq!(claims(&elsewhere, &tokens)["name"], "Ada King");
    restore_redis(&server, &mut redis, &files);
    assert_eq!(claims(&app, &tokens)["name"], "Ada King");
    // The other instance learns of the change from the database, within a second.
    wait_until(
        "the other instance responds",
        Duration::from_secs(5),
        || elsewhere.user_info(&tokens.access).status == 200,
    );
    assert_eq!(claims(&elsewhere, &tokens)["name"], "Ada King");
}
