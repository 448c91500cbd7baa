//! UserInfo tells what was let, and no more.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::house::House;
use crate::support::person::Person;

/// Gives the administrator an address and more.
fn with_attributes(house: &House) -> Person {
    let root = house.administrator();
    let attributes = json!({
        "given_name": "Root", "family_name": "Admin", "birthdate": "1990-01-01", "phone_number": "+41 1",
        "address": { "locality": "Bern", "country": "CH", "rank": 1 }, "secret": "x",
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
    fn scopes_give_their_claims(house) {
        let root = with_attributes(house);
        let app = house.party(|_| {});
        let claims = |scope: &str| {
            let issued = app.sign_in(&root.browser, &[("scope", scope)]);
            let mut claims = app.user_info(&issued.access).json();
            assert_eq!(claims["sub"], json!(root.id));
            claims.as_object_mut().expect("an object").remove("sub");
            claims
        };
        assert_eq!(claims("openid"), json!({}));
        assert_eq!(claims("openid email"), json!({ "email": "root@example.com", "email_verified": false }));
        assert_eq!(claims("openid phone"), json!({ "phone_number": "+41 1", "phone_number_verified": false }));
        assert_eq!(claims("openid address"), json!({ "address": { "locality": "Bern", "country": "CH" } }));
        assert_eq!(claims("openid roles"), json!({ "roles": ["admin"], "groups": ["admin"] }));
        let profile = claims("openid profile nonsense");
        assert_eq!((&profile["name"], &profile["preferred_username"]), (&json!("Root Admin"), &json!("root")));
        assert_eq!((&profile["given_name"], &profile["birthdate"]), (&json!("Root"), &json!("1990-01-01")));
        assert!(profile["updated_at"].is_i64() && profile["secret"].is_null());
    }

    fn single_claims_stand_where_they_were_asked_for(house) {
        let root = with_attributes(house);
        let app = house.party(|_| {});
        let wish = r#"{"userinfo": {"name": {"essential": true}}, "id_token": {"email": null}}"#;
        let issued = app.sign_in(&root.browser, &[("scope", "openid"), ("claims", wish)]);
        let told = app.user_info(&issued.access).json();
        assert_eq!(told, json!({ "sub": root.id, "name": "Root Admin" }));
        assert_eq!(issued.id_claims["email"], json!("root@example.com"));
        assert_eq!(issued.id_claims["name"], Value::Null);
        let plain = app.sign_in(&root.browser, &[]);
        assert_eq!(plain.id_claims["email"], Value::Null);
        let old = house.party(|metadata| metadata.claims_in_id_token = true);
        let issued = old.sign_in(&root.browser, &[]);
        assert_eq!((&issued.id_claims["email"], &issued.id_claims["groups"]), (&json!("root@example.com"), &json!(["admin"])));
    }

    fn it_answers_get_and_post_and_challenges_by_rfc_6750(house) {
        let root = house.administrator();
        let app = house.party(|_| {});
        let token = app.sign_in(&root.browser, &[]).access;
        let browser = house.browser();
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
        assert_eq!(house.browser().get(&format!("/oauth2/userinfo?access_token={token}")).status, 401, "never in an address");
        let without = app.sign_in(&root.browser, &[("scope", "profile")]);
        assert!(without.id_token.is_empty());
        let refused = app.user_info(&without.access);
        assert_eq!(refused.status, 403);
        assert!(refused.header("www-authenticate").expect("a challenge").contains("insufficient_scope"));
        assert_eq!(root.browser.get("/oauth2/userinfo").status, 401, "a cookie is no token");
    }
}
