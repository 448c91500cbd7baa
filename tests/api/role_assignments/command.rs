//! `doorward role-assignment …` and `doorward resource …`.

use serde_json::{Value, json};

use super::held;
use crate::on_both;
use crate::support::binary::{self, CommandOutput};
use crate::support::test_server::TestServer;

fn run(server: &TestServer, arguments: &[&str]) -> CommandOutput {
    binary::run(&server.config, arguments)
}

fn json_of(server: &TestServer, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ran = run(server, &arguments);
    assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
    ran.json()
}

fn file(lines: &[Value]) -> tempfile::NamedTempFile {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines.join("\n")).expect("written");
    file
}

fn line(user: &str, id: usize, roles: &[&str]) -> Value {
    json!({ "user": user, "resource_type": "order", "resource_id": id.to_string(), "roles": roles })
}

on_both! {
    fn role_assignments_are_created_shown_updated_listed_and_deleted(server) {
        let root = server.administrator();
        let given = json_of(server, &["role-assignment", "create", "root", "order", "17", "--role", "B", "--role", "A", "--title", "Night"]);
        assert_eq!((given["roles"].clone(), given["title"].clone(), given["by_user"].clone()), (json!(["A", "B"]), json!("Night"), json!(null)));
        let id = given["id"].as_str().expect("an id");
        assert_eq!(held(server, &server.app, &root), ["A", "B"]);
        assert_eq!(run(server, &["role-assignment", "create", "root", "order", "17", "--role", "B"]).code, 4);
        assert_eq!(run(server, &["role-assignment", "create", "nobody", "order", "17", "--role", "B"]).code, 3);
        assert_eq!(run(server, &["role-assignment", "create", "root", "User", "17", "--role", "B"]).code, 2);
        assert_eq!(run(server, &["role-assignment", "create", "root", "order", "18"]).code, 2);
        let changed = json_of(server, &["role-assignment", "update", id, "--role", "C", "--title", "", "--valid-until", "2126-01-01T00:00:00Z"]);
        assert_eq!((changed["roles"].clone(), changed["title"].clone(), changed["version"].clone()), (json!(["C"]), json!(null), json!(2)));
        assert_eq!(json_of(server, &["role-assignment", "list", "--user", "root", "--role", "C"])["items"][0]["id"], json!(id));
        assert!(run(server, &["role-assignment", "show", id]).output.contains("order:17"));
        assert_eq!(json_of(server, &["role-assignment", "delete", id, "--reason", "done"])["roles"], json!(["C"]));
        assert!(held(server, &server.app, &root).is_empty());
        assert_eq!(run(server, &["role-assignment", "show", id]).code, 3);
        let resource = json_of(server, &["resource", "put", "order", "a/b", "--title", "Order", "--attributes", "{\"owner\":\"ada\"}"]);
        assert_eq!((resource["attributes"]["owner"].clone(), resource["version"].clone()), (json!("ada"), json!(1)));
        assert_eq!(json_of(server, &["resource", "put", "order", "a/b"])["version"], 2);
        assert_eq!(json_of(server, &["resource", "list", "--type", "order"])["items"].as_array().map(Vec::len), Some(1));
        assert!(run(server, &["resource", "show", "order", "a/b"]).output.contains("order:a/b"));
        json_of(server, &["resource", "delete", "order", "a/b"]);
        assert_eq!(run(server, &["resource", "show", "order", "a/b"]).code, 3);
        assert_eq!(run(server, &["resource", "put", "order", "1", "--attributes", "[]"]).code, 2);
    }

    fn an_import_creates_updates_and_deletes_and_is_idempotent(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let mut lines: Vec<Value> = (0..25).map(|number| line(if number % 2 == 0 { "ada" } else { &root.id }, number, &["OPERATOR"])).collect();
        let first = file(&lines);
        let path = first.path().to_str().expect("a path");
        let done = json_of(server, &["role-assignment", "import", path, "--batch", "10"]);
        assert_eq!(done, json!({ "lines": 25, "created": 25, "updated": 0, "deleted": 0, "unchanged": 0 }));
        let again = json_of(server, &["role-assignment", "import", path, "--batch", "10"]);
        assert_eq!((again["unchanged"].clone(), again["created"].clone()), (json!(25), json!(0)));
        assert_eq!(json_of(server, &["role-assignment", "list", "--user", "ada"])["items"][0]["version"], 1);
        assert_eq!(held(server, &server.app, &root), ["OPERATOR"]);
        lines[17] = line(&root.id, 17, &[]);
        lines[18] = line("ada", 18, &["AUDITOR"]);
        lines.push(line("ada", 99, &[]));
        let second = file(&lines);
        let done = json_of(server, &["role-assignment", "import", second.path().to_str().expect("a path")]);
        assert_eq!(done, json!({ "lines": 26, "created": 0, "updated": 1, "deleted": 1, "unchanged": 24 }));
        assert!(held(server, &server.app, &root).is_empty(), "in force when the command ends");
    }

    fn an_invalid_line_is_named_and_only_its_batch_is_rolled_back(server) {
        let root = server.administrator();
        let good = |number| line("root", number, &["OPERATOR"]);
        let mut past = good(14);
        past["valid_until"] = json!("2001-01-01T00:00:00Z");
        for (wrong, says) in [
            (line("nobody", 14, &["OPERATOR"]), "no user has this ID or username"),
            (line(&uuid::Uuid::new_v4().to_string(), 14, &["OPERATOR"]), "no user has this ID or username"),
            (past, "valid_until must be in the future"),
            (json!({ "user": "root" }), "resource_type"),
            (line("root", 14, &["a b"]), "a role must have"),
            (json!([1]), "one JSON object"),
        ] {
            let mut lines: Vec<Value> = (0..25).map(good).collect();
            lines[14] = wrong.clone();
            let file = file(&lines);
            let refused = run(server, &["role-assignment", "import", file.path().to_str().expect("a path"), "--batch", "10"]);
            assert_eq!(refused.code, 4, "{wrong}");
            assert!(refused.errors.contains("line 15: ") && refused.errors.contains(says), "{}", refused.errors);
            assert!(refused.errors.contains("everything up to line 10 was stored"), "{}", refused.errors);
            let stored = root.browser.get("/v1/role-assignments").json();
            assert_eq!(stored["items"].as_array().map(Vec::len), Some(10), "{wrong}");
        }
        assert_eq!(run(server, &["role-assignment", "import", "/nowhere"]).code, 1);
        assert_eq!(run(server, &["role-assignment", "import", "-", "--batch", "0"]).code, 2);
        let empty = json_of(server, &["role-assignment", "import", "-"]);
        assert_eq!(empty["lines"], 0);
    }

    fn concurrent_imports_of_the_same_users_do_not_deadlock(server) {
        let root = server.administrator();
        let names: Vec<String> = (0..8).map(|number| format!("user{number}")).collect();
        for name in &names {
            root.browser.post_json("/v1/invitations", &json!({ "username": name }));
        }
        let forward: Vec<Value> = names.iter().enumerate().map(|(at, name)| line(name, at, &["A"])).collect();
        let backward: Vec<Value> = forward.iter().rev().cloned().collect();
        let files = vec![file(&forward), file(&backward), file(&forward), file(&backward)];
        let answers = crate::support::race::race(files, |file| run(server, &["role-assignment", "import", file.path().to_str().expect("a path")]));
        for ran in &answers {
            assert_eq!(ran.code, 0, "{}", ran.errors);
        }
        let listed = root.browser.get("/v1/role-assignments").json();
        let listed = listed["items"].as_array().expect("a list");
        assert_eq!(listed.len(), 8);
        assert!(listed.iter().all(|assignment| assignment["version"] == 1));
    }
}
