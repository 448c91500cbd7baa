//! A schema for the policies: undeclared entities are denied and found by no search, and the command explains why.

use serde_json::{Value, json};

use super::{DecisionClient, PolicyFolder, asked, on_both_with_policies, register};
use crate::support::binary::{CommandOutput, command, finish};
use crate::support::test_server::TestServer;

fn policies() -> PolicyFolder {
    let folder = PolicyFolder::of(
        r#"@id("viewers") permit (principal is User, action == Action::"view", resource);
           @id("book") permit (principal is User, action == Action::"book", resource is ledger);
           @id("closed") forbid (principal, action == Action::"book", resource is ledger)
           when { resource has closed && resource.closed == true };
           @id("root") permit (principal, action, resource) when { principal is User && principal.username == "root" };"#,
    );
    folder.write(
        "own.cedarschema",
        "entity order, parcel;
         entity ledger { owner: String, closed?: Bool };
         action book appliesTo { principal: [User], resource: [ledger], context: Doorward::Context };
         action view appliesTo { principal: [User], resource: [order], context: Doorward::Context };
         action send appliesTo { principal: [User, Client], resource: [parcel], context: Doorward::Context };",
    );
    folder
}

/// Runs the command with the policies of the installation.
fn run(server: &TestServer, arguments: &[&str]) -> CommandOutput {
    let access = &server.config.access;
    let mut command = command(&server.config);
    for (name, path) in [("POLICIES", &access.policies), ("SCHEMA", &access.schema)] {
        let path = path.as_ref().expect("a path");
        command.env(format!("DOORWARD__ACCESS__{name}"), path);
    }
    finish(command.args(arguments))
}

on_both_with_policies! { policies();
    fn undeclared_entities_are_denied(server) {
        server.administrator();
        let decision_client = DecisionClient::of(server);
        for (action, resource, permits) in [
            ("view", "order:7", true),
            ("send", "parcel:7", true),
            ("view", "parcel:7", false),
            ("send", "order:7", false),
            ("view", "pallet:7", false),
            ("burn", "order:7", false),
        ] {
            assert_eq!(decision_client.decision(&asked("root", action, resource)), permits, "{action} {resource}");
        }
        let many = json!({ "evaluations": [asked("root", "view", "pallet:7"), asked("root", "view", "order:7")] });
        let answers = decision_client.post("/access/v1/evaluations", &many).json();
        let decisions: Vec<&Value> = answers["evaluations"].as_array().expect("evaluations").iter().map(|answer| &answer["decision"]).collect();
        assert_eq!(json!(decisions), json!([false, true]));
    }

    fn attributes_are_validated_against_the_schema_when_stored(server) {
        let root = server.administrator();
        let put = |resource: &str, attributes: Value| {
            let path = format!("/v1/resources/{resource}");
            let answer = root.browser.request("PUT", &path).json(&json!({ "attributes": attributes })).send();
            (answer.status, answer.json())
        };
        assert_eq!(put("ledger/1", json!({ "owner": "ada", "closed": false })).0, 201);
        for (named, attributes) in [
            ("`closed`", json!({ "owner": "ada", "closed": "yes" })),
            ("`closed`", json!({ "owner": "ada", "closed": [true] })),
            ("`owner`", json!({ "closed": true })),
            ("`owner`", json!({ "owner": 7 })),
            ("`Closed`", json!({ "owner": "ada", "Closed": true })),
        ] {
            let (status, problem) = put("ledger/2", attributes.clone());
            assert_eq!((status, &problem["field"]), (400, &json!("attributes")), "{attributes}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(named)), "{problem}");
        }
        // Attributes of a type that the schema doesn't declare are not validated, and the type is always denied.
        assert_eq!(put("pallet/1", json!({ "closed": "yes" })).0, 201);
        let form = [("type", "ledger"), ("id", "2"), ("attributes", "{\"owner\": \"ada\", \"closed\": \"yes\"}"), ("version", "")];
        let page = root.browser.request("POST", "/admin/resources/detail").page_form(&form).send();
        assert!(page.status == 400 && page.text().contains("closed"), "{}", page.text());
        let arguments = ["resource", "put", "ledger", "2", "--attributes", "{\"owner\": \"ada\", \"closed\": \"yes\"}"];
        let ran = run(server, &arguments);
        assert!(ran.code != 0 && ran.errors.contains("closed"), "{}", ran.errors);
        assert_eq!(root.browser.get("/v1/resources/ledger/2").status, 404);
    }

    fn stored_attributes_that_violate_the_schema_deny_and_never_skip_a_forbid(server) {
        server.administrator();
        let decision_client = DecisionClient::of(server);
        for (id, attributes, permits) in [
            ("open", json!({ "owner": "ada" }), true),
            ("closed", json!({ "owner": "ada", "closed": true }), false),
            // Stored before the schema declared it: `closed == true` would be false, so the forbid policy would not apply.
            ("text", json!({ "owner": "ada", "closed": "yes" }), false),
            ("other", json!({ "owner": "ada", "is_closed": true }), false),
            ("ownerless", json!({}), false),
        ] {
            register(server, &format!("ledger:{id}"), &attributes);
            assert_eq!(decision_client.decision(&asked("root", "book", &format!("ledger:{id}"))), permits, "{id}");
        }
        let arguments = ["policy", "explain", "--subject", "root", "--action", "book", "--resource", "ledger:text", "--json"];
        let explained = run(server, &arguments).json();
        assert!(explained["errors"][0].as_str().is_some_and(|error| error.contains("`closed`")), "{explained}");
        let open = json!({ "subject": { "type": "user", "id": "root" }, "action": { "name": "book" }, "resource": { "type": "ledger" } });
        assert_eq!(decision_client.search("resource", &open), ["open"]);
    }

    fn searches_find_exactly_what_an_evaluation_permits(server) {
        server.administrator();
        for resource in ["order:7", "parcel:7", "pallet:7"] {
            register(server, resource, &json!({}));
        }
        let decision_client = DecisionClient::of(server);
        let root = json!({ "type": "user", "id": "root" });
        for (kind, actions) in [("order", vec!["view"]), ("parcel", vec!["send"]), ("pallet", vec![])] {
            let resource_entity = json!({ "type": kind, "id": "7" });
            let may = |action: &str| json!({ "subject": root, "action": { "name": action }, "resource": resource_entity });
            assert_eq!(decision_client.search("action", &json!({ "subject": root, "resource": resource_entity })), actions, "{kind}");
            for action in ["view", "send", "burn"] {
                let finds = actions.contains(&action);
                assert_eq!(decision_client.search("resource", &may(action)), if finds { vec!["7"] } else { vec![] }, "{action} {kind}");
                let mut any_user = may(action);
                any_user["subject"] = json!({ "type": "user" });
                assert_eq!(decision_client.search("subject", &any_user), if finds { vec!["root"] } else { vec![] }, "{action} {kind}");
            }
        }
    }
}

#[test]
fn the_command_reports_undeclared_entities() {
    let server = TestServer::embedded();
    server.administrator();
    let folder = policies();
    let schema = folder.path.join("own.cedarschema");
    let cases = folder.path.join("cases.toml");
    let case = r#"
        [[cases]]
        name = "a pallet is unknown"
        request = { subject = { type = "user", id = "ada" }, action = { name = "view" }, resource = { type = "pallet", id = "7" } }
        decision = false
    "#;
    std::fs::write(&cases, case).expect("a file");
    let test = |arguments: &[&str]| {
        let mut command = command(&server.config);
        let command = command.args(arguments).args(["policy", "test"]).arg(&cases);
        let command = command.arg("--policies").arg(&folder.path);
        finish(command.arg("--schema").arg(&schema))
    };
    let reason = "pallet is not an entity type of the schema";
    let ran = test(&[]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(ran.output.contains(reason), "{}", ran.output);
    let told = test(&["--json"]).json()["cases"][0]["errors"].to_string();
    assert!(told.contains(reason), "{told}");
    let mut explain = command(&server.config);
    explain
        .env("DOORWARD__ACCESS__POLICIES", &folder.path)
        .env("DOORWARD__ACCESS__SCHEMA", &schema)
        .args(["policy", "explain", "--subject", "root", "--action", "view"])
        .args(["--resource", "pallet:7"]);
    let ran = finish(&mut explain);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(
        ran.output.contains("deny") && ran.output.contains(reason),
        "{}",
        ran.output
    );
}
