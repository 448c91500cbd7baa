//! Decisions published by the AuthZEN interoperability events, from the policies in `examples/policies`.

use serde_json::{Value, json};

use super::{DecisionClient, PolicyFolder, assign_global_roles, on_both_with_policies, register};

fn vectors(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/authzen");
    let text = std::fs::read_to_string(folder.join(name)).expect("vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn decide_each(decision_client: &DecisionClient, cases: &Value) -> usize {
    let cases = cases["evaluation"].as_array().expect("cases");
    for case in cases {
        assert_eq!(
            decision_client.decision(&case["request"]),
            case["expected"].as_bool().expect("a decision"),
            "{case}"
        );
    }
    cases.len()
}

on_both_with_policies! { PolicyFolder::example("todo");
    fn the_todo_scenario_is_decided_as_expected(server) {
        let decision_client = DecisionClient::of(server);
        let vectors = vectors("todo.json");
        assert_eq!(decide_each(&decision_client, &vectors), 40);
        for case in vectors["evaluations"].as_array().expect("cases") {
            let answer = decision_client.post("/access/v1/evaluations", &case["request"]).json();
            let decisions: Vec<&Value> = answer["evaluations"].as_array().expect("evaluations").iter().map(|answer| &answer["decision"]).collect();
            assert_eq!(json!(decisions), case["expected"], "{case}");
        }
    }
}

on_both_with_policies! { PolicyFolder::example("gateway");
    fn the_gateway_scenario_is_decided_as_expected(server) {
        assert_eq!(decide_each(&DecisionClient::of(server), &vectors("gateway.json")), 25);
    }
}

on_both_with_policies! { PolicyFolder::example("search");
    fn the_search_scenario_is_answered_as_expected(server) {
        let vectors = vectors("search.json");
        let list = |name: &str| vectors[name].as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let root = server.administrator();
        for user in list("users") {
            let person = server.create_user(&root, &text(&user["name"]));
            let roles: Vec<String> = user["roles"].as_array().expect("roles").iter().map(text).collect();
            let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
            assign_global_roles(server, &person, &roles);
        }
        for record in list("records") {
            let attributes = json!({ "department": record["department"], "owner": record["owner"] });
            register(server, &format!("record:{}", text(&record["id"])), &attributes);
        }
        let decision_client = DecisionClient::of(server);
        let published = list("resource");
        let is_permitted = |subject: &str, action: &str, record: &str| {
            let row = published.iter().find(|row| row["subject"] == subject && row["action"] == action);
            row.expect("a row")["results"].as_array().expect("results").contains(&json!(record))
        };
        for row in &published {
            let request = json!({ "subject": { "type": "user", "id": row["subject"] }, "action": { "name": row["action"] }, "resource": { "type": "record" } });
            assert_eq!(json!(decision_client.search("resource", &request)), row["results"], "{row}");
        }
        let people = ["alice", "bob", "carol", "dan", "erin", "felix"];
        let actions = ["delete", "edit", "view"];
        for record in list("records").iter().map(|record| text(&record["id"])) {
            let resource = json!({ "type": "record", "id": record });
            for action in actions {
                let request = json!({ "subject": { "type": "user" }, "action": { "name": action }, "resource": resource });
                let wanted: Vec<&str> = people.into_iter().filter(|subject| is_permitted(subject, action, &record)).collect();
                assert_eq!(decision_client.search("subject", &request), wanted, "{action} {record}");
            }
            for subject in people {
                let request = json!({ "subject": { "type": "user", "id": subject }, "resource": resource });
                let wanted: Vec<&str> = actions.into_iter().filter(|action| is_permitted(subject, action, &record)).collect();
                assert_eq!(decision_client.search("action", &request), wanted, "{subject} {record}");
            }
        }
    }
}
