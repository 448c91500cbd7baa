//! Pages of a search: each candidate appears once, in order; an expensive page is cut short.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    DecisionClient, PolicyFolder, asked, assign_global_roles, assign_roles, on_both_with_policies,
    register, write,
};

fn policies() -> PolicyFolder {
    PolicyFolder::of(
        r#"
        permit (principal is User, action == Action::"view", resource is order) when { context.resource_roles.contains("VIEWER") };
        permit (principal in Role::"clerk", action == Action::"list", resource is order);
        permit (principal is User, action == Action::"open", resource is order) when { resource has open && resource.open };
        "#,
    )
}

/// Reads all pages of a search with a page size; returns the names in order, and the number of pages.
fn all_pages(
    decision_client: &DecisionClient,
    kind: &str,
    request: &Value,
    limit: usize,
) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let mut request = request.clone();
        request["page"] = json!({ "limit": limit, "token": token });
        let answer = decision_client.post(&format!("/access/v1/search/{kind}"), &request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        let results = answer["results"].as_array().expect("results");
        assert!(results.len() <= limit);
        assert_eq!(answer["page"]["count"], results.len());
        let name = |result: &Value| {
            result
                .get("id")
                .or_else(|| result.get("name"))
                .and_then(Value::as_str)
                .expect("a name")
                .to_owned()
        };
        names.extend(results.iter().map(name));
        pages += 1;
        answer["page"]["next_token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut token);
        if token.is_empty() {
            return (names, pages);
        }
        assert!(pages < 50, "it ends");
    }
}

on_both_with_policies! { policies();
    fn evaluation_and_search_need_separate_scopes(server) {
        server.administrator();
        let (evaluation, search) = ("/access/v1/evaluation", "/access/v1/search/");
        let request = asked("root", "view", "order:7");
        let status = |scope: &str, path: &str| {
            let (id, secret) = server.client(&[scope]);
            server.browser().request("POST", path).without_same_origin().basic(&id, &secret).json(&request).send().status
        };
        let (may_ask, may_search) = ("access:evaluate", "access:search");
        assert_eq!((status(may_ask, evaluation), status(may_ask, "/access/v1/evaluations")), (200, 200));
        assert_eq!((status(may_search, evaluation), status(may_search, "/access/v1/evaluations")), (403, 403));
        for kind in ["subject", "resource", "action"] {
            let path = format!("{search}{kind}");
            assert_eq!((status(may_ask, &path), status(may_search, &path)), (403, 200), "{kind}");
        }
    }

    fn every_candidate_is_returned_once_for_any_page_size(server) {
        let root = server.administrator();
        let people: Vec<_> = ["ada", "bob", "eve", "kay"].into_iter().map(|name| server.create_user(&root, name)).collect();
        for person in &people[..3] {
            assign_global_roles(server, person, &["clerk"]);
        }
        for id in ["1", "2", "3", "ä/4", "5"] {
            register(server, &format!("order:{id}"), &json!({ "open": id != "2" }));
        }
        for id in ["2", "ä/4", "6", "7", "8"] {
            assign_roles(server, &people[0], &format!("order:{id}"), if id == "7" { &["OTHER"] } else { &["VIEWER"] });
        }
        let decision_client = DecisionClient::of(server);
        let order = |id: &str| json!({ "type": "order", "id": id });
        let subjects = json!({ "subject": { "type": "user" }, "action": { "name": "list" }, "resource": order("1") });
        let ada = json!({ "type": "user", "id": "ada" });
        let held = json!({ "subject": ada, "action": { "name": "view" }, "resource": { "type": "order" } });
        let open = json!({ "subject": { "type": "user", "id": "kay" }, "action": { "name": "open" }, "resource": { "type": "order" } });
        let actions = json!({ "subject": ada, "resource": order("ä/4") });
        for (kind, request, wanted) in [
            ("subject", &subjects, vec!["ada", "bob", "eve"]),
            ("resource", &held, vec!["2", "6", "8", "ä/4"]),
            ("resource", &open, vec!["1", "3", "5", "ä/4"]),
            ("action", &actions, vec!["list", "open", "view"]),
        ] {
            // AuthZEN Authorization API 1.0 §8.3: a client that reads a stream learns first whether more follows.
            let answer = decision_client.post(&format!("/access/v1/search/{kind}"), request).text();
            assert!(answer.starts_with("{\"page\":{"), "{kind}: {answer}");
            let (whole, pages) = all_pages(&decision_client, kind, request, 100);
            assert_eq!(pages, 1, "{kind}");
            for limit in [1, 2, 3] {
                let (paged, pages) = all_pages(&decision_client, kind, request, limit);
                assert_eq!(paged, whole, "{kind}, {limit} a page");
                assert!(pages > 1 || limit == 3, "{kind}");
            }
            let mut sorted = whole;
            sorted.sort();
            assert_eq!(sorted, wanted, "{kind}");
        }
        let mut request = subjects.clone();
        for token in ["!", "eA", "cjE"] {
            request["page"] = json!({ "token": token });
            assert_eq!(decision_client.post("/access/v1/search/subject", &request).status, 400, "{token}");
        }
    }

    fn deleted_and_expired_role_assignments_are_not_found(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        // A policy on the global role would permit each resource that is evaluated.
        assign_global_roles(server, &ada, &["clerk"]);
        let give = |id: &str, until: Value| {
            let body = json!({ "user": "ada", "resource_type": "order", "resource_id": id, "roles": ["VIEWER"], "valid_until": until });
            let given = root.browser.post_json("/v1/role-assignments", &body);
            assert_eq!(given.status, 201, "{}", given.text());
            format!("/v1/role-assignments/{}", given.json()["id"].as_str().expect("an id"))
        };
        let in_a_minute = server.clock.now().after(Duration::from_secs(60)).to_rfc3339();
        let in_an_hour = server.clock.now().after(Duration::from_secs(3_600)).to_rfc3339();
        give("6", Value::Null);
        let deleted = give("7", Value::Null);
        give("8", json!(in_a_minute));
        give("9", json!(in_an_hour));
        let decision_client = DecisionClient::of(server);
        let request = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "list" }, "resource": { "type": "order" } });
        assert_eq!(decision_client.search("resource", &request), ["6", "7", "8", "9"]);
        assert!(root.browser.delete(&deleted).status < 300);
        server.advance_clock(61);
        assert_eq!(decision_client.search("resource", &request), ["6", "9"]);
        // Registered resources are evaluated, whatever roles the user has on them.
        register(server, "order:7", &json!({}));
        assert_eq!(decision_client.search("resource", &request), ["6", "7", "9"]);
    }

    fn inactive_subjects_are_not_found(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        assign_global_roles(server, &ada, &["clerk"]);
        let decision_client = DecisionClient::of(server);
        let request = json!({ "subject": { "type": "user" }, "action": { "name": "list" }, "resource": { "type": "order", "id": "1" } });
        assert_eq!(decision_client.search("subject", &request), ["ada"]);
        assert!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status < 300);
        assert!(decision_client.search("subject", &request).is_empty());
    }

    fn an_expensive_search_returns_a_partial_page(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        write(server, move |conn, now| {
            use diesel::prelude::*;
            use doorward::db::schema::resources;
            for number in 0..2_100 {
                diesel::insert_into(resources::table)
                    .values((
                        resources::resource_type.eq("order"),
                        resources::resource_id.eq(format!("{number:05}")),
                        resources::attributes.eq(doorward::db::Json(serde_json::Map::<String, Value>::new())),
                        resources::created_at.eq(now),
                        resources::changed_at.eq(now),
                        resources::version.eq(1_i64),
                        resources::as_of.eq(now),
                    ))
                    .execute(conn)?;
            }
            Ok(())
        });
        assign_roles(server, &ada, "order:02099", &["VIEWER"]);
        let decision_client = DecisionClient::of(server);
        let request = json!({ "subject": { "type": "user", "id": "ada" }, "action": { "name": "view" }, "resource": { "type": "order" } });
        let first = decision_client.post("/access/v1/search/resource", &request).json();
        assert_eq!(first["results"], json!([]));
        assert_ne!(first["page"]["next_token"], "");
        assert_eq!(all_pages(&decision_client, "resource", &request, 100), (vec!["02099".to_owned()], 2));
    }
}
