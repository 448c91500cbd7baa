//! The guides' examples about clients match the actual behaviour.

use std::process::Command;

use serde_json::json;

use crate::support::binary;
use crate::support::test_server::TestServer;

fn read(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).expect("a document")
}

/// Returns the command of `docs/guides/api.md` that contains `part`, as a shell runs it.
fn command_with(part: &str) -> String {
    let guide = read("docs/guides/api.md");
    let mut commands = guide.lines().filter_map(|line| line.strip_prefix("$ "));
    let command = commands.find(|line| line.contains(part));
    command.expect("a command").to_owned()
}

fn run(command: &str, variables: &[(&str, &str)]) -> serde_json::Value {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).envs(variables.iter().copied());
    let output = shell.output().expect("a shell").stdout;
    let text = String::from_utf8_lossy(&output);
    serde_json::from_slice(&output).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_guides_commands_get_and_use_a_token_for_a_service() {
    let server = TestServer::embedded();
    let root = server.administrator();
    server.create_user(&root, "grace");
    let (id, secret) = server.client(&["users:read"]);
    let issuer = format!("http://127.0.0.1:{}", server.port(0));
    let client = format!("{id}:{secret}");
    let variables = [("ISSUER", issuer.as_str()), ("CLIENT", client.as_str())];
    let answer = run(&command_with("grant_type=client_credentials"), &variables);
    assert_eq!(answer["token_type"], "Bearer", "{answer}");
    let token = answer["access_token"].as_str().expect("a token");
    let variables = [("ISSUER", issuer.as_str()), ("TOKEN", token)];
    let user = run(&command_with("Authorization: Bearer $TOKEN"), &variables);
    assert_eq!(user["username"], json!("grace"), "{user}");
}

#[test]
fn the_tutorial_shows_the_commands_output_for_a_new_client() {
    let page = read("docs/get-started.md");
    let shown = page
        .split("$ doorward client create reports")
        .nth(1)
        .expect("a command");
    let (command, shown) = shown.split_once('\n').expect("its output");
    let shown = shown.split("\n$").next().expect("the output");
    let server = TestServer::embedded();
    let arguments: Vec<&str> = ["client", "create", "reports"]
        .into_iter()
        .chain(command.split_whitespace())
        .collect();
    let printed = binary::run(&server.config, &arguments).output;
    // Each run has a different ID, secret and address.
    let values = |text: &str| {
        let lines = text.trim().lines().map(|line| match line.split_once("  ") {
            Some((name, _)) if name.starts_with("client_") => name.to_owned(),
            _ => line.replace(server.origin(), "http://localhost:8080"),
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(values(shown), values(&printed));
}
