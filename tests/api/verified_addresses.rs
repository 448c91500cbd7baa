//! Mail addresses: what somebody entered is no fact until an administrator vouched for it.

use serde_json::{Value, json};

use super::roles::{give, make, patch};
use crate::on_both;
use crate::support::binary;
use crate::support::house::House;
use crate::support::person::Person;

fn verified(root: &Person, user: &str) -> (Value, Value, Value) {
    let user = root.browser.get(&format!("/v1/users/{user}")).json();
    let member = |name: &str| user[name].clone();
    (
        member("email_verified"),
        member("email_state"),
        member("email_verified_by"),
    )
}

fn unverified() -> (Value, Value, Value) {
    (json!(false), json!("unverified"), Value::Null)
}

/// An administrator, a delegate who manages clerks, and a clerk with an address.
fn people(house: &House) -> (Person, Person, Person) {
    let root = house.administrator();
    make(&root, &json!({ "name": "clerk" }));
    make(
        &root,
        &json!({ "name": "lead", "manages_roles": ["clerk"] }),
    );
    let lead = house.person(&root, "lead");
    give(&root, "lead", &["lead"]);
    let clerk = house.person(&root, "clerk");
    give(&root, "clerk", &["clerk"]);
    let entered = patch(
        &root.browser,
        &root.browser,
        "/v1/users/clerk",
        &json!({ "email": "clerk@corp.example" }),
    );
    assert_eq!(entered.status, 200, "{}", entered.text());
    (root, lead, clerk)
}

on_both! {
    fn an_administrator_vouches_for_an_address_and_another_one_starts_anew(house) {
        let (root, lead, clerk) = people(house);
        assert_eq!(verified(&root, "clerk"), unverified());
        let path = "/v1/users/clerk";
        let vouched = patch(&root.browser, &root.browser, path, &json!({ "email_verified": true }));
        assert_eq!(vouched.status, 200, "{}", vouched.text());
        let vouched = vouched.json();
        assert_eq!((&vouched["email_verified"], &vouched["email_state"], &vouched["email_verified_by"]), (&json!(true), &json!("vouched"), &json!(root.id)));
        assert!(vouched["email_verified_at"].is_string(), "{vouched}");
        assert_eq!(clerk.browser.get("/v1/session").json()["user"]["email_verified"], true);
        let events = root.browser.get("/v1/audit-events?person=clerk&action=user.updated").json();
        assert_eq!(events["items"][0]["details"]["email_state"], json!({ "before": "unverified", "after": "vouched" }));
        assert_eq!(events["items"][0]["actor"], json!(format!("user:{}", root.id)));
        let shown = root.browser.get(&format!("/admin/users/{}", clerk.id)).text();
        assert!(shown.contains("Verified") && shown.contains("by root,"), "{shown}");
        let shown = lead.browser.get(&format!("/admin/users/{}", clerk.id)).text();
        assert!(shown.contains("Verified") && !shown.contains("by root"), "{shown}");

        // The same address stays what it is; another one is not vouched for, whoever entered it.
        assert_eq!(patch(&lead.browser, &lead.browser, path, &json!({ "email": "clerk@corp.example", "display_name": "Clerk" })).status, 200);
        assert_eq!(verified(&root, "clerk").0, true);
        assert_eq!(patch(&lead.browser, &lead.browser, path, &json!({ "email": "ceo@corp.example" })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email": "clerk@corp.example", "email_verified": true })).status, 200);
        assert_eq!(verified(&root, "clerk").0, true);
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&json!({ "email": "root@corp.example" })).send().status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": true })).status, 200);
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": false })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified(), "taken back");
        let nothing = patch(&root.browser, &root.browser, path, &json!({ "email": null, "email_verified": true }));
        assert_eq!((nothing.status, nothing.json()["field"].clone()), (400, json!("email_verified")));
    }

    fn nobody_else_vouches(house) {
        let (root, lead, clerk) = people(house);
        let path = "/v1/users/clerk";
        let vouch = json!({ "email_verified": true });
        assert_eq!(patch(&root.browser, &lead.browser, path, &vouch).status, 403, "a delegate");
        assert_eq!(patch(&root.browser, &lead.browser, path, &json!({ "email": "x@corp.example", "email_verified": true })).status, 403);
        let (id, secret) = house.client(&["users:read", "users:write"]);
        let tag = root.browser.get(path).header("etag").expect("a tag").to_owned();
        let by_service = house.browser().request("PATCH", path).basic(&id, &secret).header("If-Match", &tag).json(&vouch).send();
        assert_eq!(by_service.status, 403, "a service: {}", by_service.text());
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&vouch).send().status, 400, "oneself");
        let page = format!("/admin/users/{}/verify-email", clerk.id);
        assert_eq!(lead.browser.get(&page).status, 403);
        assert_eq!(lead.browser.request("POST", &page).page_form(&[("version", "3")]).send().status, 403);
        assert_eq!(verified(&root, "clerk"), unverified());
    }

    fn the_page_and_the_command_vouch_for_what_they_show(house) {
        let (root, _, clerk) = people(house);
        let page = format!("/admin/users/{}/verify-email", clerk.id);
        assert!(root.browser.get(&format!("/admin/users/{}", clerk.id)).text().contains(&page));
        assert!(root.browser.get(&page).text().contains("clerk@corp.example"));
        let version = root.browser.get("/v1/users/clerk").json()["version"].to_string();
        // The address was changed since it was shown.
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&json!({ "email": "root@corp.example" })).send().status, 200);
        let late = root.browser.request("POST", &page).page_form(&[("version", &version)]).send();
        assert!(matches!(late.status, 409 | 412), "{}", late.status);
        assert_eq!(verified(&root, "clerk"), unverified());
        let version = root.browser.get("/v1/users/clerk").json()["version"].to_string();
        let saved = root.browser.request("POST", &page).page_form(&[("version", &version)]).send();
        assert_eq!(saved.status, 303, "{}", saved.text());
        assert_eq!(verified(&root, "clerk").1, "vouched");

        let ran = binary::run(&house.config, &["user", "update", "clerk", "--email-verified", "false"]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let ran = binary::run(&house.config, &["user", "update", "clerk", "--email-verified", "true", "--json"]).json();
        assert_eq!((&ran["email_state"], &ran["email_verified_by"]), (&json!("vouched"), &Value::Null));
        assert_eq!(patch(&root.browser, &root.browser, "/v1/users/clerk", &json!({ "email": null })).status, 200);
        assert_eq!(root.browser.get(&page).status, 400, "nothing to vouch for");
    }
}
