//! UserInfo returns what was authorized, and no more.

use doorward::base::config::Config;
use serde_json::{Value, json};

use crate::api::roles::patch;
use crate::on_both;
use crate::support::binary;
use crate::support::relying_party::{CALLBACK, RelyingParty, TokenSet};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn with_attributes(server: &TestServer) -> TestUser {
    let root = server.administrator();
    let attributes = json!({
        "given_name": "Root", "family_name": "Admin", "birthdate": "1990-01-01", "phone_number": "+41 1",
        "address": { "locality": "Bern", "country": "CH", "rank": 1, "note": "x", "region": "" }, "secret": "x",
        "dept": "Ledgers", "badges": ["a", 7], "empty": "", "nothing": null, "level": 3,
    });
    let patched = root
        .browser
        .request("PATCH", "/v1/users/root")
        .header("If-Match", "\"1\"")
        .json(&json!({ "email": "root@example.com", "attributes": attributes }))
        .send();
    assert_eq!(patched.status, 200, "{patched:?}");
    root
}

on_both! {
    fn each_scope_returns_its_claims(server) {
        let root = with_attributes(server);
        let app = server.relying_party(|_| {});
        let claims = |scope: &str| {
            let issued = app.sign_in(&root.browser, &[("scope", scope)]);
            let mut claims = app.user_info(&issued.access).json();
            assert_eq!(claims["sub"], json!(root.id));
            claims.as_object_mut().expect("an object").remove("sub");
            claims
        };
        assert_eq!(claims("openid"), json!({}));
        assert_eq!(claims("openid email"), json!({ "email": "root@example.com", "email_verified": true }));
        assert_eq!(claims("openid phone"), json!({ "phone_number": "+41 1", "phone_number_verified": false }));
        assert_eq!(claims("openid address"), json!({ "address": { "locality": "Bern", "country": "CH" } }));
        assert_eq!(claims("openid roles"), json!({ "roles": ["admin"], "groups": ["admin"] }));
        let profile = claims("openid profile nonsense");
        assert_eq!((&profile["name"], &profile["preferred_username"]), (&json!("Root Admin"), &json!("root")));
        assert_eq!((&profile["given_name"], &profile["birthdate"]), (&json!("Root"), &json!("1990-01-01")));
        assert!(profile["updated_at"].is_i64() && profile["secret"].is_null());
    }

    fn requested_claims_are_where_they_were_requested(server) {
        let root = with_attributes(server);
        let app = server.relying_party(|metadata| metadata.claims_in_id_token = false);
        let wish = r#"{"userinfo": {"name": {"essential": true}}, "id_token": {"email": null}}"#;
        let issued = app.sign_in(&root.browser, &[("scope", "openid"), ("claims", wish)]);
        let told = app.user_info(&issued.access).json();
        assert_eq!(told, json!({ "sub": root.id, "name": "Root Admin" }));
        assert_eq!(issued.id_claims["email"], json!("root@example.com"));
        assert_eq!(issued.id_claims["name"], Value::Null);
        let plain = app.sign_in(&root.browser, &[]);
        assert_eq!(plain.id_claims["email"], Value::Null);
        let usual = server.relying_party(|_| {});
        let issued = usual.sign_in(&root.browser, &[]);
        assert_eq!((&issued.id_claims["email"], &issued.id_claims["groups"]), (&json!("root@example.com"), &json!(["admin"])));
    }

    fn names_and_groups_are_in_the_id_token_unless_turned_off(server) {
        let root = with_attributes(server);
        let register = |more: Value| {
            let mut body = json!({ "client_name": "An app", "redirect_uris": [CALLBACK], "require_consent": false });
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let made = root.browser.post_json("/v1/clients", &body).json();
            let text = |name: &str| made[name].as_str().expect("a text").to_owned();
            RelyingParty { id: text("client_id"), secret: Some(text("client_secret")), server: server.browser() }
        };
        let scope = ("scope", "openid profile email groups");
        let usual = register(json!({}));
        let issued = usual.sign_in(&root.browser, &[scope]);
        for claims in [&issued.id_claims, &TokenSet::read(&usual.refresh(&issued.refresh)).id_claims] {
            assert_eq!((&claims["name"], &claims["email"]), (&json!("Root Admin"), &json!("root@example.com")));
            assert_eq!((&claims["groups"], &claims["roles"]), (&json!(["admin"]), &json!(["admin"])));
        }
        // Claims that were not requested are absent.
        let little = usual.sign_in(&root.browser, &[("scope", "openid")]).id_claims;
        assert_eq!((&little["name"], &little["email"], &little["groups"]), (&Value::Null, &Value::Null, &Value::Null));
        let without = register(json!({ "claims_in_id_token": false })).sign_in(&root.browser, &[scope]).id_claims;
        assert_eq!((&without["name"], &without["groups"]), (&Value::Null, &Value::Null));
    }

    fn user_info_supports_get_and_post_and_challenges_per_rfc_6750(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let token = app.sign_in(&root.browser, &[]).access;
        let browser = server.browser();
        let ask = |method: &str| browser.request(method, "/oauth2/userinfo").without_same_origin();
        assert_eq!(ask("GET").bearer(&token).send().status, 200);
        assert_eq!(ask("POST").bearer(&token).send().status, 200);
        assert_eq!(ask("POST").form(&[("access_token", &token)]).send().status, 200);
        assert_eq!(ask("GET").header("Authorization", &format!("bearer {token}")).send().status, 200);
        assert_eq!(ask("POST").bearer(&token).form(&[("access_token", &token)]).send().status, 400);
        let none = ask("GET").send();
        assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer realm=\"Doorward\"")));
        let bad = ask("GET").bearer("x").send();
        assert!(bad.header("www-authenticate").expect("a challenge").contains("error=\"invalid_token\""));
        assert_eq!(server.browser().get(&format!("/oauth2/userinfo?access_token={token}")).status, 401, "never in a URL");
        let without = app.sign_in(&root.browser, &[("scope", "profile")]);
        assert!(without.id_token.is_empty());
        let refused = app.user_info(&without.access);
        assert_eq!(refused.status, 403);
        assert!(refused.header("www-authenticate").expect("a challenge").contains("insufficient_scope"));
        assert_eq!(root.browser.get("/oauth2/userinfo").status, 401, "a cookie is not accepted as a token");
    }

    fn every_standard_claim_of_the_user_is_returned_with_its_scope(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let texts = [
            "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale",
        ];
        let mut attributes: serde_json::Map<String, Value> = texts.into_iter().map(|name| (name.to_owned(), json!(format!("a {name}")))).collect();
        let address = json!({ "formatted": "f", "street_address": "s", "locality": "l", "region": "r", "postal_code": "p", "country": "c" });
        attributes.insert("address".into(), address.clone());
        attributes.insert("phone_number".into(), json!("+41 1"));
        attributes.insert("phone_number_verified".into(), json!(true));
        // Attributes can't override the user's identity.
        for name in ["sub", "name", "preferred_username", "email", "email_verified", "updated_at", "roles", "groups", "acr"] {
            attributes.insert(name.into(), json!("forged"));
        }
        let body = json!({ "attributes": attributes });
        assert_eq!(patch(&root.browser, &root.browser, "/v1/users/root", &body).status, 200);
        let told = |scope: &str| app.user_info(&app.sign_in(&root.browser, &[("scope", scope)]).access).json();
        let profile = told("openid profile");
        for name in texts {
            assert_eq!(profile[name], json!(format!("a {name}")));
        }
        assert!(profile["updated_at"].is_i64(), "{profile}");
        assert_eq!((&profile["sub"], &profile["name"], &profile["preferred_username"]), (&json!(root.id), &json!("Root Admin"), &json!("root")));
        assert_eq!(told("openid address"), json!({ "sub": root.id, "address": address }));
        assert_eq!(told("openid phone"), json!({ "sub": root.id, "phone_number": "+41 1", "phone_number_verified": true }));
        assert_eq!(told("openid email"), json!({ "sub": root.id }), "there is no address");
        assert_eq!(told("openid roles"), json!({ "sub": root.id, "roles": ["admin"], "groups": ["admin"] }));
        assert_eq!(told("openid"), json!({ "sub": root.id }));
        assert!(!profile.to_string().contains("forged"), "{profile}");
    }

    fn name_claims_come_from_the_display_name(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let names = || {
            let told = app.user_info(&app.sign_in(&root.browser, &[("scope", "openid profile")]).access).json();
            (told["given_name"].clone(), told["family_name"].clone())
        };
        assert_eq!(names(), (json!("Root"), json!("Admin")));
        let body = json!({ "display_name": "Ada", "attributes": {} });
        assert_eq!(patch(&root.browser, &root.browser, "/v1/users/root", &body).status, 200);
        assert_eq!(names(), (json!("Ada"), Value::Null));
        let body = json!({ "display_name": "Ada Lovelace", "attributes": { "family_name": "King" } });
        assert_eq!(patch(&root.browser, &root.browser, "/v1/users/root", &body).status, 200);
        assert_eq!(names(), (Value::Null, json!("King")), "the attribute takes precedence");
        // Also by name, if the client is registered for the scope, and in the ID token.
        let wish = r#"{"id_token": {"family_name": null}}"#;
        let issued = app.sign_in(&root.browser, &[("scope", "openid"), ("claims", wish)]);
        assert_eq!(issued.id_claims["family_name"], "King");
    }
}

fn configured(config: &mut Config) {
    let rules = [
        "profile:department=dept",
        "roles:badges",
        "profile:empty",
        "profile:nothing",
        "phone:level",
    ];
    let file = config.server.data_dir.with_file_name("claims.toml");
    std::fs::write(&file, format!("[tokens]\nclaims = {rules:?}")).expect("a file");
    config.tokens.claims = Config::load(Some(&file)).expect("rules").tokens.claims;
}

fn attributes_are_returned_with_their_scope(server: &TestServer) {
    let root = with_attributes(server);
    let app = server.relying_party(|metadata| metadata.claims_in_id_token = false);
    let told = |parameters: &[(&str, &str)]| {
        let issued = app.sign_in(&root.browser, parameters);
        let told = app.user_info(&issued.access).json();
        let names = [
            "department",
            "dept",
            "badges",
            "empty",
            "nothing",
            "level",
            "secret",
        ];
        let known = names.into_iter().filter(|name| told.get(*name).is_some());
        (known.collect::<Vec<_>>(), told, issued.id_claims)
    };
    let (known, claims, id_claims) = told(&[("scope", "openid profile")]);
    assert_eq!(
        (known, &claims["department"]),
        (vec!["department"], &json!("Ledgers"))
    );
    assert_eq!(id_claims["department"], Value::Null);
    let (known, claims, _) = told(&[("scope", "openid roles phone")]);
    assert_eq!(known, ["badges", "level"]);
    assert_eq!(
        (&claims["badges"], &claims["level"]),
        (&json!(["a", 7]), &json!(3))
    );
    assert_eq!(
        told(&[("scope", "openid email address")]).0,
        Vec::<&str>::new()
    );
    let wish = r#"{"userinfo": {"badges": null, "secret": null, "dept": null}, "id_token": {"department": {"essential": true}}}"#;
    let (known, _, id_claims) = told(&[("scope", "openid"), ("claims", wish)]);
    assert_eq!(
        (known, &id_claims["department"]),
        (vec!["badges"], &json!("Ledgers"))
    );
    // A client that is not registered for the scope doesn't get the claims, not even by name.
    let poor = server.delegated_app("openid email");
    let issued = poor.sign_in(
        &root.browser,
        &[("scope", "openid profile email"), ("claims", wish)],
    );
    let told = poor.user_info(&issued.access).json();
    assert_eq!(
        told.get("badges").or(told.get("department")),
        None,
        "{told}"
    );
    assert_eq!(issued.id_claims["department"], Value::Null);
    let old = server.relying_party(|metadata| metadata.claims_in_id_token = true);
    let issued = old.sign_in(&root.browser, &[("scope", "openid profile")]);
    assert_eq!(
        (&issued.id_claims["department"], &issued.id_claims["badges"]),
        (&json!("Ledgers"), &Value::Null)
    );
    let discovery = server
        .browser()
        .get("/.well-known/openid-configuration")
        .json();
    let supported = discovery["claims_supported"].as_array().expect("claims");
    assert!(
        supported.contains(&json!("department")) && !supported.contains(&json!("secret")),
        "{discovery}"
    );
}

#[test]
fn attributes_are_returned_with_their_scope_embedded() {
    attributes_are_returned_with_their_scope(&TestServer::embedded_with(configured));
}

#[test]
fn attributes_are_returned_with_their_scope_clustered() {
    attributes_are_returned_with_their_scope(&TestServer::clustered_with(configured));
}

#[test]
fn a_registered_claim_cannot_be_an_attribute() {
    let server = TestServer::embedded();
    for bad in [
        "profile:sub=x",
        "profile:email",
        "openid:x",
        "users:read:x",
        "x",
    ] {
        let mut command = binary::command(&server.config);
        command.env("DOORWARD__TOKENS__CLAIMS", format!("[\"{bad}\"]"));
        let ran = binary::finish(command.args(["config", "check"]));
        assert_eq!(ran.code, 6, "{bad}: {}", ran.errors);
        assert!(ran.errors.contains("tokens.claims"), "{}", ran.errors);
    }
}
