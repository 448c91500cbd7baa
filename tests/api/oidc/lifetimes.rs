//! Lifetimes of a client's own for its access and ID tokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::house::House;
use crate::support::relying_party::claims_of;

fn lifetime(claims: &Value) -> i64 {
    let at = |name: &str| claims[name].as_i64().expect("an instant");
    at("exp") - at("iat")
}

on_both! {
    fn a_client_may_have_lifetimes_of_its_own(house) {
        let root = house.administrator();
        let app = house.party(|metadata| {
            metadata.access_token_lifetime = Some(900);
            metadata.id_token_lifetime = Some(60);
        });
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(issued.answer["expires_in"], 900);
        assert_eq!((lifetime(&claims_of(&issued.access)), lifetime(&issued.id_claims)), (900, 60));
        let plain = house.party(|_| {}).sign_in(&root.browser, &[]);
        assert_eq!((&plain.answer["expires_in"], lifetime(&plain.id_claims)), (&json!(300), 300));
        house.pass(899);
        assert_eq!(app.user_info(&issued.access).status, 200);
        assert_eq!(app.user_info(&plain.access).status, 401);
        house.pass(2);
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(app.introspect(&issued.access), json!({ "active": false }));
        // Longer validity delays no revocation here.
        let again = app.sign_in(&root.browser, &[]);
        house.pass(600);
        assert_eq!(app.introspect(&again.access)["active"], true);
        assert_eq!(root.browser.delete("/v1/session").status, 204);
        assert_eq!(app.introspect(&again.access), json!({ "active": false }));
    }

    fn a_lifetime_has_bounds(house) {
        let root = house.administrator();
        let register = |member: &str, value: &Value| {
            let body = json!({ "client_name": "App", "redirect_uris": ["https://app.example/cb"], member: value });
            root.browser.post_json("/v1/clients", &body)
        };
        for member in ["access_token_lifetime", "id_token_lifetime"] {
            for bad in [json!(29), json!(3_601), json!(-1), json!(4_294_967_326_i64)] {
                let refused = register(member, &bad);
                assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!(member)), "{bad}");
            }
            for good in [json!(30), json!(3_600), Value::Null] {
                let made = register(member, &good);
                assert_eq!((made.status, &made.json()[member]), (201, &good), "{}", made.text());
            }
        }
        let client = register("access_token_lifetime", &json!(900)).json()["client_id"].as_str().expect("an id").to_owned();
        let update = |lifetime: &str| {
            let ran = binary::run(&house.config, &["client", "update", &client, "--access-token-lifetime", lifetime, "--json"]);
            assert_eq!(ran.code, 0, "{}", ran.errors);
            ran.json()["access_token_lifetime"].clone()
        };
        assert_eq!((update("600"), update("default")), (json!(600), Value::Null));
        let ran = binary::run(&house.config, &["client", "update", &client, "--id-token-lifetime", "5"]);
        assert_ne!(ran.code, 0);
    }

    fn a_client_only_shortens_what_it_manages(house) {
        let root = house.administrator();
        let (id, secret) = house.client(&["clients:read", "clients:write", "openid"]);
        let register = |lifetime: u32| {
            let body = json!({ "client_name": "App", "redirect_uris": ["https://app.example/cb"], "scope": "openid", "access_token_lifetime": lifetime });
            house.browser().request("POST", "/v1/clients").basic(&id, &secret).json(&body).send()
        };
        let longer = register(301);
        assert_eq!((longer.status, &longer.json()["field"]), (403, &json!("access_token_lifetime")), "{}", longer.text());
        let made = register(200);
        assert_eq!(made.status, 201, "{}", made.text());
        let path = format!("/v1/clients/{}", made.json()["client_id"].as_str().expect("an id"));
        let tag = || root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let by_service = |body: &Value| {
            house.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &tag()).json(body).send().status
        };
        for bad in [json!(201), json!(300), json!(3_600), Value::Null] {
            assert_eq!(by_service(&json!({ "access_token_lifetime": bad })), 403, "{bad}");
        }
        assert_eq!(by_service(&json!({ "id_token_lifetime": 301 })), 403);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 100, "id_token_lifetime": 300 })), 200);
        let by_root = root.browser.request("PATCH", &path).header("If-Match", &tag()).json(&json!({ "access_token_lifetime": 3_600 })).send();
        assert_eq!(by_root.status, 200, "{}", by_root.text());
        // What an administrator set may stay, and be shortened.
        assert_eq!(by_service(&json!({ "client_name": "Renamed" })), 200);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 1_800 })), 403);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 300 })), 200);
    }
}

fn the_configured_maximum_bounds_them(house: &House) {
    let root = house.administrator();
    let app = house.party(|metadata| {
        metadata.access_token_lifetime = Some(3_600);
        metadata.id_token_lifetime = Some(3_600);
    });
    let issued = app.sign_in(&root.browser, &[]);
    assert_eq!(issued.answer["expires_in"], 600);
    assert_eq!(lifetime(&issued.id_claims), 600);
}

#[test]
fn the_configured_maximum_bounds_them_embedded() {
    the_configured_maximum_bounds_them(&House::embedded_with(|config| {
        config.tokens.max_client_lifetime = Duration::from_secs(600);
    }));
}

#[test]
fn the_configured_maximum_bounds_them_clustered() {
    the_configured_maximum_bounds_them(&House::clustered_with(|config| {
        config.tokens.max_client_lifetime = Duration::from_secs(600);
    }));
}
