//! Roles held on a chosen day and who assigned them: the history of one role assignment, and the admin page.

use doorward::base::clock::Timestamp;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::{TestBrowser, form_encoded};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

use super::as_of::{at, instant, patch, versions};

fn administrator(server: &TestServer, root: &TestUser, username: &str) -> TestUser {
    let start = json!({ "username": username, "roles": ["admin"] });
    server.create_user_with(root, &start, SoftAuthenticator::synced(server.origin()))
}

/// Creates a user who may assign roles on resources of one type, by a role of the same name.
fn delegate(server: &TestServer, root: &TestUser, name: &str, kind: &str) -> TestUser {
    let role = json!({ "name": name, "description": "", "manages_assignments_on": [kind] });
    let made = root.browser.post_json("/v1/roles", &role);
    assert_eq!(made.status, 201, "{}", made.text());
    let start = json!({ "username": name, "roles": [name] });
    server.create_user_with(root, &start, SoftAuthenticator::synced(server.origin()))
}

fn assert_invalid_instants_are_refused(reader: &TestBrowser, path: &str) {
    let far = Timestamp::from_micros(4_000_000_000_000_000);
    assert_eq!(at(reader, path, far).status, 400, "in the future");
    for bad in ["as_of=yesterday", "as_of=", "asof=2026-11-23T00:00:00Z"] {
        assert_eq!(
            reader.get(&format!("{path}?{bad}")).status,
            400,
            "{path}: {bad}"
        );
    }
}

/// Returns the page of a user's access at the present time.
fn page_now(server: &TestServer, by: &TestUser, person: &TestUser) -> String {
    let on = form_encoded(&instant(server).to_rfc3339());
    let page = by
        .browser
        .get(&format!("/admin/users/{}/access?on={on}", person.id));
    assert_eq!(page.status, 200, "{}", page.text());
    page.text()
}

/// Returns who assigned each role on a user's access page.
fn assigners(page: &str) -> Vec<&str> {
    let cells = page.split("data-label=\"Assigned by\">").skip(1);
    cells.filter_map(|cell| cell.split('<').next()).collect()
}

on_both! {
    fn the_history_of_a_role_assignment_shows_each_change_and_its_author(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (id, secret) = server.client(&["role-assignments:read", "role-assignments:write"]);
        let held = format!("/v1/users/{}/roles", ada.id);
        let before = instant(server);
        let body = json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["VIEWER"] });
        let given = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!(given.status, 201, "{}", given.text());
        let grant = format!("/v1/role-assignments/{}", given.json()["id"].as_str().expect("an id"));
        let viewer = instant(server);
        let tag = root.browser.get(&grant).header("etag").expect("a tag").to_owned();
        let changed = server.browser().request("PATCH", &grant).without_same_origin().basic(&id, &secret)
            .header("If-Match", &tag).json(&json!({ "roles": ["OPERATOR"] })).send();
        assert_eq!(changed.status, 200, "{}", changed.text());
        let operator = instant(server);
        assert!(root.browser.delete(&grant).status < 300);
        let after = instant(server);

        let role_assignments = |when: Timestamp| {
            let answer = at(&root.browser, &held, when);
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()["role_assignments"].as_array().expect("role assignments").clone()
        };
        assert!(role_assignments(before).is_empty() && role_assignments(after).is_empty());
        assert_eq!((&role_assignments(viewer)[0]["roles"], &role_assignments(viewer)[0]["by_user"]), (&json!(["VIEWER"]), &json!(root.id)));
        assert_eq!((&role_assignments(operator)[0]["roles"], &role_assignments(operator)[0]["by_client"]), (&json!(["OPERATOR"]), &json!(id)));

        let history = format!("{grant}/history");
        assert_eq!(versions(&root.browser, &history), [3, 2, 1]);
        let items = root.browser.get(&history).json()["items"].clone();
        let who = |version: usize| (items[version]["by_username"].clone(), items[version]["by_client_name"].clone());
        assert_eq!([who(0), who(1), who(2)], [
            (json!("root"), Value::Null), (Value::Null, json!("a service")), (json!("root"), Value::Null),
        ]);
        assert_eq!(items[0]["data"]["roles"], json!([]), "deleted");
        assert_eq!(versions(&ada.browser, &history), [3, 2, 1], "the user's own record");
        let bob = server.create_user(&root, "bob");
        assert_eq!(bob.browser.get(&history).status, 403);
    }

    fn a_page_shows_a_users_past_roles_and_who_assigned_them(server) {
        let root = server.administrator();
        let before = instant(server);
        let ada = server.create_user(&root, "ada");
        let body = json!({ "user": "ada", "resource_type": "order", "resource_id": "<17>", "roles": ["OPERATOR"], "title": "A big order" });
        let given = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!(given.status, 201, "{}", given.text());
        patch(&root.browser, &format!("/v1/users/{}", ada.id), &json!({ "roles": ["admin"] }));
        let held = instant(server);
        let grant = format!("/v1/role-assignments/{}", given.json()["id"].as_str().expect("an id"));
        assert!(root.browser.delete(&grant).status < 300);
        patch(&root.browser, &format!("/v1/users/{}", ada.id), &json!({ "roles": [] }));
        let after = instant(server);

        let path = format!("/admin/users/{}/access", ada.id);
        let page = |when: Timestamp| {
            let page = root.browser.get(&format!("{path}?on={}", form_encoded(&when.to_rfc3339())));
            assert_eq!(page.status, 200, "{}", page.text());
            page.text()
        };
        assert!(page(after).contains("can still change"), "not settled");
        let then = page(held);
        for told in ["OPERATOR", "&#60;17&#62;", "A big order", ">admin<", ">root<"] {
            assert!(then.contains(told), "{told}: {then}");
        }
        assert!(!page(after).contains("OPERATOR") && !page(after).contains(">admin<"));
        assert!(page(before).contains("had no account yet"));
        let linked = root.browser.get(&format!("/admin/users/{}", ada.id)).text();
        assert!(linked.contains(&format!("href=\"{path}\"")), "the person's page leads there");
        let day = root.browser.get(&path);
        assert_eq!(day.status, 200);
        for wrong in ["yesterday", "2999-01-01", "<script>"] {
            let page = root.browser.get(&format!("{path}?on={}", form_encoded(wrong)));
            assert!(page.status == 200 && page.text().contains("form-problem") && !page.text().contains("<script>\""), "{wrong}");
        }
        assert_eq!(ada.browser.get(&path).status, 403);
        assert_eq!(root.browser.get("/admin/users/nobody/access").status, 404);
    }

    fn other_changes_do_not_change_who_assigned_a_role(server) {
        let root = server.administrator();
        let second = administrator(server, &root, "second");
        let ada = server.create_user(&root, "ada");
        let person = format!("/v1/users/{}", ada.id);
        let page = || page_now(server, &root, &ada);
        patch(&root.browser, &person, &json!({ "roles": ["admin"] }));
        let body = json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["OPERATOR", "VIEWER"] });
        let given = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!(given.status, 201, "{}", given.text());
        let grant = format!("/v1/role-assignments/{}", given.json()["id"].as_str().expect("an id"));
        patch(&second.browser, &person, &json!({ "display_name": "Ada the Second" }));
        patch(&second.browser, &grant, &json!({ "title": "A big order" }));
        patch(&second.browser, &grant, &json!({ "valid_until": "2999-01-01T00:00:00Z" }));
        let titled = page();
        assert_eq!(assigners(&titled), ["root", "root"], "the role, and the role assignment");
        assert!(titled.contains("A big order") && !titled.contains(">second<"), "{titled}");

        // An added role is assigned by the user who added it; the other roles keep their assigners.
        patch(&second.browser, &grant, &json!({ "roles": ["AUDITOR", "OPERATOR", "VIEWER"] }));
        assert_eq!(assigners(&page()), ["root", "second", "root"], "AUDITOR, then the two earlier roles");
        // A role that was removed in between is assigned by the user who assigned it again.
        patch(&second.browser, &grant, &json!({ "roles": ["VIEWER"] }));
        patch(&second.browser, &grant, &json!({ "roles": ["OPERATOR", "VIEWER"] }));
        assert_eq!(assigners(&page()), ["root", "second", "root"], "OPERATOR, then VIEWER");
        assert!(root.browser.delete(&grant).status < 300);
        let again = second.browser.post_json("/v1/role-assignments", &body);
        assert_eq!((again.status, &again.json()["id"]), (201, &given.json()["id"]), "the same role assignment");
        assert_eq!(assigners(&page()), ["root", "second"]);
    }

    fn a_role_assignment_is_returned_as_of_instants_around_three_changes(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let second = administrator(server, &root, "second");
        let clerk = delegate(server, &root, "clerk", "order");
        let cook = delegate(server, &root, "cook", "meal");
        let before = instant(server);
        let body = json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["VIEWER"] });
        let given = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!(given.status, 201, "{}", given.text());
        let grant = format!("/v1/role-assignments/{}", given.json()["id"].as_str().expect("an id"));
        let viewer = instant(server);
        patch(&second.browser, &grant, &json!({ "roles": ["OPERATOR"] }));
        let operator = instant(server);
        assert!(root.browser.delete(&grant).status < 300);
        let after = instant(server);

        // A user who manages only resources sees IDs, but no names.
        for (reader, sees_names) in [(&root.browser, true), (&clerk.browser, false)] {
            let name = |name: &str| if sees_names { json!(name) } else { Value::Null };
            for (when, role, by) in [(viewer, "VIEWER", "root"), (operator, "OPERATOR", "second")] {
                let answer = at(reader, &grant, when);
                assert_eq!(answer.status, 200, "{}", answer.text());
                let answer = answer.json();
                assert_eq!((&answer["item"]["data"]["roles"], &answer["item"]["by_username"]), (&json!([role]), &name(by)));
                assert_eq!((&answer["as_of"], &answer["item"]["data"]["user_id"]), (&json!(when.to_rfc3339()), &json!(ada.id)));
            }
            for when in [before, after] {
                assert_eq!(at(reader, &grant, when).status, 404, "not assigned yet, or deleted");
            }
            assert_invalid_instants_are_refused(reader, &grant);
        }
        assert_eq!(at(&cook.browser, &grant, viewer).status, 404, "not permitted, as for the current state");
        assert_eq!(at(&ada.browser, &grant, viewer).status, 403);
    }

    fn a_resource_is_returned_as_of_instants_around_three_changes(server) {
        let root = server.administrator();
        let second = administrator(server, &root, "second");
        let clerk = delegate(server, &root, "clerk", "order");
        let cook = delegate(server, &root, "cook", "meal");
        let resource_path = "/v1/resources/order/17";
        let before = instant(server);
        let put = root.browser.request("PUT", resource_path).json(&json!({ "title": "Order" })).send();
        assert_eq!(put.status, 201, "{}", put.text());
        let first = instant(server);
        let tag = put.header("etag").expect("a tag").to_owned();
        let change = json!({ "title": "A big order", "attributes": { "owner": "ada" } });
        let put = second.browser.request("PUT", resource_path).header("If-Match", &tag).json(&change).send();
        assert_eq!(put.status, 200, "{}", put.text());
        let bigger = instant(server);
        assert_eq!(root.browser.delete(resource_path).status, 204);
        let after = instant(server);

        // A user who manages only resources sees IDs, but no names.
        for (reader, sees_names) in [(&root.browser, true), (&clerk.browser, false)] {
            let name = |name: &str| if sees_names { json!(name) } else { Value::Null };
            for (when, title, attributes, by) in [
                (first, "Order", json!({}), "root"), (bigger, "A big order", json!({ "owner": "ada" }), "second"),
            ] {
                let answer = at(reader, resource_path, when);
                assert_eq!(answer.status, 200, "{}", answer.text());
                let answer = answer.json();
                assert_eq!((&answer["item"]["data"]["title"], &answer["item"]["data"]["attributes"]), (&json!(title), &attributes));
                assert_eq!((&answer["as_of"], &answer["item"]["by_username"]), (&json!(when.to_rfc3339()), &name(by)));
            }
            for when in [before, after] {
                assert_eq!(at(reader, resource_path, when).status, 404, "not registered yet, or deleted");
            }
            assert_invalid_instants_are_refused(reader, resource_path);
        }
        assert_eq!(at(&cook.browser, resource_path, first).status, 403, "not permitted, as for the current state");
    }
}
