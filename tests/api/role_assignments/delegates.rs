//! Delegated administration by users with a role that manages role assignments on a type.

use serde_json::json;

use super::{assign_role, assignment, delegating_role, holder, path};
use crate::on_both;

on_both! {
    fn a_delegate_manages_only_role_assignments_on_their_types(server) {
        let root = server.administrator();
        delegating_role(server, "clerk", &["order", "invoice"]);
        let clerk = holder(server, &root, "clerk", "clerk");
        server.create_user(&root, "ada");
        let mut folder = assignment("ada", "OWNER");
        folder["resource_type"] = json!("folder");
        let of_root = root.browser.post_json("/v1/role-assignments", &folder);
        let given = assign_role(&clerk, "ada", "OPERATOR");
        let at = path(&given);
        assert_eq!(given.json()["by_user"], json!(clerk.id));
        // Role assignments that the user manages.
        let listed = clerk.browser.get("/v1/role-assignments").json();
        assert_eq!(listed["items"], json!([given.json()]), "only of their types");
        assert_eq!(clerk.browser.get("/v1/users/ada/roles").json(), json!({ "role_assignments": [given.json()], "next": null }));
        assert_eq!(clerk.browser.get("/v1/resources/order/17/role-assignments").json()["items"].as_array().map(Vec::len), Some(1));
        let changed = clerk.browser.request("PATCH", &at).header("If-Match", "\"1\"").json(&json!({ "roles": ["X"] })).send();
        assert_eq!(changed.status, 200);
        let resource = clerk.browser.request("PUT", "/v1/resources/order/17").json(&json!({ "title": "Order" })).send();
        assert_eq!(resource.status, 201);
        assert_eq!(clerk.browser.get("/v1/resources").json()["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(clerk.browser.delete(&at).status, 200);
        // Not managed: a request that names the type is refused, and an assignment that the user can't see doesn't exist.
        assert_eq!(clerk.browser.post_json("/v1/role-assignments", &folder).status, 403);
        assert_eq!(clerk.browser.get("/v1/role-assignments?resource_type=folder").status, 403);
        assert_eq!(clerk.browser.get("/v1/resources/folder/17/role-assignments").status, 403);
        assert_eq!(clerk.browser.get("/v1/resources?type=folder").status, 403);
        assert_eq!(clerk.browser.request("PUT", "/v1/resources/folder/17").json(&json!({})).send().status, 403);
        assert_eq!(clerk.browser.delete("/v1/resources/folder/17").status, 403);
        let other = path(&of_root);
        assert_eq!(clerk.browser.get(&other).status, 404);
        let change = clerk.browser.request("PATCH", &other).header("If-Match", "\"1\"").json(&json!({ "roles": ["X"] })).send();
        assert_eq!(change.status, 404);
        assert_eq!(clerk.browser.delete(&other).status, 404);
        assert_eq!(root.browser.get(&other).json()["version"], 1);
        assert_eq!(clerk.browser.get("/v1/users/root").status, 403, "they may not see users");
        // The history is visible to the same extent; an unknown ID and an assignment on another type get the same response.
        assert_eq!(clerk.browser.get(&format!("{at}/history")).json()["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(clerk.browser.get("/v1/resources/order/17/history").status, 200);
        assert_eq!(clerk.browser.get("/v1/resources/folder/17/history").status, 403);
        let not_theirs = clerk.browser.get(&format!("{other}/history"));
        let never = clerk.browser.get("/v1/role-assignments/00000000-0000-4000-8000-000000000000/history");
        assert_eq!((not_theirs.status, not_theirs.json()), (403, never.json()));
    }

    fn a_delegate_needs_a_recent_sign_in_and_the_current_role(server) {
        let mut root = server.administrator();
        delegating_role(server, "clerk", &["order"]);
        let mut clerk = holder(server, &root, "clerk", "clerk");
        let at = path(&assign_role(&clerk, "clerk", "OPERATOR"));
        server.advance_clock(400);
        assert_eq!(clerk.browser.delete(&at).problem_type(), "urn:doorward:problem:step-up-needed");
        assert_eq!(clerk.browser.get("/v1/role-assignments").status, 200);
        assert_eq!(clerk.step_up().status, 200);
        assert_eq!(root.step_up().status, 200);
        let etag = root.browser.get("/v1/users/clerk").header("etag").expect("a tag").to_owned();
        let demoted = root.browser.request("PATCH", "/v1/users/clerk").header("If-Match", &etag).json(&json!({ "roles": [] })).send();
        assert_eq!(demoted.status, 200, "{}", demoted.text());
        for answer in [clerk.browser.delete(&at), clerk.browser.get("/v1/role-assignments"), assign_role(&clerk, "clerk", "X")] {
            assert_eq!(answer.status, 403);
        }
        assert_eq!(root.browser.get(&at).status, 200);
    }

    fn a_delegate_sees_only_admin_pages_of_their_types(server) {
        let root = server.administrator();
        delegating_role(server, "clerk", &["order"]);
        let clerk = holder(server, &root, "clerk", "clerk");
        let ada = server.create_user(&root, "ada");
        let mut folder = assignment("ada", "OWNER");
        folder["resource_type"] = json!("folder");
        let other = path(&root.browser.post_json("/v1/role-assignments", &folder)).replace("/v1/", "/admin/");
        for resource in ["/v1/resources/order/17", "/v1/resources/folder/17"] {
            assert_eq!(root.browser.request("PUT", resource).json(&json!({})).send().status, 201);
        }
        let page = |at: &str| {
            let page = clerk.browser.get(at);
            assert_eq!(page.status, 200, "{at}: {}", page.text());
            page.text()
        };
        let start = clerk.browser.get("/admin");
        assert_eq!((start.status, start.header("location")), (303, Some("/admin/resources")));
        let listed = page("/admin/resources");
        assert!(listed.contains(">order:17<") && !listed.contains("folder:17"), "{listed}");
        for absent in ["href=\"/admin/roles\"", "href=\"/admin/clients\"", "href=\"/admin/audit\"", "aria-current=\"page\">People"] {
            assert!(!listed.contains(absent), "{absent}");
        }
        assert!(page("/account").contains("href=\"/admin\""), "the way there");

        // Assigned, starting at the resource.
        let lead = clerk.browser.get("/admin/role-assignments?type=order&id=17&user=ada");
        let given_at = format!("/admin/users/{}/role-assignments", ada.id);
        let form = format!("{given_at}?type=order&id=17");
        assert_eq!((lead.status, lead.header("location")), (303, Some(form.as_str())));
        assert!(page(&form).contains("name=\"resource_id\" type=\"text\" value=\"17\""));
        let unknown = clerk.browser.get("/admin/role-assignments?type=order&id=17&user=nobody");
        assert!(unknown.status == 400 && unknown.text().contains("No one has this username or ID."), "{}", unknown.text());
        let post = |at: &str, fields: &[(&str, &str)]| clerk.browser.submit(at, fields);
        let given = post(&given_at, &[("resource_type", "order"), ("resource_id", "17"), ("roles", "OPERATOR")]);
        assert_eq!(given.status, 303, "{}", given.text());
        let held = root.browser.get("/v1/role-assignments?resource_type=order").json()["items"][0].clone();
        assert_eq!((&held["user_id"], &held["by_user"]), (&json!(ada.id), &json!(clerk.id)));
        let own = format!("/admin/role-assignments/{}", held["id"].as_str().expect("an id"));

        // Visible: the holder is shown by ID, because the clerk doesn't manage Ada.
        let resource = page("/admin/resources/detail?type=order&id=17");
        assert!(resource.contains(&ada.id) && resource.contains("OPERATOR") && !resource.contains(">ada<"), "{resource}");
        let list = page(&given_at);
        assert!(list.contains(">order:17<") && !list.contains("folder:17"), "{list}");
        assert!(root.browser.get(&given_at).text().contains("folder:17"));

        // Updated and deleted.
        assert!(page(&own).contains("OPERATOR"));
        let changed = post(&own, &[("version", "1"), ("roles", "AUDITOR")]);
        assert_eq!((changed.status, changed.header("location")), (303, Some(format!("{given_at}?notice=updated").as_str())));
        let delete = format!("{own}/delete");
        assert!(page(&delete).contains("AUDITOR"));
        let deleted = post(&delete, &[("reason", "left"), ("version", "2")]);
        assert!(deleted.status == 200 && deleted.text().contains("AUDITOR on order:17"), "{}", deleted.text());
        assert_eq!(root.browser.get("/v1/role-assignments?resource_type=order").json()["items"], json!([]));
        let saved = post("/admin/resources/detail", &[("type", "order"), ("id", "18"), ("title", "Another")]);
        assert_eq!(saved.status, 303, "{}", saved.text());

        // Not managed.
        for (at, status) in [
            ("/admin/resources/detail?type=folder&id=17", 403), ("/admin/resources/delete?type=folder&id=17", 403),
            ("/admin/resources?type=folder", 403), ("/admin/role-assignments?type=folder&id=17&user=ada", 403), (other.as_str(), 404),
            (&format!("{other}/delete"), 404), ("/admin/roles", 403), ("/admin/clients", 403), ("/admin/audit", 403),
            (&format!("/admin/users/{}", ada.id), 403), (&format!("/admin/users/{}/access", ada.id), 403),
        ] {
            assert_eq!(clerk.browser.get(at).status, status, "{at}");
        }
        for (at, fields, status) in [
            (given_at.as_str(), &[("resource_type", "folder"), ("resource_id", "1"), ("roles", "X")][..], 403),
            ("/admin/resources/detail", &[("type", "folder"), ("id", "1")], 403),
            ("/admin/resources/delete", &[("type", "folder"), ("id", "17")], 403),
            (&other, &[("version", "1"), ("roles", "X")], 404),
            (&format!("{other}/delete"), &[("reason", "")], 404),
        ] {
            assert_eq!(post(at, fields).status, status, "{at}");
        }
        for at in ["/admin", "/admin/resources", &given_at, "/admin/resources/detail?type=order&id=17"] {
            assert_eq!(ada.browser.get(at).status, 403, "without permission: {at}");
        }
    }

    fn a_delegate_needs_a_recent_sign_in_on_admin_pages(server) {
        let root = server.administrator();
        delegating_role(server, "clerk", &["order"]);
        let clerk = holder(server, &root, "clerk", "clerk");
        let at = path(&assign_role(&clerk, "clerk", "OPERATOR")).replace("/v1/", "/admin/");
        server.advance_clock(400);
        let of_clerk = format!("/admin/users/{}/role-assignments", clerk.id);
        for (at, fields) in [
            (of_clerk.as_str(), &[("resource_type", "order"), ("resource_id", "1"), ("roles", "X")][..]),
            (&at, &[("version", "1"), ("roles", "X")]),
            (&format!("{at}/delete"), &[("reason", ""), ("version", "1")]),
            ("/admin/resources/detail", &[("type", "order"), ("id", "1")]),
        ] {
            let asked = clerk.browser.submit(at, fields);
            assert!(asked.status == 200 && asked.text().contains("Use your passkey again to continue"), "{at}: {}", asked.text());
        }
        let grants = root.browser.get("/v1/role-assignments").json()["items"].clone();
        assert_eq!((grants.as_array().map(Vec::len), &grants[0]["roles"]), (Some(1), &json!(["OPERATOR"])));
        assert_eq!(root.browser.get("/v1/resources").json()["items"], json!([]));
    }
}
