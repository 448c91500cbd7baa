//! Lifetimes of access and ID tokens set for a client.

use std::time::Duration;

use doorward::base::config::Config;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::relying_party::{TokenSet, claims_of, error_of};

fn lifetime(claims: &Value) -> i64 {
    let at = |name: &str| claims[name].as_i64().expect("an instant");
    at("exp") - at("iat")
}

on_both! {
    fn a_client_may_have_lifetimes_of_its_own(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.access_token_lifetime = Some(900);
            metadata.id_token_lifetime = Some(60);
        });
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(issued.answer["expires_in"], 900);
        assert_eq!((lifetime(&claims_of(&issued.access)), lifetime(&issued.id_claims)), (900, 60));
        let plain = server.relying_party(|_| {}).sign_in(&root.browser, &[]);
        assert_eq!((&plain.answer["expires_in"], lifetime(&plain.id_claims)), (&json!(300), 300));
        server.advance_clock(899);
        assert_eq!(app.user_info(&issued.access).status, 200);
        assert_eq!(app.user_info(&plain.access).status, 401);
        server.advance_clock(2);
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(app.introspect(&issued.access), json!({ "active": false }));
        // A longer lifetime doesn't delay revocation here.
        let again = app.sign_in(&root.browser, &[]);
        server.advance_clock(600);
        assert_eq!(app.introspect(&again.access)["active"], true);
        assert_eq!(root.browser.delete("/v1/session").status, 204);
        assert_eq!(app.introspect(&again.access), json!({ "active": false }));
    }

    fn lifetimes_have_bounds(server) {
        let root = server.administrator();
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
            let ran = binary::run(&server.config, &["client", "update", &client, "--access-token-lifetime", lifetime, "--json"]);
            assert_eq!(ran.code, 0, "{}", ran.errors);
            ran.json()["access_token_lifetime"].clone()
        };
        assert_eq!((update("600"), update("default")), (json!(600), Value::Null));
        let ran = binary::run(&server.config, &["client", "update", &client, "--id-token-lifetime", "5"]);
        assert_ne!(ran.code, 0);
    }

    fn a_client_can_only_shorten_lifetimes(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["clients:read", "clients:write", "openid"]);
        let register = |lifetime: u32| {
            let body = json!({ "client_name": "App", "redirect_uris": ["https://app.example/cb"], "scope": "openid", "access_token_lifetime": lifetime });
            server.browser().request("POST", "/v1/clients").basic(&id, &secret).json(&body).send()
        };
        let longer = register(301);
        assert_eq!((longer.status, &longer.json()["field"]), (403, &json!("access_token_lifetime")), "{}", longer.text());
        let made = register(200);
        assert_eq!(made.status, 201, "{}", made.text());
        let path = format!("/v1/clients/{}", made.json()["client_id"].as_str().expect("an id"));
        let tag = || root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let by_service = |body: &Value| {
            server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &tag()).json(body).send().status
        };
        for bad in [json!(201), json!(300), json!(3_600), Value::Null] {
            assert_eq!(by_service(&json!({ "access_token_lifetime": bad })), 403, "{bad}");
        }
        assert_eq!(by_service(&json!({ "id_token_lifetime": 301 })), 403);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 100, "id_token_lifetime": 300 })), 200);
        let by_root = root.browser.request("PATCH", &path).header("If-Match", &tag()).json(&json!({ "access_token_lifetime": 3_600 })).send();
        assert_eq!(by_root.status, 200, "{}", by_root.text());
        // A lifetime set by an administrator may stay, and be shortened.
        assert_eq!(by_service(&json!({ "client_name": "Renamed" })), 200);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 1_800 })), 403);
        assert_eq!(by_service(&json!({ "access_token_lifetime": 300 })), 200);
    }
}

const DAY: u64 = 86_400;
const OFFLINE: [(&str, &str); 1] = [("scope", "openid offline_access")];

on_both! {
    fn a_client_may_have_lifetimes_of_its_own_for_refresh_tokens(server) {
        let root = server.administrator();
        let plain = server.relying_party(|_| {});
        let short = server.relying_party(|metadata| {
            metadata.refresh_token_lifetime = Some(3_600);
            metadata.offline_lifetime = Some(7_200);
        });
        let (held, offline) = (short.sign_in(&root.browser, &[]), short.sign_in(&root.browser, &OFFLINE));
        let other = plain.sign_in(&root.browser, &OFFLINE);
        assert_eq!(lifetime(&short.introspect(&held.refresh)), 3_600);
        assert_eq!(lifetime(&short.introspect(&offline.refresh)), 7_200);
        server.advance_clock(3_599);
        let next = TokenSet::read(&short.refresh(&held.refresh));
        server.advance_clock(1);
        assert_eq!(error_of(&short.refresh(&next.refresh)), "invalid_grant", "a refresh is no new sign-in");
        assert_eq!(short.introspect(&next.refresh), json!({ "active": false }));
        let offline = TokenSet::read(&short.refresh(&offline.refresh));
        server.advance_clock(3_600);
        assert_eq!(error_of(&short.refresh(&offline.refresh)), "invalid_grant");
        assert_eq!(TokenSet::read(&plain.refresh(&other.refresh)).answer["token_type"], "Bearer");
    }

    fn a_client_may_have_its_own_idle_limit_for_offline_access(server) {
        let root = server.administrator();
        let short = server.relying_party(|metadata| metadata.offline_idle_timeout = Some(600));
        let long = server.relying_party(|metadata| {
            metadata.offline_idle_timeout = Some(u32::try_from(400 * DAY).expect("seconds"));
            metadata.offline_lifetime = Some(u32::try_from(500 * DAY).expect("seconds"));
        });
        let (first, kept) = (short.sign_in(&root.browser, &OFFLINE), long.sign_in(&root.browser, &OFFLINE));
        server.advance_clock(599);
        let next = TokenSet::read(&short.refresh(&first.refresh));
        server.advance_clock(600);
        assert_eq!(error_of(&short.refresh(&next.refresh)), "invalid_grant");
        server.advance_clock(399 * DAY);
        server.run(server.app.tokens.delete_expired()).expect("expired tokens deleted");
        let kept = TokenSet::read(&long.refresh(&kept.refresh));
        server.advance_clock(99 * DAY);
        let kept = TokenSet::read(&long.refresh(&kept.refresh));
        server.advance_clock(2 * DAY);
        assert_eq!(error_of(&long.refresh(&kept.refresh)), "invalid_grant");
    }

    fn a_shorter_lifetime_applies_to_issued_refresh_tokens(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let (held, offline) = (app.sign_in(&root.browser, &[]), app.sign_in(&root.browser, &OFFLINE));
        server.advance_clock(1_000);
        let update = |arguments: &[&str]| {
            let ran = binary::run(&server.config, &[&["client", "update", &app.id, "--json"], arguments].concat());
            assert_eq!(ran.code, 0, "{}", ran.errors);
            ran.json()
        };
        let changed = update(&["--refresh-token-lifetime", "900", "--offline-lifetime", "900", "--offline-idle-timeout", "800"]);
        assert_eq!((&changed["refresh_token_lifetime"], &changed["offline_lifetime"], &changed["offline_idle_timeout"]), (&json!(900), &json!(900), &json!(800)));
        assert_eq!((error_of(&app.refresh(&held.refresh)), error_of(&app.refresh(&offline.refresh))), ("invalid_grant".into(), "invalid_grant".into()));
        let back = update(&["--refresh-token-lifetime", "default", "--offline-lifetime", "default", "--offline-idle-timeout", "default"]);
        assert_eq!((&back["refresh_token_lifetime"], &back["offline_lifetime"], &back["offline_idle_timeout"]), (&Value::Null, &Value::Null, &Value::Null));
        TokenSet::read(&app.refresh(&held.refresh));
        TokenSet::read(&app.refresh(&offline.refresh));
    }

    fn lifetimes_of_refresh_tokens_have_bounds_and_a_service_only_shortens_them(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["clients:read", "clients:write", "openid", "offline_access"]);
        // (member, configured value in seconds)
        for (member, configured) in [("refresh_token_lifetime", 30 * DAY), ("offline_lifetime", 365 * DAY), ("offline_idle_timeout", 30 * DAY)] {
            let app = |value: &Value| json!({ "client_name": member, "redirect_uris": ["https://app.example/cb"], "scope": "openid", member: value });
            for bad in [json!(59), json!(157_680_001), json!(-1), json!(4_294_967_356_i64)] {
                let refused = root.browser.post_json("/v1/clients", &app(&bad));
                assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!(member)), "{bad}");
            }
            for good in [json!(60), json!(157_680_000), Value::Null] {
                let made = root.browser.post_json("/v1/clients", &app(&good));
                assert_eq!((made.status, &made.json()[member]), (201, &good), "{}", made.text());
            }
            let by_service = |value: u64| {
                let mut wanted = app(&json!(value));
                wanted["client_name"] = json!(format!("{member} by a service"));
                server.browser().request("POST", "/v1/clients").basic(&id, &secret).json(&wanted).send()
            };
            let refused = by_service(configured + 1);
            assert_eq!((refused.status, &refused.json()["field"]), (403, &json!(member)), "{}", refused.text());
            assert!(refused.text().contains(&configured.to_string()), "{}", refused.text());
            let made = by_service(configured);
            assert_eq!(made.status, 201, "{}", made.text());
            let path = format!("/v1/clients/{}", made.json()["client_id"].as_str().expect("an id"));
            let change = |value: &Value| {
                let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
                server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &tag)
                    .json(&json!({ member: value })).send().status
            };
            assert_eq!((change(&json!(configured - 1)), change(&json!(configured)), change(&Value::Null)), (200, 403, 403));
        }
    }
}

fn limit_to_ten_minutes(config: &mut Config) {
    config.tokens.max_client_lifetime = Duration::from_secs(600);
}

on_both! {
    fn the_configured_maximum_limits_lifetimes(server with limit_to_ten_minutes) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.access_token_lifetime = Some(3_600);
            metadata.id_token_lifetime = Some(3_600);
        });
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(issued.answer["expires_in"], 600);
        assert_eq!(lifetime(&issued.id_claims), 600);
    }
}
