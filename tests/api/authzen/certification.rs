//! The AuthZEN certification scenario at every level: Basic, Batch, Search (core and properties each), Discovery.

use serde_json::{Value, json};

use super::{
    DecisionClient, PolicyFolder, asked, assign_global_roles, on_both_with_policies, register,
};
use crate::support::test_server::TestServer;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

fn fixture(server: &TestServer) -> DecisionClient {
    let root = server.administrator();
    let (alice, bob) = (
        server.create_user(&root, "alice"),
        server.create_user(&root, "bob"),
    );
    assign_global_roles(server, &alice, &["records-reader", "records-editor"]);
    assign_global_roles(server, &bob, &["records-reader", "records-archivist"]);
    register(server, "record:record-1", &json!({ "status": "active" }));
    register(server, "record:record-2", &json!({ "status": "archived" }));
    DecisionClient::of(server)
}

fn with(mut request: Value, of: &str, properties: Value) -> Value {
    request[of]["properties"] = properties;
    request
}

fn decisions(answer: &Value) -> Vec<bool> {
    let answers = answer["evaluations"].as_array().expect("evaluations");
    let decision = |answer: &Value| answer["decision"].as_bool().expect("a decision");
    answers.iter().map(decision).collect()
}

on_both_with_policies! { PolicyFolder::example("certification");
    fn evaluation_passes_the_certification_cases(server) {
        let decision_client = fixture(server);
        for (subject, action, permitted) in [
            ("alice", "read", true), ("alice", "write", true), ("bob", "read", true), ("bob", "write", false),
        ] {
            for _ in 0..3 {
                assert_eq!(decision_client.decision(&asked(subject, action, "record:record-1")), permitted, "{subject} {action}");
            }
        }
        let mut request = asked("alice", "read", "record:record-1");
        request["context"] = json!({ "time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1" });
        request["foo"] = json!("bar");
        request["futureField"] = json!({ "nested": true });
        assert!(decision_client.decision(&request));
        let archived = json!({ "status": "archived" });
        let write = |subject: &str| with(asked(subject, "write", "record:record-2"), "resource", archived.clone());
        assert!(!decision_client.decision(&write("alice")));
        assert!(decision_client.decision(&with(write("bob"), "subject", json!({ "role": "admin" }))));
        let delete = |soft: bool| with(asked("alice", "delete", "record:record-1"), "action", json!({ "soft": soft }));
        assert!(decision_client.decision(&delete(true)) && !decision_client.decision(&delete(false)));
        let more = with(asked("alice", "read", "record:record-1"), "subject", json!({ "department": "Sales", "role": "manager" }));
        let more = with(more, "action", json!({ "method": "GET" }));
        assert!(decision_client.decision(&with(more, "resource", json!({ "status": "active", "owner": "bob" }))));
    }

    fn malformed_evaluation_requests_are_refused(server) {
        let decision_client = fixture(server);
        let whole = asked("alice", "read", "record:record-1");
        let mut bad = Vec::new();
        for (of, names) in [("subject", vec!["", "type", "id"]), ("action", vec!["", "name"]), ("resource", vec!["", "type", "id"])] {
            for name in names {
                for value in [None, Some(json!(123)), Some(json!(null)), Some(json!([]))] {
                    let mut request = whole.clone();
                    let member = if name.is_empty() { &mut request } else { &mut request[of] };
                    let name = if name.is_empty() { of } else { name };
                    let member = member.as_object_mut().expect("an object");
                    match value {
                        Some(value) => member.insert(name.to_owned(), value),
                        None => member.remove(name),
                    };
                    bad.push(request);
                }
            }
        }
        bad.push(json!({ "subject": "alice", "action": { "name": "read" }, "resource": { "type": "record", "id": "record-1" } }));
        for request in bad {
            let answer = decision_client.post(EVALUATION, &request);
            assert_eq!(answer.status, 400, "{request}: {}", answer.text());
            assert!(answer.header("content-type").unwrap_or_default().starts_with("text/plain"));
            assert!(!answer.text().is_empty() && !answer.text().starts_with('{'));
        }
        let text = whole.to_string();
        for (body, kind) in [
            ("", "application/json"), ("{", "application/json"), ("[]", "application/json"), ("null", "application/json"),
            (text.as_str(), "text/plain"), (text.as_str(), "application/x-www-form-urlencoded"),
        ] {
            assert_eq!(decision_client.post_text(EVALUATION, body, kind).status, 400, "{body} {kind}");
        }
        assert_eq!(decision_client.post_text(EVALUATION, &text, "application/json; charset=utf-8").status, 200);
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            assert_eq!(decision_client.browser.request(method, EVALUATION).send().status, 405, "{method}");
        }
    }

    fn the_request_id_header_is_echoed(server) {
        let decision_client = fixture(server);
        let request = asked("alice", "read", "record:record-1");
        let send = |id: &str, body: &Value| {
            let sent = decision_client.browser.request("POST", EVALUATION).without_same_origin().basic(&decision_client.id, &decision_client.secret);
            sent.header("X-Request-ID", id).json(body).send()
        };
        for id in ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any text: at = all"] {
            assert_eq!(send(id, &request).header("x-request-id"), Some(id));
            assert_eq!(send(id, &json!({})).header("x-request-id"), Some(id));
        }
        assert!(decision_client.post(EVALUATION, &request).header("x-request-id").is_some_and(|id| !id.is_empty()));
    }

    fn batch_evaluation_passes_the_certification_cases(server) {
        let decision_client = fixture(server);
        let ask = |request: &Value| {
            let answer = decision_client.post(EVALUATIONS, request);
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        };
        let record = |id: &str, status: &str| json!({ "resource": { "type": "record", "id": id, "properties": { "status": status } } });
        let alice = json!({ "type": "user", "id": "alice" });
        let bob = json!({ "type": "user", "id": "bob" });
        let first = json!({ "type": "record", "id": "record-1" });
        let two_actions = json!([{ "action": { "name": "read" } }, { "action": { "name": "write" } }]);
        let answer = ask(&json!({ "subject": bob, "resource": first, "evaluations": two_actions }));
        assert_eq!(decisions(&answer), [true, false]);
        assert!(answer.get("decision").is_none());
        let both = json!([record("record-1", "active"), record("record-2", "archived")]);
        let answer = ask(&json!({ "subject": alice, "action": { "name": "write" }, "evaluations": both }));
        assert_eq!(decisions(&answer), [true, false]);
        let answer = ask(&json!({
            "action": { "name": "write" }, "resource": record("record-2", "archived")["resource"],
            "evaluations": [{ "subject": alice }, { "subject": { "type": "user", "id": "bob", "properties": { "role": "admin" } } }],
        }));
        assert_eq!(decisions(&answer), [false, true]);
        let answer = ask(&json!({ "evaluations": [asked("alice", "read", "record:record-1"), asked("bob", "write", "record:record-1")] }));
        assert_eq!(decisions(&answer), [true, false]);
        let answer = ask(&json!({
            "subject": alice, "action": { "name": "read" }, "context": { "time": "x" },
            "evaluations": [{ "resource": first }, { "resource": first, "context": { "source": "override" } }],
        }));
        assert_eq!(decisions(&answer), [true, true]);
        // Defaults are replaced as a whole: neither properties nor context are merged.
        let answer = ask(&json!({
            "subject": alice, "action": { "name": "write" }, "resource": { "type": "record", "properties": { "status": "archived" } },
            "evaluations": [
                { "resource": { "id": "record-1", "properties": { "status": "active" } } },
                { "resource": { "type": "record", "id": "record-2", "properties": { "status": "archived" } } },
                { "resource": { "id": "record-1" } },
            ],
        }));
        assert_eq!(decisions(&answer), [true, false, true]);
        let answer = ask(&json!({ "subject": alice, "action": { "name": "read" }, "evaluations": [{ "resource": first }, {}, 5] }));
        assert_eq!(decisions(&answer), [true, false, false]);
        assert_eq!(answer["evaluations"][1]["context"]["error"]["status"], 400);
        for none in [json!(null), json!([])] {
            let mut request = asked("alice", "read", "record:record-1");
            request["evaluations"] = none;
            assert_eq!(ask(&request), json!({ "decision": true }));
        }
        assert_eq!(ask(&asked("alice", "read", "record:record-1")), json!({ "decision": true }));
    }

    fn a_batch_stops_as_its_semantic_says(server) {
        let decision_client = fixture(server);
        let items = json!([{ "action": { "name": "read" } }, { "action": { "name": "write" } }, {}, { "action": { "name": "read" } }]);
        let ask = |semantic: Value| decision_client.post(EVALUATIONS, &json!({
            "subject": { "type": "user", "id": "bob" }, "resource": { "type": "record", "id": "record-1" },
            "options": { "evaluations_semantic": semantic, "another": 1 }, "evaluations": items,
        }));
        for (semantic, wanted) in [
            ("execute_all", vec![true, false, false, true]),
            ("deny_on_first_deny", vec![true, false]),
            ("permit_on_first_permit", vec![true]),
        ] {
            assert_eq!(decisions(&ask(json!(semantic)).json()), wanted, "{semantic}");
        }
        for bad in [json!("first_come"), json!(1)] {
            assert_eq!(ask(bad).status, 400);
        }
        for bad in [json!({ "evaluations": {} }), json!({ "evaluations": [{}], "options": 1 }), json!({ "evaluations": [{}], "subject": 1 })] {
            assert_eq!(decision_client.post(EVALUATIONS, &bad).status, 400, "{bad}");
        }
    }

    fn searches_pass_the_certification_cases(server) {
        let decision_client = fixture(server);
        let record = |id: &str| json!({ "type": "record", "id": id });
        let archived = json!({ "type": "record", "id": "record-2", "properties": { "status": "archived" } });
        let admin = json!({ "type": "user", "id": "bob", "properties": { "role": "admin" } });
        let alice = json!({ "type": "user", "id": "alice" });
        let any_user = json!({ "type": "user" });
        let read = json!({ "name": "read" });
        let write = json!({ "name": "write" });
        let context = json!({ "ip": "192.168.1.1" });
        for (kind, request, wanted) in [
            ("subject", json!({ "subject": any_user, "action": read, "resource": record("record-1") }), vec!["alice", "bob"]),
            ("subject", json!({ "subject": { "type": "user", "id": "x" }, "action": read, "resource": record("record-1"), "context": context }), vec!["alice", "bob"]),
            ("subject", json!({ "subject": any_user, "action": write, "resource": archived }), vec!["bob"]),
            ("resource", json!({ "subject": alice, "action": read, "resource": { "type": "record" } }), vec!["record-1", "record-2"]),
            ("resource", json!({ "subject": alice, "action": write, "resource": { "type": "record", "id": "x" } }), vec!["record-1"]),
            ("resource", json!({ "subject": admin, "action": write, "resource": { "type": "record" } }), vec!["record-2"]),
            ("action", json!({ "subject": alice, "resource": record("record-1"), "context": context }), vec!["read", "write"]),
            ("action", json!({ "subject": admin, "resource": archived }), vec!["read", "write"]),
            // Unknown subjects and resources are not errors: the result is empty.
            ("action", json!({ "subject": { "type": "user", "id": "nonexistent-user" }, "resource": record("record-1") }), vec![]),
            ("subject", json!({ "subject": { "type": "spaceship" }, "action": read, "resource": record("record-1") }), vec![]),
            ("resource", json!({ "subject": alice, "action": read, "resource": { "type": "spaceship" } }), vec![]),
            ("resource", json!({ "subject": alice, "action": read, "resource": { "type": "no name" } }), vec![]),
            ("action", json!({ "subject": alice, "resource": { "type": "User", "id": "alice" } }), vec![]),
            ("subject", json!({ "subject": any_user, "action": { "name": "" }, "resource": record("record-1") }), vec![]),
        ] {
            assert_eq!(decision_client.search(kind, &request), wanted, "{kind} {request}");
        }
        for (kind, request) in [
            ("subject", json!({ "subject": any_user, "resource": record("record-1") })),
            ("subject", json!({ "subject": any_user, "action": read, "resource": { "type": "record" } })),
            ("resource", json!({ "action": read, "resource": { "type": "record" } })),
            ("resource", json!({ "subject": any_user, "action": read, "resource": { "type": "record" } })),
            ("action", json!({ "subject": alice })),
            ("action", json!({ "subject": any_user, "resource": record("record-1") })),
            ("action", json!({ "subject": alice, "resource": record("record-1"), "page": 7 })),
            ("action", json!({ "subject": alice, "resource": record("record-1"), "context": 7 })),
        ] {
            assert_eq!(decision_client.post(&format!("/access/v1/search/{kind}"), &request).status, 400, "{kind} {request}");
        }
    }

    fn discovery_passes_the_certification_cases(server) {
        let answer = server.browser().get("/.well-known/authzen-configuration");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let base = server.origin();
        assert_eq!(answer.json(), json!({
            "policy_decision_point": base,
            "access_evaluation_endpoint": format!("{base}/access/v1/evaluation"),
            "access_evaluations_endpoint": format!("{base}/access/v1/evaluations"),
            "search_subject_endpoint": format!("{base}/access/v1/search/subject"),
            "search_resource_endpoint": format!("{base}/access/v1/search/resource"),
            "search_action_endpoint": format!("{base}/access/v1/search/action"),
        }));
    }
}
