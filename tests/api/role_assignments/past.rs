//! Role assignments at an earlier time.

use std::time::Duration;

use doorward::base::clock::Timestamp;
use serde_json::{Value, json};

use super::{assign_role, assignment, path};
use crate::on_both;
use crate::support::test_server::TestServer;

fn now(server: &TestServer) -> Timestamp {
    let database = server.app.database.clone();
    let asked = server.app.database.read(move |conn| database.now(conn));
    server.run(asked).expect("a result")
}

fn instant(of: &Value) -> Timestamp {
    Timestamp::parse(of["as_of"].as_str().expect("an instant")).expect("an instant")
}

fn query(at: Timestamp) -> String {
    format!("as_of={}", at.to_rfc3339())
}

on_both! {
    fn assignments_are_correct_before_between_and_after_three_changes(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let service = server.client(&["role-assignments:write"]);
        server.advance_clock(10);
        let first = assign_role(&root, "ada", "OPERATOR");
        let at = path(&first);
        server.advance_clock(10);
        let second = server.browser().request("PATCH", &at).without_same_origin().basic(&service.0, &service.1)
            .header("If-Match", "\"1\"").json(&json!({ "roles": ["AUDITOR"] })).send();
        assert_eq!(second.status, 200);
        server.advance_clock(10);
        let before_the_end = now(server);
        server.advance_clock(10);
        assert_eq!(root.browser.delete(&at).status, 200);
        let (one, two) = (instant(&first.json()), instant(&second.json()));
        let micro = Duration::from_micros(1);
        let by_root = |roles: &[&str]| json!([roles, root.id, null]);
        for (when, expected) in [
            (one.before(micro), json!(null)),
            (one, by_root(&["OPERATOR"])),
            (two.before(micro), by_root(&["OPERATOR"])),
            (two, json!([["AUDITOR"], null, service.0])),
            (before_the_end, json!([["AUDITOR"], null, service.0])),
            (now(server), json!(null)),
        ] {
            for path in ["/v1/users/ada/roles".to_owned(), format!("/v1/users/{}/roles", ada.id), "/v1/resources/order/17/role-assignments".into()] {
                let answer = root.browser.get(&format!("{path}?{}", query(when)));
                assert_eq!(answer.status, 200, "{path} {}", answer.text());
                let answer = answer.json();
                let role_assignments = answer.get("role_assignments").or_else(|| answer.get("items")).expect("a list");
                let told = role_assignments.get(0).map_or(json!(null), |assignment| json!([assignment["roles"], assignment["by_user"], assignment["by_client"]]));
                assert_eq!(told, expected, "{path} {when}");
                assert_eq!(answer["as_of"], json!(when.to_rfc3339()));
                assert!(answer["settled"].is_boolean());
            }
        }
    }

    fn expiry_is_evaluated_at_the_requested_instant(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let mut body = assignment("ada", "OPERATOR");
        // Earlier times are compared with the database's clock, which a test can't move, so the assignment ends soon after
        // it was made.
        let end = now(server).max(server.clock.now()).after(Duration::from_secs(3600));
        body["valid_until"] = json!(end.to_rfc3339());
        let given = root.browser.post_json("/v1/role-assignments", &body);
        assert_eq!(given.status, 201);
        server.advance_clock(4000);
        let at = instant(&given.json());
        let then = root.browser.get(&format!("/v1/resources/order/17/role-assignments?{}", query(at))).json();
        assert_eq!(then["items"].as_array().map(Vec::len), Some(1), "it counted then");
        assert_eq!(root.browser.get("/v1/resources/order/17/role-assignments").json()["items"], json!([]), "and no more");
    }

    fn users_are_found_by_their_username_at_the_requested_instant(server) {
        let root = server.administrator();
        let before = now(server);
        server.advance_clock(5);
        let ada = server.create_user(&root, "ada");
        let joined = instant(&root.browser.get("/v1/users/ada").json());
        server.advance_clock(5);
        let etag = root.browser.get("/v1/users/ada").header("etag").expect("a tag").to_owned();
        let change = root.browser.request("PATCH", "/v1/users/ada").header("If-Match", &etag);
        assert_eq!(change.json(&json!({ "username": "countess", "roles": ["admin"] })).send().status, 200);
        let lookup = |ids: Value, at: Option<Timestamp>| {
            let mut body = json!({ "ids": ids });
            if let Some(at) = at {
                body["as_of"] = json!(at.to_rfc3339());
            }
            root.browser.post_json("/v1/users/lookup", &body)
        };
        let then = lookup(json!(["ada", ada.id, "countess", "nobody", "root"]), Some(joined)).json();
        let told = |user: &Value| (user["username"].clone(), user["roles"].clone(), user["status"].clone());
        assert_eq!(then["items"].as_array().map(Vec::len), Some(2), "each one once: {then}");
        assert_eq!(told(&then["items"][0]), (json!("ada"), json!([]), json!("active")));
        let today = lookup(json!(["countess", "ada"]), None).json();
        assert_eq!(told(&today["items"][0]), (json!("countess"), json!(["admin"]), json!("active")));
        assert_eq!((today["items"].as_array().map(Vec::len), today.get("as_of")), (Some(1), None));
        let early = lookup(json!([ada.id, "root"]), Some(before)).json();
        assert_eq!(early["items"].as_array().map(Vec::len), Some(1), "users who did not exist yet are left out");
        assert_eq!(root.browser.get(&format!("/v1/users/{}/roles?{}", ada.id, query(before))).status, 404);
        let roles = root.browser.get(&format!("/v1/users/{}/roles?{}", ada.id, query(joined))).json();
        assert_eq!(roles["roles"], json!([]));
        assert_eq!(root.browser.get("/v1/users/countess/roles").json()["roles"], json!(["admin"]));
    }

    fn future_and_malformed_instants_are_refused(server) {
        let root = server.administrator();
        let ahead = now(server).after(Duration::from_secs(3600)).to_rfc3339();
        for at in [ahead.as_str(), "tomorrow", "2026-01-01", "1901-01-01T00:00:00Z", ""] {
            for path in ["/v1/users/root/roles", "/v1/resources/order/17/role-assignments"] {
                let refused = root.browser.get(&format!("{path}?as_of={at}"));
                assert_eq!((refused.status, refused.json()["parameter"].clone()), (400, json!("as_of")), "{path} {at}");
            }
            let body = json!({ "ids": ["root"], "as_of": at });
            assert_eq!(root.browser.post_json("/v1/users/lookup", &body).status, 400, "{at}");
        }
    }

    fn recent_results_are_not_settled_and_past_results_are_paged(server) {
        let root = server.administrator();
        for number in 0..5 {
            let mut body = assignment("root", "OPERATOR");
            body["resource_id"] = json!(number.to_string());
            assert_eq!(root.browser.post_json("/v1/role-assignments", &body).status, 201);
        }
        let at = now(server);
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = root.browser.get(&format!("/v1/users/root/roles?limit=2&{}{after}", query(at))).json();
            assert_eq!(page["settled"], json!(false));
            let role_assignments = page["role_assignments"].as_array().expect("role assignments").clone();
            seen.extend(role_assignments.iter().map(|assignment| assignment["resource_id"].as_str().expect("an id").to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["0", "1", "2", "3", "4"]);
        let long_ago = at.before(Duration::from_secs(86_400));
        let page = root.browser.get(&format!("/v1/resources/order/1/role-assignments?{}", query(long_ago))).json();
        assert_eq!((page["settled"].clone(), page["items"].clone()), (json!(true), json!([])));
    }
}
