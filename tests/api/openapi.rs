//! The API matches its description: schemathesis calls every operation of `/openapi.json` with valid and invalid requests, and
//! compares each response with the description.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use doorward::clients::Scope;
use serde_json::{Value, json};

use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::basic;
use crate::support::process::{ChildProcess, wait_until};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// Checks of every response. Whether it is the right response to the request is covered by other tests.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance";

/// Number of random requests for each operation, in addition to one for each boundary of its description.
const EXAMPLES: &str = "10";

/// Far longer than the run takes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Names of existing entities, so that not every response is 404.
struct Known {
    users: Vec<String>,
    passkeys: Vec<String>,
    sessions: Vec<String>,
    client: String,
    role_assignments: Vec<String>,
}

impl Known {
    /// Writes the configuration of schemathesis, which uses these values more often than invented ones.
    fn write(&self, folder: &Path) -> PathBuf {
        let dictionary =
            |name: &str, values: &Value| format!("[dictionaries.{name}]\nvalues = {values}\n");
        let parameter = |name: &str, of: &str| {
            format!("{name:?} = {{ dictionary = \"{of}\", probability = 0.7 }}\n")
        };
        let config = [
            "cache.enabled = false\n".to_owned(),
            "generation.with-security-parameters = false\n".to_owned(),
            // An ID from a response could be the caller's own session.
            "phases.coverage.extra-data-sources.responses = false\n".to_owned(),
            "phases.fuzzing.extra-data-sources.responses = false\n".to_owned(),
            dictionary("users", &json!(self.users)),
            dictionary("passkeys", &json!(self.passkeys)),
            dictionary("sessions", &json!(self.sessions)),
            dictionary("clients", &json!([self.client])),
            dictionary("role_assignments", &json!(self.role_assignments)),
            dictionary("types", &json!(["order"])),
            dictionary("resource_ids", &json!(["17", "18"])),
            dictionary("versions", &json!(["\"1\"", "\"2\"", "\"3\"", "\"4\""])),
            "[parameters]\n".to_owned(),
            parameter("path.user", "users"),
            parameter("path.passkey", "passkeys"),
            parameter("path.session", "sessions"),
            parameter("path.client", "clients"),
            parameter("path.role_assignment", "role_assignments"),
            parameter("path.type", "types"),
            parameter("path.id", "resource_ids"),
            parameter("header.If-Match", "versions"),
        ];
        let path = folder.join("schemathesis.toml");
        std::fs::write(&path, config.concat()).expect("a configuration");
        path
    }
}

/// Creates users and a client that a run may change and delete.
fn make_known(server: &TestServer, root: &mut TestUser) -> Known {
    let users = [
        server.create_user(root, "ada"),
        server.create_user(root, "bob"),
    ];
    let (_, own_second) = root.add_passkey(SoftAuthenticator::synced(server.origin()));
    let other_browser = root.another_browser();
    let session = other_browser.get("/v1/session").json();
    let session = session["session"]["id"].as_str().expect("an id").to_owned();
    let role_assignments = ["17", "18"].map(|id| {
        let grant = json!({ "user": "ada", "resource_type": "order", "resource_id": id, "roles": ["OPERATOR"] });
        let given = root.browser.post_json("/v1/role-assignments", &grant);
        given.json()["id"].as_str().expect("an id").to_owned()
    });
    let resource = root
        .browser
        .request("PUT", "/v1/resources/order/17")
        .json(&json!({}));
    assert_eq!(resource.send().status, 201);
    let mut passkeys: Vec<String> = users.iter().map(|person| person.passkey.clone()).collect();
    passkeys.push(own_second);
    Known {
        users: users
            .into_iter()
            .flat_map(|person| [person.username, person.id])
            .collect(),
        passkeys,
        sessions: vec![session],
        client: server.client(&["users:read"]).0,
        role_assignments: role_assignments.to_vec(),
    }
}

/// Calls every operation with these headers; fails with what schemathesis found.
fn call_everything(server: &TestServer, headers: &[String], known: &Known, without: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = std::env::var("DOORWARD_TEST_SCHEMATHESIS").expect(
        "DOORWARD_TEST_SCHEMATHESIS is not set: run scripts/test, which installs it, or name what scripts/schemathesis prints",
    );
    let base_url = format!("http://127.0.0.1:{}", server.port(0));
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(known.write(folder.path()))
        .args([
            "--no-color",
            "run",
            &format!("{base_url}/openapi.json"),
            "--url",
            &base_url,
        ])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            EXAMPLES,
            "--seed",
            "1",
            "--generation-database",
            "none",
        ])
        .args(["--warnings", "off", "--continue-on-failure"])
        .current_dir(folder.path());
    for header in headers {
        command.args(["--header", header]);
    }
    for operation in without {
        command.args(["--exclude-operation-id", operation]);
    }
    let mut process = ChildProcess::spawn(&mut command, &folder.path().join("output"));
    wait_until("schemathesis ends", TIMEOUT, || !process.is_running());
    let output = process.output();
    assert!(output.contains("No issues found"), "{output}");
}

/// Creates a client with every scope for services; returns its ID and secret.
fn client_with_all(server: &TestServer) -> (String, String) {
    let names = Scope::ALL.iter().map(|scope| scope.as_str());
    // The others concern the user whom a client acts for.
    let own: Vec<&str> = names.filter(|name| name.contains(':')).collect();
    server.client(&own)
}

fn same_origin(server: &TestServer) -> String {
    format!("Origin: {}", server.origin())
}

#[test]
fn anonymous_requests_get_responses_as_described() {
    let server = TestServer::embedded();
    let known = make_known(&server, &mut server.administrator());
    call_everything(&server, &[same_origin(&server)], &known, &[]);
}

#[test]
fn a_clients_requests_get_responses_as_described() {
    let server = TestServer::embedded();
    let known = make_known(&server, &mut server.administrator());
    let (id, secret) = client_with_all(&server);
    let credentials = format!("Authorization: {}", basic(&id, &secret));
    call_everything(&server, &[credentials, same_origin(&server)], &known, &[]);
}

#[test]
fn requests_with_a_token_get_responses_as_described() {
    let server = TestServer::embedded();
    let known = make_known(&server, &mut server.administrator());
    let (id, secret) = client_with_all(&server);
    let browser = server.browser();
    let request = browser.request("POST", "/oauth2/token").basic(&id, &secret);
    let answer = request
        .form(&[("grant_type", "client_credentials")])
        .send()
        .json();
    let token = answer["access_token"].as_str().expect("a token");
    call_everything(
        &server,
        &[format!("Authorization: Bearer {token}")],
        &known,
        &[],
    );
}

#[test]
fn an_administrators_requests_get_responses_as_described() {
    let server = TestServer::embedded();
    let mut root = server.administrator();
    let known = make_known(&server, &mut root);
    let session = root.browser.cookie("doorward-session").expect("a cookie");
    let headers = [
        format!("Cookie: doorward-session={session}"),
        same_origin(&server),
    ];
    call_everything(&server, &headers, &known, &["delete_session"]);
    assert_eq!(
        root.session_status(),
        200,
        "the session was valid during the whole run"
    );
}

#[test]
fn the_description_lists_security_schemes_and_refusals() {
    let server = TestServer::embedded();
    let document = server.browser().get("/openapi.json").json();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .expect("schemes");
    let schemes: Vec<&str> = schemes.keys().map(String::as_str).collect();
    assert_eq!(schemes, ["basic", "bearer", "cookie"]);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let what = format!("{method} {path}");
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{what}: a second {id}");
            assert!(
                operation["summary"].is_string(),
                "{what}: without a summary"
            );
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{what}: no success"
            );
            assert!(
                responses.contains_key("503"),
                "{what}: no response for an unavailable store"
            );
            for (status, response) in responses
                .iter()
                .filter(|(status, _)| status.as_str() >= "400")
            {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{what}: {status}");
                assert_ne!(response["description"], "", "{what}: {status}");
            }
        }
    }
    assert!(ids.len() > 40, "{ids:?}");
}
