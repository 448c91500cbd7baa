//! Assigning, updating, deleting and listing roles.

use doorward::assignments::Assignments;
use serde_json::{Value, json};

use super::{assign_role, assignment, delegating_role, held, holder, order, path, send};
use crate::on_both;

on_both! {
    fn a_role_assignment_is_created_read_updated_deleted_and_created_again(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let mut body = assignment("ADA", "OPERATOR");
        body["roles"] = json!(["OPERATOR", "AUDITOR", "OPERATOR"]);
        body["title"] = json!("  Night shift ");
        let given = root.browser.post_json("/v1/role-assignments", &body);
        let at = path(&given);
        assert_eq!((given.header("location"), given.header("etag")), (Some(at.as_str()), Some("\"1\"")));
        let shown = given.json();
        assert_eq!(shown["roles"], json!(["AUDITOR", "OPERATOR"]));
        assert_eq!((shown["title"].clone(), shown["user_id"].clone()), (json!("Night shift"), json!(ada.id)));
        assert_eq!((shown["by_user"].clone(), shown["version"].clone()), (json!(root.id), json!(1)));
        assert_eq!(root.browser.get(&at).json(), shown);
        let unchanged = root.browser.request("GET", &at).header("If-None-Match", "\"1\"").send();
        assert_eq!(unchanged.status, 304);
        assert_eq!(held(server, &server.app, &ada), ["AUDITOR", "OPERATOR"]);

        assert_eq!(root.browser.patch_json(&at, &json!({ "roles": ["OPERATOR"] })).status, 428);
        let change = |version: &str, body: Value| root.browser.request("PATCH", &at).header("If-Match", version).json(&body).send();
        assert_eq!(change("\"7\"", json!({ "roles": ["OPERATOR"] })).status, 412);
        let changed = change("\"1\"", json!({ "roles": ["OPERATOR"], "title": null, "validUntil": "2126-01-01T00:00:00Z" }));
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text());
        assert_eq!((changed.json()["title"].clone(), changed.json()["valid_until"].clone()), (json!(null), json!("2126-01-01T00:00:00.000000Z")));
        assert_eq!(change("\"2\"", json!({ "roles": ["OPERATOR"] })).header("etag"), Some("\"2\""), "the same is no new version");
        assert_eq!(held(server, &server.app, &ada), ["OPERATOR"]);

        let cut = root.browser.delete(&format!("{at}?reason=left%20the%20team"));
        assert_eq!((cut.status, cut.json()["roles"].clone()), (200, json!(["OPERATOR"])));
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new());
        assert_eq!(root.browser.get(&at).status, 404);
        assert_eq!(change("\"3\"", json!({ "roles": ["OPERATOR"] })).status, 404);
        let again = root.browser.delete(&at);
        assert_eq!((again.status, again.json()["roles"].clone()), (200, json!([])), "may be repeated");

        let given = assign_role(&root, &ada.id, "OPERATOR");
        assert_eq!((path(&given), given.header("etag")), (at, Some("\"4\"")), "the same role assignment");
        let events = root.browser.get("/v1/audit-events?action=role_assignment.").json();
        let events = events["items"].as_array().expect("events").clone();
        let actions: Vec<&str> = events.iter().filter_map(|event| event["action"].as_str()).collect();
        assert_eq!(actions, ["role_assignment.created", "role_assignment.deleted", "role_assignment.updated", "role_assignment.created"]);
        assert_eq!((events[1]["reason"].clone(), events[1]["subject"].clone()), (json!("left the team"), json!(ada.id)));
        assert_eq!(events[1]["details"]["roles"], json!({ "before": ["OPERATOR"], "after": [] }));
        assert_eq!(events[1]["details"]["resource_id"], "17");
    }

    fn a_second_assignment_on_one_resource_is_refused_and_names_the_first(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let first = assign_role(&root, "ada", "OPERATOR");
        let second = assign_role(&root, "ada", "AUDITOR");
        assert_eq!((second.status, second.problem_type()), (409, "urn:doorward:problem:role-assignment-exists".into()));
        assert_eq!(second.json()["role_assignment"], first.json()["id"]);
        let mut other = assignment("ada", "AUDITOR");
        other["resource_id"] = json!("18");
        assert_eq!(root.browser.post_json("/v1/role-assignments", &other).status, 201);
    }

    fn an_assignment_expires_and_is_renewed_under_the_same_id(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let mut body = assignment("ada", "OPERATOR");
        body["valid_until"] = json!(server.clock.now().after(std::time::Duration::from_secs(120)).to_rfc3339());
        let given = root.browser.post_json("/v1/role-assignments", &body);
        let at = path(&given);
        assert_eq!(held(server, &server.app, &ada), ["OPERATOR"]);
        server.advance_clock(121);
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new());
        assert_eq!(root.browser.get("/v1/role-assignments").json()["items"], json!([]));
        assert_eq!(root.browser.get(&at).status, 200, "it may still be prolonged");
        let again = assign_role(&root, "ada", "OPERATOR");
        assert_eq!((path(&again), again.json()["valid_until"].clone()), (at, json!(null)));
        body["resource_id"] = json!("18");
        let past = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!((past.status, past.json()["field"].clone()), (400, json!("valid_until")));
    }

    fn an_invalid_role_assignment_is_refused_with_its_field(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let many: Vec<String> = (0..65).map(|number| format!("r{number}")).collect();
        for (field, value) in [
            ("resource_type", json!("User")), ("resource_type", json!("a b")), ("resource_type", json!("")),
            ("resource_id", json!("")), ("resource_id", json!("a\nb")), ("resource_id", json!("x".repeat(257))),
            ("roles", json!([])), ("roles", json!(["a b"])), ("roles", json!([""])), ("roles", json!(many)),
            ("title", json!("x".repeat(201))), ("title", json!("a\u{202E}b")), ("description", json!("x".repeat(2001))),
            ("valid_until", json!("tomorrow")), ("valid_until", json!("2001-01-01T00:00:00Z")),
        ] {
            let mut body = assignment("ada", "OPERATOR");
            body[field] = value.clone();
            let refused = root.browser.post_json("/v1/role-assignments", &body);
            assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!(field)), "{value}");
        }
        for body in [json!({}), json!([]), json!({ "user": "ada", "resource_type": "order", "resource_id": "17", "roles": "OPERATOR" })] {
            assert_eq!(root.browser.post_json("/v1/role-assignments", &body).status, 400, "{body}");
        }
        for unknown_user in ["nobody", "a b", "", &uuid::Uuid::new_v4().to_string()] {
            assert_eq!(assign_role(&root, unknown_user, "OPERATOR").status, 404, "{unknown_user}");
        }
        for query in ["?resource_id=17", "?resource_type=User", "?role=a%20b", "?after=x", "?limit=0", "?limit=201", "?unknown=1"] {
            assert_eq!(root.browser.get(&format!("/v1/role-assignments{query}")).status, 400, "{query}");
        }
        let id = uuid::Uuid::new_v4();
        for (method, status) in [("GET", 404), ("PATCH", 404), ("DELETE", 404), ("PUT", 405)] {
            for id in [id.to_string(), "x".into()] {
                let answer = root.browser.request(method, &format!("/v1/role-assignments/{id}")).header("If-Match", "\"1\"").json(&json!({})).send();
                assert_eq!(answer.status, status, "{method} {id}");
            }
        }
    }

    fn suspended_and_invited_users_may_hold_roles(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        root.browser.post_json("/v1/invitations", &json!({ "username": "new" }));
        for name in ["ada", "new"] {
            assert_eq!(assign_role(&root, name, "OPERATOR").status, 201, "{name}");
        }
    }

    fn lists_are_filtered_and_paged(server) {
        let root = server.administrator();
        for name in ["ada", "bob", "eve"] {
            server.create_user(&root, name);
            assign_role(&root, name, if name == "bob" { "AUDITOR" } else { "OPERATOR" });
        }
        let mut folder = assignment("ada", "OPERATOR");
        folder["resource_type"] = json!("Shop::folder");
        folder["resource_id"] = json!("a/b \"%\" ü");
        assert_eq!(root.browser.post_json("/v1/role-assignments", &folder).status, 201);
        let count = |query: &str| {
            let found = root.browser.get(&format!("/v1/role-assignments{query}")).json();
            found["items"].as_array().expect("a list").len()
        };
        for (query, expected) in [
            ("", 4), ("?user=ada", 2), ("?user=nobody", 0), ("?role=OPERATOR", 3), ("?role=operator", 0),
            ("?resource_type=order", 3), ("?resource_type=order&resource_id=17&role=AUDITOR", 1),
            ("?resource_type=Shop::folder&resource_id=a/b%20%22%25%22%20%C3%BC", 1), ("?resource_type=Shop", 0),
        ] {
            assert_eq!(count(query), expected, "{query}");
        }
        for (first, all) in [("?limit=1", 4), ("?limit=1&resource_type=order&resource_id=17", 3)] {
            let mut seen = std::collections::BTreeSet::new();
            let mut after = String::new();
            loop {
                let page = root.browser.get(&format!("/v1/role-assignments{first}{after}")).json();
                for assignment in page["items"].as_array().expect("a list") {
                    assert!(seen.insert(assignment["id"].to_string()), "{first}");
                }
                match page["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(seen.len(), all, "{first}");
        }
    }

    fn users_see_their_own_assignments_and_clients_what_their_scopes_allow(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let given = assign_role(&root, "ada", "OPERATOR");
        let own = ada.browser.get("/v1/users/ada/roles").json();
        assert_eq!((own["roles"].clone(), own["next"].clone()), (json!([]), json!(null)));
        assert_eq!(own["role_assignments"], json!([given.json()]));
        assert_eq!(ada.browser.get("/v1/users/ada/roles?resource_type=order&resource_id=18").json()["role_assignments"], json!([]));
        for path in ["/v1/role-assignments", "/v1/users/root/roles", &path(&given), "/v1/resources/order/17/role-assignments"] {
            assert_eq!(ada.browser.get(path).status, 403, "{path}");
            assert_eq!(server.browser().get(path).status, 401, "{path}");
        }
        assert_eq!(assign_role(&ada, "ada", "ADMIN").status, 403);
        assert_eq!(ada.browser.delete(&path(&given)).status, 403);

        let people = server.client(&["users:read"]);
        let reader = server.client(&["role-assignments:read"]);
        let writer = server.client(&["role-assignments:write"]);
        let get = |client, path: &str| send(server, client, "GET", path, &json!({}));
        assert_eq!(get(&people, "/v1/users/ada/roles").json(), json!({ "roles": [], "next": null }));
        let refused = get(&people, "/v1/users/ada/roles?resource_type=order");
        assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("role-assignments:read")));
        let seen = get(&reader, "/v1/users/ada/roles").json();
        assert_eq!((seen.get("roles"), seen["role_assignments"].as_array().map(Vec::len)), (None, Some(1)));
        assert_eq!(get(&writer, "/v1/users/ada/roles").status, 403);
        assert_eq!(get(&reader, "/v1/users/nobody/roles").status, 404);
        assert_eq!(get(&reader, "/v1/role-assignments").status, 200);
        assert_eq!(send(server, &reader, "POST", "/v1/role-assignments", &assignment("ada", "X")).status, 403);
        assert_eq!(send(server, &reader, "DELETE", &path(&given), &json!({})).status, 403);
        assert_eq!(send(server, &writer, "DELETE", &path(&given), &json!({})).status, 200);
        let again = send(server, &writer, "POST", "/v1/role-assignments", &assignment("ada", "X"));
        assert_eq!((again.status, again.json()["by_client"].clone()), (201, json!(writer.0)));
    }

    fn an_administrator_needs_a_recent_sign_in_to_write(server) {
        let mut root = server.administrator();
        let given = assign_role(&root, "root", "OPERATOR");
        server.advance_clock(400);
        for (method, path, body) in [
            ("POST", "/v1/role-assignments".to_owned(), assignment("root", "X")),
            ("PATCH", path(&given), json!({ "roles": ["X"] })),
            ("DELETE", path(&given), json!({})),
            ("PUT", "/v1/resources/order/17".into(), json!({})),
            ("DELETE", "/v1/resources/order/17".into(), json!({})),
        ] {
            let stale = root.browser.request(method, &path).header("If-Match", "\"1\"").json(&body).send();
            assert_eq!(stale.problem_type(), "urn:doorward:problem:step-up-needed", "{method} {path}");
        }
        assert_eq!(root.browser.get("/v1/role-assignments").status, 200);
        assert_eq!(root.step_up().status, 200);
        assert_eq!(root.browser.delete(&path(&given)).status, 200);
    }

    fn a_deletion_is_effective_on_other_instances_and_stale_copies_are_ignored(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let second = server.another_instance();
        let elsewhere = root.browser.at_port(server.port(second));
        let at = path(&assign_role(&root, "ada", "OPERATOR"));
        assert_eq!(held(server, &server.app, &ada), ["OPERATOR"]);
        let key = Assignments::held_roles_key(ada.id.parse().expect("an id"), &order());
        let copy = server.run(server.app.ephemeral.get(&[&key])).expect("a result");
        let copy = copy.into_iter().next().flatten().expect("a copy");
        assert!(copy.contains("OPERATOR"));
        // Withdrawn at the other instance, while the store returns the old copy.
        assert_eq!(elsewhere.delete(&at).status, 200);
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new());
        let life = std::time::Duration::from_secs(60);
        server.run(server.app.ephemeral.put(&key, &copy, life)).expect("stored");
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new(), "the stale copy is ignored");
        // And the reverse.
        assert_eq!(elsewhere.post_json("/v1/role-assignments", &assignment("ada", "AUDITOR")).status, 201);
        assert_eq!(held(server, &server.app, &ada), ["AUDITOR"]);
    }

    fn a_cached_empty_result_is_invalidated_by_an_assignment(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new());
        assert_eq!(held(server, &server.app, &ada), Vec::<String>::new());
        assign_role(&root, "ada", "OPERATOR");
        assert_eq!(held(server, &server.app, &ada), ["OPERATOR"]);
    }

    fn an_app_with_a_delegates_token_cannot_manage_assignments(server) {
        let root = server.administrator();
        delegating_role(server, "clerk", &["order"]);
        let clerk = holder(server, &root, "clerk", "clerk");
        let app = server.client(&["role-assignments:write", "role-assignments:read"]);
        let author = server.acting_through(&clerk, &app.0);
        let terms = doorward::assignments::RoleAssignmentTerms {
            roles: doorward::assignments::AssignedRoles::parse(&["X"]).expect("roles"),
            title: None, description: None, valid_until: None,
        };
        let given = server.app.assignments.assign(clerk.id.parse().expect("an id"), order(), terms, author);
        assert!(matches!(server.run(given), Err(doorward::assignments::RoleAssignmentError::NotPermitted)));
    }
}
