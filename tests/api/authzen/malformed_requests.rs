//! Malformed and hostile requests are denied, or refused within limits, and never cause a server error.

use doorward::base::ids::RoleAssignmentId;
use serde_json::{Value, json};

use super::{DecisionClient, PolicyFolder, asked, assign_roles, on_both_with_policies, register};

const PATHS: [&str; 5] = [
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/access/v1/search/subject",
    "/access/v1/search/resource",
    "/access/v1/search/action",
];

fn policies() -> PolicyFolder {
    PolicyFolder::of(
        r#"
        permit (principal is User, action == Action::"view", resource);
        permit (principal is User, action == Action::"pay", resource);
        forbid (principal, action == Action::"pay", resource) when { context.claimed.context.amount > 100 };
        permit (principal is User, action == Action::"read-size", resource) when { resource.size > 0 };
        permit (principal, action == Action::"escape", resource) when { context.claimed.context.who == User::"root" };
        permit (principal, action == Action::"escape", resource) when { context.claimed.subject has username && principal.username == "root" };
        permit (principal is User, action == Action::"fields", resource) when { context.claimed.context["__entity"].id == "root" };
        "#,
    )
}

fn with_context(action: &str, context: Value) -> Value {
    let mut request = asked("root", action, "order:7");
    request["context"] = context;
    request
}

on_both_with_policies! { policies();
    fn an_error_in_a_policy_denies(server) {
        let root = server.administrator();
        register(server, "order:7", &json!({ "size": "large" }));
        register(server, "order:8", &json!({ "size": 3 }));
        let decision_client = DecisionClient::of(server);
        assert!(decision_client.decision(&with_context("pay", json!({ "amount": 100 }))));
        assert!(decision_client.decision(&with_context("pay", json!({ "amount": 100.0 }))));
        for amount in [json!(101), json!(101.0), json!("1"), json!(null), json!(99.5), json!({}), json!([1])] {
            assert!(!decision_client.decision(&with_context("pay", json!({ "amount": amount }))), "{amount}");
        }
        assert!(!decision_client.decision(&with_context("pay", json!({}))), "a missing attribute");
        assert!(!decision_client.decision(&asked("root", "read-size", "order:7")), "of another kind");
        assert!(!decision_client.decision(&asked("root", "read-size", "order:9")), "not registered");
        assert!(decision_client.decision(&asked("root", "read-size", "order:8")));
        assign_roles(server, &root, "order:8", &["X"]);
        assert!(decision_client.decision(&asked("root", "read-size", "order:8")));
    }

    fn types_named_like_doorwards_own_are_denied(server) {
        server.administrator();
        let decision_client = DecisionClient::of(server);
        for kind in ["User", "Role", "Action", "Client", "ExternalSubject", "Shop::Action", "__cedar", "", "a b", "order\"", "if", "ä"] {
            let mut request = asked("root", "view", "x:7");
            request["resource"]["type"] = json!(kind);
            assert!(!decision_client.decision(&request), "{kind}");
        }
        for id in ["", "\n", "x\u{7f}"] {
            let mut request = asked("root", "view", "order:7");
            request["resource"]["id"] = json!(id);
            assert!(!decision_client.decision(&request), "{id:?}");
        }
        for action in ["", "\n", &"x".repeat(300)] {
            assert!(!decision_client.decision(&asked("root", action, "order:7")), "{action}");
        }
        for kind in ["User", "Role", "admin", "ExternalSubject", "user "] {
            let mut request = asked("root", "view", "order:7");
            request["subject"]["type"] = json!(kind);
            assert!(!decision_client.decision(&request), "{kind}");
        }
        assert!(decision_client.decision(&asked("root", "view", "user:root")));
        assert!(decision_client.decision(&asked("root", "view", "order:x\" || true || \"")));
    }

    fn cedar_escape_names_are_ordinary_fields(server) {
        server.administrator();
        let decision_client = DecisionClient::of(server);
        let root = json!({ "__entity": { "type": "User", "id": "root" } });
        let odd = json!({ "who": root, "__entity": { "type": "User", "id": "root" }, "__extn": { "fn": "decimal", "arg": "no number" } });
        let mut request = with_context("escape", odd.clone());
        request["subject"] = json!({ "type": "user", "id": "stranger", "properties": { "username": "root", "__entity": root } });
        assert!(!decision_client.decision(&request));
        assert!(decision_client.decision(&with_context("fields", odd)));
    }

    fn oversized_requests_are_refused_within_limits(server) {
        server.administrator();
        let decision_client = DecisionClient::of(server);
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let whole = |context: &str| format!(
            r#"{{"subject":{{"type":"user","id":"root"}},"action":{{"name":"view"}},"resource":{{"type":"order","id":"7"}},"context":{context}}}"#
        );
        for (context, status) in [
            (nested(17), 200), (nested(18), 400), (nested(100), 400), (nested(200), 400), (nested(5_000), 400),
            (r#"{"a":1,"a":2}"#.to_owned(), 400), (r#"{"b":{"a":1,"a":1}}"#.to_owned(), 400),
            (r#"{"a":1e999}"#.to_owned(), 400), (r#"{"a":1e300}"#.to_owned(), 400), (r#"{"a":0.123456}"#.to_owned(), 400),
            (r#"{"a":18446744073709551615}"#.to_owned(), 400), (r#"{"a":-9223372036854775808}"#.to_owned(), 200),
            (r#"{"a":0.5,"b":null,"c":[null,1,"x",{}]}"#.to_owned(), 200), (r#"{"a":"\u0000"}"#.to_owned(), 400),
            (format!("{{\"a\":[{}1]}}", "1,".repeat(10_000)), 400),
        ] {
            let answer = decision_client.post_text(PATHS[0], &whole(&context), "application/json");
            assert_eq!(answer.status, status, "{}: {}", &context[..context.len().min(60)], answer.text());
        }
        // An error in one item affects only that item; a duplicate key affects the whole request.
        let batch = json!({ "evaluations": [asked("root", "view", "order:7"), with_context("view", json!({ "a": 1e300 }))] });
        let answer = decision_client.post(PATHS[1], &batch);
        assert_eq!((answer.status, answer.json()["evaluations"][0]["decision"].clone()), (200, json!(true)));
        assert_eq!(answer.json()["evaluations"][1]["decision"], false);
        let thousand = |count: usize| {
            let items: Vec<Value> = (0..count).map(|_| json!({})).collect();
            let mut request = asked("root", "view", "order:7");
            request["evaluations"] = json!(items);
            decision_client.post(PATHS[1], &request)
        };
        let answer = thousand(1_000);
        assert_eq!((answer.status, answer.json()["evaluations"].as_array().map(Vec::len)), (200, Some(1_000)));
        // A batch whose items have long names exceeds the body limit of other endpoints.
        let mut request = asked("root", "view", "order:7");
        let item = |_| json!({ "resource": { "type": "order", "id": RoleAssignmentId::random().to_string() } });
        request["evaluations"] = (0..1_000).map(item).collect();
        assert!(request.to_string().len() > 65_536);
        let answer = decision_client.post(PATHS[1], &request).json();
        let decisions = answer["evaluations"].as_array().expect("evaluations");
        assert_eq!(decisions.iter().filter(|answer| answer["decision"] == true).count(), 1_000);
        // The larger limit applies only to this endpoint, and anonymous callers get the same response.
        let long = json!({ "context": { "a": "x".repeat(600_000) } });
        for path in PATHS {
            assert_eq!(decision_client.post(path, &long).status, 413, "{path}");
            let anonymous = server.browser().request("POST", path).without_same_origin().json(&long).send();
            assert_eq!(anonymous.status, 413, "{path}");
        }
        let elsewhere = json!({ "users": ["x".repeat(70_000)] });
        assert_eq!(decision_client.post("/v1/users/lookup", &elsewhere).status, 413);
        // Defaults count once for every item that uses them.
        let mut request = asked("root", "view", "order:7");
        request["context"] = json!({ "a": vec![1; 9_000] });
        request["evaluations"] = json!(vec![json!({}); 10]);
        assert_eq!(decision_client.post(PATHS[1], &request).status, 200);
        request["evaluations"] = json!(vec![json!({}); 12]);
        assert_eq!(decision_client.post(PATHS[1], &request).status, 400);
        let search = json!({ "subject": { "type": "user", "id": "root" }, "action": { "name": "view" }, "resource": { "type": "order" } });
        let mut large = search.clone();
        large["context"] = json!({ "a": vec![1; 200] });
        assert_eq!(decision_client.post("/access/v1/search/resource", &large).status, 400);
        let mut odd = search.clone();
        odd["page"] = json!({ "token": "cgA" });
        assert_eq!(decision_client.post("/access/v1/search/resource", &odd).status, 400, "a null byte in a token");
        assert_eq!(decision_client.post("/access/v1/search/resource", &search).status, 200);
        assert_eq!(thousand(1_001).status, 400);
        assert_eq!(thousand(10_000).status, 400);
        let large = json!({ "evaluations": vec![asked("root", "view", "order:7"); 10_000] });
        assert_eq!(decision_client.post(PATHS[1], &large).status, 413);
        for path in PATHS {
            for body in ["", "{", "[]", "7", "{\"a\":1,\"a\":1}", &nested(10_000)] {
                let answer = decision_client.post_text(path, body, "application/json");
                assert!((400..500).contains(&answer.status), "{path} {body:.20}: {}", answer.status);
            }
        }
    }
}
