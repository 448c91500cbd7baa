//! A folder of policies: what is rejected, what stays in force, how all instances follow changes, and the command.

use std::time::Duration;

use doorward::base::config::Config;
use serde_json::{Value, json};

use super::{DecisionClient, PolicyFolder, asked, assign_roles, configure, register};
use crate::support::binary::{command, finish, finish_with, run};
use crate::support::http::TestBrowser;
use crate::support::process::wait_until;
use crate::support::test_server::TestServer;
use crate::support::third_party::in_repository;

const SOON: Duration = Duration::from_secs(10);
const ANY_USER: &str =
    "@id(\"anybody\") permit (principal is User, action == Action::\"view\", resource);";

fn operator(server: &TestServer) -> Value {
    let operator = TestBrowser::new(server.operator_port(), server.origin());
    operator.get("/readyz").json()
}

fn policies_part(server: &TestServer) -> Value {
    let details = operator(server);
    let parts = details["parts"].as_array().expect("parts").clone();
    let part = parts.into_iter().find(|part| part["name"] == "policies");
    part.expect("a part")
}

fn a_bad_set_changes_nothing(mut server: TestServer, folder: &PolicyFolder) {
    let root = server.administrator();
    let decision_client = DecisionClient::of(&server);
    let number = server.another_instance();
    let other = decision_client.at_port(server.port(number));
    let request = asked("root", "view", "order:7");
    assert!(decision_client.decision(&request) && other.decision(&request));
    folder.write("b.cedar", "\nforbid (principal, action, resourc);");
    wait_until("the operator sees it", SOON, || {
        policies_part(&server)["warning"].is_string()
    });
    let warning = policies_part(&server)["warning"]
        .as_str()
        .expect("a warning")
        .to_owned();
    assert!(warning.contains("b.cedar:2:"), "{warning}");
    assert_eq!(policies_part(&server)["fault"], json!(null));
    assert_eq!(
        server.browser().get("/readyz").status,
        200,
        "the earlier policies stay in effect"
    );
    assert!(decision_client.decision(&request) && other.decision(&request));
    folder.write("b.cedar", "\nforbid (principal, action, resource);");
    wait_until("both follow", SOON, || {
        !decision_client.decision(&request) && !other.decision(&request)
    });
    assert_eq!(policies_part(&server).get("warning"), None);
    let metrics = TestBrowser::new(server.operator_port(), server.origin())
        .get("/metrics")
        .text();
    assert!(metrics.contains("doorward_policies_loaded 2"), "{metrics}");
    // Each instance recorded that it rejected one set and loaded the other.
    let events = |outcome: &str| {
        let filter = format!("/v1/audit-events?action=policies.loaded&outcome={outcome}");
        let events = root.browser.get(&filter).json();
        events["items"].as_array().expect("events").clone()
    };
    wait_until("it is written", SOON, || {
        events("refused").len() == 2 && events("success").len() == 2
    });
    let (refused, loaded) = (events("refused").remove(0), events("success").remove(0));
    let hash = |event: &Value| event["details"]["hash"].as_str().map(str::len);
    assert_eq!((hash(&refused), hash(&loaded)), (Some(64), Some(64)));
    assert_ne!(refused["details"]["hash"], loaded["details"]["hash"]);
    assert_eq!(
        (&refused["reason"], &loaded["details"]["count"]),
        (&json!("invalid"), &json!(2))
    );
}

#[test]
fn an_invalid_policy_set_changes_nothing_and_a_valid_one_takes_effect_everywhere_embedded() {
    let folder = PolicyFolder::of(ANY_USER);
    let server = TestServer::embedded_with(|config| configure(config, &folder));
    a_bad_set_changes_nothing(server, &folder);
}

#[test]
fn an_invalid_policy_set_changes_nothing_and_a_valid_one_takes_effect_everywhere_clustered() {
    let folder = PolicyFolder::of(ANY_USER);
    let server = TestServer::clustered_with(|config| configure(config, &folder));
    a_bad_set_changes_nothing(server, &folder);
}

#[test]
fn an_instance_started_with_an_invalid_policy_set_is_not_ready_and_decides_nothing() {
    let folder = PolicyFolder::of("permit (principal, action, resource");
    let server = TestServer::embedded_with(|config| configure(config, &folder));
    let decision_client = DecisionClient::of(&server);
    assert_eq!(server.browser().get("/readyz").status, 503);
    let fault = policies_part(&server)["fault"]
        .as_str()
        .expect("a fault")
        .to_owned();
    assert!(fault.starts_with("policies.cedar:1:"), "{fault}");
    let answer = decision_client.post("/access/v1/evaluation", &asked("root", "view", "order:7"));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    folder.write("policies.cedar", ANY_USER);
    wait_until("it is ready", SOON, || {
        server.browser().get("/readyz").status == 200
    });
}

#[test]
fn without_a_folder_nothing_is_permitted() {
    let server = TestServer::embedded();
    let root = server.administrator();
    assign_roles(&server, &root, "order:7", &["OWNER"]);
    assert!(!DecisionClient::of(&server).decision(&asked("root", "view", "order:7")));
    assert_eq!(server.browser().get("/readyz").status, 200);
}

#[test]
fn the_log_names_each_policy_error_and_its_position_once() {
    let folder = PolicyFolder::of("forbid (principal, action, resourc);");
    let server = TestServer::embedded();
    let data = tempfile::tempdir().expect("a folder");
    let mut config = server.config.clone();
    config.server.data_dir = data.path().join("data");
    config
        .server
        .listen
        .set_port(crate::support::process::free_port());
    config
        .server
        .operator_listen
        .set_port(crate::support::process::free_port());
    let mut command = command(&config);
    let command = command.env("DOORWARD__ACCESS__POLICIES", &folder.path);
    let output = data.path().join("output");
    let mut process = crate::support::process::ChildProcess::spawn(command, &output);
    let operator = TestBrowser::new(config.server.operator_listen.port(), server.origin());
    process.wait_until_ready(Duration::from_secs(30), || {
        operator.request("GET", "/readyz").try_send().is_ok()
    });
    // The same error in another set is not logged again; a different error is.
    folder.write("b.cedar", ANY_USER);
    folder.write("policies.cedar", "\nforbid (principal, action, resourc);");
    wait_until("it looked again", SOON, || {
        process.output().contains("policies.cedar:2:")
    });
    let log = process.output();
    let told = log
        .lines()
        .filter(|line| line.contains("policies rejected"));
    assert_eq!(told.count(), 2, "each once: {log}");
    assert!(log.contains("policies.cedar:1:"), "{log}");
}

fn with_policies(server: &TestServer, folder: &PolicyFolder) -> Config {
    let mut config = server.config.clone();
    configure(&mut config, folder);
    config
}

#[test]
fn the_command_checks_policies() {
    let server = TestServer::embedded();
    let check = |folder: &PolicyFolder, schema: Option<&str>| {
        let mut command = command(&server.config);
        command
            .args(["--json", "policy", "check"])
            .arg(&folder.path);
        if let Some(schema) = schema {
            command.arg("--schema").arg(folder.path.join(schema));
        }
        finish(&mut command)
    };
    let ran = check(
        &PolicyFolder::example("search"),
        Some("records.cedarschema"),
    );
    assert_eq!(
        (ran.code, ran.json()["policies"].clone()),
        (0, json!(4)),
        "{}",
        ran.errors
    );
    for example in ["certification", "todo", "gateway"] {
        assert_eq!(
            check(&PolicyFolder::example(example), None).code,
            0,
            "{example}"
        );
    }
    let ran = check(
        &PolicyFolder::of("\n\npermit (principal, action, resourc);"),
        None,
    );
    assert_eq!(ran.code, 4);
    assert!(ran.errors.contains("policies.cedar:3:"), "{}", ran.errors);
    assert_eq!(
        run(&server.config, &["policy", "check"]).code,
        1,
        "no folder"
    );
}

#[test]
fn the_guides_policies_and_cases_are_valid() {
    let server = TestServer::embedded();
    let shop = in_repository("examples/policies/shop");
    let mut check = command(&server.config);
    check.args(["policy", "check"]).arg(&shop);
    check.arg("--schema").arg(shop.join("shop.cedarschema"));
    let ran = finish(&mut check);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let mut test = command(&server.config);
    test.args(["policy", "test"]).arg(shop.join("cases.toml"));
    test.arg("--policies").arg(&shop);
    let ran = finish(&mut test);
    assert_eq!(ran.code, 0, "{}{}", ran.output, ran.errors);
}

#[test]
fn the_command_runs_cases() {
    let server = TestServer::embedded();
    let folder = PolicyFolder::of(
        r#"@id("owners") permit (principal is User, action == Action::"view", resource is order) when { context.resource_roles.contains("OWNER") && resource.open };
           @id("strong") permit (principal in Role::"clerk", action == Action::"pay", resource) when { context has auth && context.auth.age < 60 };"#,
    );
    let cases = r#"
        [[cases]]
        name = "an owner views"
        request = { subject = { type = "user", id = "ada" }, action = { name = "view" }, resource = { type = "order", id = "7" } }
        resource_roles = ["OWNER"]
        attributes = { open = true }
        decision = true

        [[cases]]
        name = "an outsider does not"
        request = { subject = { type = "user", id = "ada" }, action = { name = "view" }, resource = { type = "order", id = "7" } }
        user = { known = false }
        decision = false

        [[cases]]
        name = "a clerk pays"
        request = { subject = { type = "user", id = "ada" }, action = { name = "pay" }, resource = { type = "order", id = "7" } }
        roles = ["clerk"]
        auth = { acr = "phr", age = 30 }
        decision = true
    "#;
    let file = folder.path.join("cases.toml");
    std::fs::write(&file, cases).expect("a file");
    let test = |arguments: &[&str]| {
        let mut command = command(&server.config);
        let command = command.args(arguments).args(["policy", "test"]).arg(&file);
        finish(command.arg("--policies").arg(&folder.path))
    };
    let ran = test(&["--json"]);
    assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
    assert_eq!(ran.json()["cases"][0]["policies"], json!(["owners"]));
    std::fs::write(
        &file,
        cases.replace("resource_roles = [\"OWNER\"]", "resource_roles = []"),
    )
    .expect("a file");
    let ran = test(&[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.output.contains("FAILED") && ran.errors.contains("1 of 3"),
        "{} {}",
        ran.output,
        ran.errors
    );
    assert_eq!(test(&["--json"]).json()["code"], 1);
    std::fs::write(&file, "[[cases]]\nname = 1").expect("a file");
    assert_eq!(test(&[]).code, 1);
}

#[test]
fn a_case_about_a_client_names_it() {
    let server = TestServer::embedded();
    let folder = PolicyFolder::of(
        r#"@id("services") permit (principal is Client, action == Action::"view", resource is order) when { principal.scopes.contains("orders:view") };
           @id("shop") permit (principal is Client, action == Action::"pay", resource is order) when { principal.name == "shop" };
           @id("holders") permit (principal, action == Action::"hold", resource is order) when { context.resource_roles.contains("OWNER") };"#,
    );
    let file = folder.path.join("cases.toml");
    let test = |action: &str, id: &str, members: &str, decision: bool| {
        let request = format!(
            "{{ subject = {{ type = \"client\", id = \"{id}\" }}, action = {{ name = \"{action}\" }}, resource = {{ type = \"order\", id = \"7\" }} }}"
        );
        let case = format!(
            "[[cases]]\nname = \"a case\"\nrequest = {request}\ndecision = {decision}\n{members}\n"
        );
        std::fs::write(&file, case).expect("a file");
        let mut command = command(&server.config);
        let command = command.args(["--json", "policy", "test"]).arg(&file);
        finish(command.arg("--policies").arg(&folder.path))
    };
    let id = "7f8f2e0c-4d0a-4a8e-9d6b-0f8e2f1c3b5a";
    for (action, members, decision) in [
        ("view", "client = { scopes = [\"orders:view\"] }", true),
        ("view", "client = { scopes = [\"orders:pay\"] }", false),
        (
            "view",
            "client = { known = false, scopes = [\"orders:view\"] }",
            false,
        ),
        ("pay", "client = { name = \"shop\" }", true),
        ("pay", "client = {}", false),
        // As in the stores: a client has no roles on resources.
        ("hold", "client = {}\nresource_roles = [\"OWNER\"]", false),
    ] {
        let ran = test(action, id, members, decision);
        assert_eq!(ran.code, 0, "{members}: {}", ran.output);
    }
    // An expected denial must not be caused by a client that is not described or can't exist.
    for (id, members, reason) in [
        (id, "", "a case: the subject is a client"),
        ("a shop", "client = {}", "client_id"),
        (id, "client = { scopes = [\"ä\"] }", "client.scopes"),
        (id, "client = { roles = [] }", "roles"),
    ] {
        let ran = test("view", id, members, false);
        assert!(
            ran.code == 1 && ran.output.contains(reason),
            "{members}: {}",
            ran.output
        );
    }
}

#[test]
fn the_command_explains_a_decision_from_stored_facts() {
    let folder = PolicyFolder::of(
        r#"@id("operators") permit (principal is User, action == Action::"view", resource is order) when { context.resource_roles.contains("OPERATOR") };
           @id("strong") permit (principal is User, action == Action::"pay", resource) when { context has auth && context.auth.acr_level >= 2 };"#,
    );
    let server = TestServer::embedded();
    let root = server.administrator();
    assign_roles(&server, &root, "order:7", &["OPERATOR"]);
    register(&server, "order:7", &json!({ "size": 3 }));
    let config = with_policies(&server, &folder);
    let explain = |arguments: &[&str]| {
        let mut command = command(&config);
        let command = command.env("DOORWARD__ACCESS__POLICIES", &folder.path);
        finish(
            command
                .args(["--json", "policy", "explain", "--subject", "root"])
                .args(arguments),
        )
    };
    let ran = explain(&["--action", "view", "--resource", "order:7"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let told = ran.json();
    assert_eq!(
        (&told["decision"], &told["policies"]),
        (&json!(true), &json!(["operators"]))
    );
    assert_eq!(
        (&told["resource_roles"], &told["attributes"]),
        (&json!(["OPERATOR"]), &json!({ "size": 3 }))
    );
    assert!(
        told["principal"]
            .as_str()
            .is_some_and(|who| who.contains(&root.id))
    );
    let told = explain(&[
        "--action",
        "pay",
        "--resource",
        "order:7",
        "--acr",
        "phr",
        "--age",
        "5",
    ])
    .json();
    assert_eq!(
        (&told["decision"], &told["acr_values"]),
        (&json!(false), &json!(["urn:doorward:acr:device-bound"]))
    );
    let told = explain(&[
        "--action",
        "pay",
        "--resource",
        "order:7",
        "--acr",
        "urn:doorward:acr:device-bound",
    ])
    .json();
    assert_eq!(
        (&told["decision"], &told["policies"]),
        (&json!(true), &json!(["strong"]))
    );
    assert_eq!(explain(&["--action", "pay", "--resource", "order"]).code, 1);
}

#[test]
fn the_command_explains_a_request_with_the_callers_claims() {
    let folder = PolicyFolder::of(
        r#"@id("small") permit (principal is User, action == Action::"refund", resource is order) when { context.claimed.context.amount <= 100 };
           @id("frozen") forbid (principal, action == Action::"refund", resource is order) when { context.claimed.resource has frozen && context.claimed.resource.frozen };
           @id("robots") forbid (principal, action == Action::"refund", resource is order) when { context.claimed.subject has robot || context.claimed.action has bulk };"#,
    );
    let server = TestServer::embedded();
    server.administrator();
    let config = with_policies(&server, &folder);
    let file = folder.path.join("request.json");
    let explain = |request: &str, further: &[&str]| {
        std::fs::write(&file, request).expect("a file");
        let mut command = command(&config);
        command.env("DOORWARD__ACCESS__POLICIES", &folder.path);
        command.args(["--json", "policy", "explain", "--request"]);
        finish(command.arg(&file).args(further))
    };
    let small = json!({ "amount": 50 });
    let says = |context: &Value, of: &str, properties: Value| {
        let mut request = asked("root", "refund", "order:7");
        request["context"] = context.clone();
        request[of]["properties"] = properties;
        request.to_string()
    };
    let plain = says(&small, "subject", json!({}));
    let frozen = says(&small, "resource", json!({ "frozen": true }));
    for (request, decision, by) in [
        (&plain, true, json!(["small"])),
        (
            &says(&json!({ "amount": 500 }), "subject", json!({})),
            false,
            json!([]),
        ),
        (&frozen, false, json!(["frozen"])),
        (
            &says(&small, "subject", json!({ "robot": 1 })),
            false,
            json!(["robots"]),
        ),
        (
            &says(&small, "action", json!({ "bulk": 1 })),
            false,
            json!(["robots"]),
        ),
    ] {
        let ran = explain(request, &[]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let told = ran.json();
        let decided = (&told["decision"], &told["policies"], &told["errors"]);
        assert_eq!(decided, (&json!(decision), &by, &json!([])), "{request}");
    }
    // Without the attribute, the policy that reads it fails, and the response contains the reason.
    let silent = says(&json!({}), "subject", json!({}));
    let told = explain(&silent, &[]).json();
    let reason = told["errors"][0].as_str().expect("a reason");
    assert!(
        told["decision"] == json!(false)
            && reason.starts_with("small: ")
            && reason.contains("amount"),
        "{told}"
    );
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"subject": 1, "subject": 2}"#,
        r#"{"subject": {"type": "user", "id": "root"}}"#,
    ] {
        let ran = explain(bad, &[]);
        assert!(
            ran.code == 1 && ran.output.contains("request.json: "),
            "{bad}: {}",
            ran.output
        );
    }
    for flag in ["--subject", "--action", "--session", "--acr"] {
        assert_eq!(explain(&plain, &[flag, "x"]).code, 2, "{flag}");
    }
}

#[test]
fn the_command_reads_a_request_from_standard_input() {
    let folder = PolicyFolder::of(ANY_USER);
    let server = TestServer::embedded();
    server.administrator();
    let config = with_policies(&server, &folder);
    let mut command = command(&config);
    command.env("DOORWARD__ACCESS__POLICIES", &folder.path);
    command.args(["--json", "policy", "explain", "--request", "-"]);
    let ran = finish_with(&mut command, &asked("root", "view", "order:7").to_string());
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert_eq!(ran.json()["policies"], json!(["anybody"]));
}
