//! Delegated administration: whoever holds a role that manages grants on a type.

use serde_json::json;

use super::{delegating_role, give, grant, holder, path};
use crate::on_both;

on_both! {
    fn a_delegate_manages_grants_on_their_types_and_no_others(house) {
        let root = house.administrator();
        delegating_role(house, "clerk", &["order", "invoice"]);
        let clerk = holder(house, &root, "clerk", "clerk");
        house.person(&root, "ada");
        let mut folder = grant("ada", "OWNER");
        folder["resource_type"] = json!("folder");
        let of_root = root.browser.post_json("/v1/grants", &folder);
        let given = give(&clerk, "ada", "OPERATOR");
        let at = path(&given);
        assert_eq!(given.json()["by_user"], json!(clerk.id));
        // Theirs.
        let listed = clerk.browser.get("/v1/grants").json();
        assert_eq!(listed["items"], json!([given.json()]), "of their types alone");
        assert_eq!(clerk.browser.get("/v1/users/ada/roles").json(), json!({ "grants": [given.json()], "next": null }));
        assert_eq!(clerk.browser.get("/v1/resources/order/17/grants").json()["items"].as_array().map(Vec::len), Some(1));
        let changed = clerk.browser.request("PATCH", &at).header("If-Match", "\"1\"").json(&json!({ "roles": ["X"] })).send();
        assert_eq!(changed.status, 200);
        let thing = clerk.browser.request("PUT", "/v1/resources/order/17").json(&json!({ "title": "Order" })).send();
        assert_eq!(thing.status, 201);
        assert_eq!(clerk.browser.get("/v1/resources").json()["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(clerk.browser.delete(&at).status, 200);
        // Not theirs: a type that they name is refused, a grant that they don't see is not there.
        assert_eq!(clerk.browser.post_json("/v1/grants", &folder).status, 403);
        assert_eq!(clerk.browser.get("/v1/grants?resource_type=folder").status, 403);
        assert_eq!(clerk.browser.get("/v1/resources/folder/17/grants").status, 403);
        assert_eq!(clerk.browser.get("/v1/resources?type=folder").status, 403);
        assert_eq!(clerk.browser.request("PUT", "/v1/resources/folder/17").json(&json!({})).send().status, 403);
        assert_eq!(clerk.browser.delete("/v1/resources/folder/17").status, 403);
        let other = path(&of_root);
        assert_eq!(clerk.browser.get(&other).status, 404);
        let change = clerk.browser.request("PATCH", &other).header("If-Match", "\"1\"").json(&json!({ "roles": ["X"] })).send();
        assert_eq!(change.status, 404);
        assert_eq!(clerk.browser.delete(&other).status, 404);
        assert_eq!(root.browser.get(&other).json()["version"], 1);
        assert_eq!(clerk.browser.get("/v1/users/root").status, 403, "people are not theirs");
        // What was, as far as what is; a grant that never was looks like one on a type of somebody else.
        assert_eq!(clerk.browser.get(&format!("{at}/history")).json()["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(clerk.browser.get("/v1/resources/order/17/history").status, 200);
        assert_eq!(clerk.browser.get("/v1/resources/folder/17/history").status, 403);
        let not_theirs = clerk.browser.get(&format!("{other}/history"));
        let never = clerk.browser.get("/v1/grants/00000000-0000-4000-8000-000000000000/history");
        assert_eq!((not_theirs.status, not_theirs.json()), (403, never.json()));
    }

    fn a_delegate_needs_a_recent_sign_in_and_the_role_still(house) {
        let mut root = house.administrator();
        delegating_role(house, "clerk", &["order"]);
        let mut clerk = holder(house, &root, "clerk", "clerk");
        let at = path(&give(&clerk, "clerk", "OPERATOR"));
        house.pass(400);
        assert_eq!(clerk.browser.delete(&at).problem_type(), "urn:doorward:problem:step-up-needed");
        assert_eq!(clerk.browser.get("/v1/grants").status, 200);
        assert_eq!(clerk.step_up().status, 200);
        assert_eq!(root.step_up().status, 200);
        let etag = root.browser.get("/v1/users/clerk").header("etag").expect("a tag").to_owned();
        let demoted = root.browser.request("PATCH", "/v1/users/clerk").header("If-Match", &etag).json(&json!({ "roles": [] })).send();
        assert_eq!(demoted.status, 200, "{}", demoted.text());
        for answer in [clerk.browser.delete(&at), clerk.browser.get("/v1/grants"), give(&clerk, "clerk", "X")] {
            assert_eq!(answer.status, 403);
        }
        assert_eq!(root.browser.get(&at).status, 200);
    }
}
