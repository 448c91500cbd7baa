//! The `doorward` command as a separate process.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary::{self, CommandOutput};
use crate::support::http::TestBrowser;
use crate::support::process::{ChildProcess, free_port, wait_until};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn run(server: &TestServer, arguments: &[&str]) -> CommandOutput {
    binary::run(&server.config, arguments)
}

fn json_of(server: &TestServer, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ran = run(server, &arguments);
    assert_eq!(ran.code, 0, "{} {}", ran.output, ran.errors);
    ran.json()
}

on_both! {
    fn a_set_up_link_is_printed_until_an_administrator_exists(server) {
        let link = json_of(server, &["setup-link"]);
        let url = link["url"].as_str().expect("a URL");
        assert_eq!(url, format!("{}/setup/{}", server.origin(), link["token"].as_str().expect("a token")));
        assert!(link["expires_at"].is_string());
        let start = json!({ "setup": link["token"], "username": "root", "display_name": "Root" });
        let root = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        let refused = run(server, &["setup-link", "--json"]);
        assert_eq!((refused.code, refused.json()["code"].clone()), (4, json!(4)));
        assert!(refused.output.contains("doorward setup-link --user NAME"), "{}", refused.output);
        // Emergency access: a new passkey for the administrator ends all earlier sessions.
        let link = json_of(server, &["setup-link", "--user", "root"]);
        let start = json!({ "invitation": link["token"] });
        let again = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(again.id, root.id);
        assert_eq!(root.session_status(), 401);
    }

    fn without_a_terminal_the_log_names_the_set_up_command_instead_of_the_link(server) {
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let process = binary::serve(&config, printed.path());
        let told = |process: &ChildProcess| process.output().contains("doorward setup-link");
        wait_until("the command is named", Duration::from_secs(10), || told(&process));
        assert!(!process.output().contains("/setup/"), "{}", process.output());
        drop(process);
        // No set-up link was created without being printed: the command creates the first one.
        server.administrator();
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let process = binary::serve(&config, printed.path());
        wait_until("it is there", Duration::from_secs(10), || process.output().contains("Doorward is running at"));
        assert!(!told(&process), "{}", process.output());
    }

    fn users_are_invited_listed_shown_changed_suspended_and_reactivated(server) {
        server.administrator();
        let link = json_of(server, &["user", "invite", "--username", "ada", "--email", "ada@example.com", "--role", "admin"]);
        let start = json!({ "invitation": link["token"] });
        let mut ada = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        let list = json_of(server, &["user", "list", "--search", "ADA"]);
        assert_eq!(list["items"][0]["username"], "ada");
        assert_eq!(json_of(server, &["user", "show", &ada.id])["roles"], json!(["admin"]));
        let changed = json_of(server, &["user", "update", "ada", "--display-name", "Ada L.", "--roles", "", "--email", ""]);
        assert_eq!((changed["display_name"].clone(), changed["roles"].clone(), changed["email"].clone()), (json!("Ada L."), json!([]), json!(null)));
        json_of(server, &["role", "create", "clerk"]);
        assert_eq!(json_of(server, &["user", "update", "ada", "--add-role", "admin", "--add-role", "clerk"])["roles"], json!(["admin", "clerk"]));
        assert_eq!(json_of(server, &["user", "update", "ada", "--remove-role", "admin"])["roles"], json!(["clerk"]));
        assert_eq!(run(server, &["user", "update", "ada", "--add-role", "cook"]).code, 4, "there is no such role");
        assert_eq!(json_of(server, &["user", "suspend", "ada", "--reason", "left"])["sessions_ended"], 1);
        assert_eq!(ada.session_status(), 401);
        json_of(server, &["user", "reactivate", "ada"]);
        assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
        assert_eq!(run(server, &["user", "suspend", "root"]).code, 4, "the last administrator");
        assert_eq!(run(server, &["user", "show", "nobody"]).code, 3);
        assert_eq!(run(server, &["user", "invite", "--username", "a b"]).code, 2);
        let text = run(server, &["user", "list"]);
        assert!(text.output.starts_with("ID") && text.output.contains("ada"), "{}", text.output);
    }

    fn passkeys_and_sessions_are_listed_and_revoked(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        ada.another_browser();
        let sessions = json_of(server, &["session", "list", "ada"]);
        assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2));
        let one = sessions["items"][0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(run(server, &["session", "revoke", "ada", &one]).output.trim(), "1 session ended");
        assert_eq!(json_of(server, &["session", "revoke", "ada"])["sessions_ended"], 1);
        assert_eq!(run(server, &["session", "revoke", "ada"]).output.trim(), "no sessions were open");
        assert_eq!(json_of(server, &["passkey", "revoke", &ada.passkey, "--reason", "stolen"])["sessions_ended"], 0);
        let passkeys = json_of(server, &["passkey", "list", "ada"]);
        assert_eq!(passkeys["items"][0]["revoked_reason"], "stolen");
        assert_eq!(run(server, &["passkey", "revoke", &root.passkey]).code, 4, "the last passkey of the last administrator");
        assert_eq!(run(server, &["passkey", "revoke", &ada.id]).code, 3);
        let event = root.browser.get("/v1/audit-events?action=passkey.revoked").json()["items"][0].clone();
        assert_eq!(event["actor"], "command");
    }

    fn clients_are_created_listed_rotated_and_disabled(server) {
        server.administrator();
        let made = json_of(server, &["client", "create", "shop", "--scope", "users:read"]);
        let (id, secret) = (made["client_id"].as_str().expect("an id"), made["client_secret"].as_str().expect("a secret"));
        let ask = |secret: &str| server.browser().request("GET", "/v1/users").basic(id, secret).send().status;
        assert_eq!(ask(secret), 200);
        let renewed = json_of(server, &["client", "rotate-secret", id]);
        assert_eq!((ask(secret), ask(renewed["client_secret"].as_str().expect("a secret"))), (401, 200));
        json_of(server, &["client", "disable", id]);
        assert_eq!(ask(renewed["client_secret"].as_str().expect("a secret")), 401);
        let list = json_of(server, &["client", "list"]);
        assert_eq!((list["items"][0]["client_name"].clone(), list["items"][0]["enabled"].clone()), (json!("shop"), json!(false)));
        assert!(!list.to_string().contains(renewed["client_secret"].as_str().expect("a secret")));
        assert_eq!(run(server, &["client", "create", "x", "--scope", "everything"]).code, 4);
    }

    fn a_username_in_use_is_refused_with_the_command_for_an_existing_user(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let taken = run(server, &["user", "invite", "--username", "ada"]);
        assert!(taken.code == 4 && taken.errors.contains("doorward user invite --user ada"), "{taken:?}");
        assert_eq!(run(server, &["user", "invite", "--user", "ada"]).code, 0, "the advice works");
    }

    fn the_audit_log_is_filtered_and_names_clients(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let made = json_of(server, &["client", "create", "Shop", "--id", "shop"]);
        let made = made["id"].as_str().expect("an ID");
        let told = run(server, &["audit", "list", "--client", "shop"]);
        assert!(told.output.contains("Shop (shop)") && told.output.contains("client.created"), "{}", told.output);
        assert_eq!(json_of(server, &["audit", "list", "--client", made]), json_of(server, &["audit", "list", "--client", "shop"]));
        let service = server.client(&["clients:read"]);
        server.browser().request("GET", "/v1/users").basic(&service.0, &service.1).send();
        server.browser().request("GET", "/v1/clients").basic(&service.0, &service.1).send();
        let of_ada = json_of(server, &["audit", "list", "--user", "ada"]);
        let of_ada = of_ada["items"].as_array().expect("events");
        let id = root.browser.get("/v1/users/ada").json()["id"].clone();
        let is_hers = |event: &Value| event["subject"] == id || event["by_user"] == id;
        assert!(!of_ada.is_empty() && of_ada.iter().all(is_hers), "{of_ada:?}");
        for (outcome, other) in [("success", "refused"), ("refused", "success")] {
            let found = json_of(server, &["audit", "list", "--outcome", outcome]).to_string();
            assert!(!found.contains(&format!("\"outcome\":\"{other}\"")), "{found}");
        }
        assert_eq!(run(server, &["audit", "list", "--outcome", "perhaps"]).code, 2);
        assert_eq!(run(server, &["audit", "list", "--user", "nobody"]).code, 3);
        let page = root.browser.get("/admin/audit?client=shop").text();
        assert!(page.contains("Shop (shop)"), "{page}");
    }

    fn a_broken_pipe_does_not_panic(server) {
        server.administrator();
        let unread = |arguments: &[&str]| binary::run_unread(&server.config, arguments);
        // The exit code that a shell reports for a program ended by SIGPIPE.
        for arguments in [&["audit", "export"][..], &["audit", "list"], &["user", "list", "--json"], &["user", "show", "root"], &["config", "default"]] {
            assert_eq!(unread(arguments), 141, "{arguments:?}");
        }
        // A refusal keeps its own exit code.
        for arguments in [&["user", "show", "nobody"][..], &["user", "show", "nobody", "--json"]] {
            assert_eq!(unread(arguments), 3, "{arguments:?}");
        }
        // A negative finding keeps its own exit code, too.
        let expected = format!("1:{}", "0".repeat(64));
        assert_eq!(unread(&["audit", "verify", "--expect", &expected]), 4);
    }

    fn the_healthcheck_and_migrate_answer_by_exit_code(server) {
        assert_eq!(run(server, &["healthcheck"]).code, 0);
        assert_eq!(run(server, &["migrate"]).code, 0);
        let mut elsewhere = server.config.clone();
        elsewhere.server.listen.set_port(1);
        assert_eq!(binary::run(&elsewhere, &["healthcheck"]).code, 5);
    }

    fn a_wrong_master_key_is_refused_with_the_remedy(server) {
        server.administrator();
        let path = server.config.master_key_path();
        let other = path.with_extension("other");
        doorward::base::secrets::MasterKey::generate().write_new(&other).expect("a key");
        let mut config = server.config.clone();
        config.secrets.master_key_file = Some(other);
        let ran = binary::run(&config, &["user", "list"]);
        assert_eq!(ran.code, 6, "{}", ran.errors);
        assert!(ran.errors.contains("previous_master_key_file"), "{}", ran.errors);
    }

    fn a_changed_rp_id_is_refused_once_a_passkey_exists(server) {
        let moved = |server: &TestServer| {
            let mut command = binary::command(&server.config);
            command.env("DOORWARD__SERVER__PUBLIC_URL", "https://id.example.com");
            binary::finish(command.args(["user", "list"]))
        };
        assert_eq!(moved(server).code, 0, "the restricted permissions are not granted yet");
        server.restart(0);
        server.administrator();
        let ran = moved(server);
        assert_eq!(ran.code, 6);
        assert!(ran.errors.contains("--accept-new-rp-id"), "{}", ran.errors);
    }
}

fn entries(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn a_command_in_the_wrong_folder_creates_nothing_and_says_where_it_looked() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let folder = elsewhere.path().canonicalize().expect("a path");
    let in_folder = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.env_clear().current_dir(&folder).args(arguments);
        binary::finish(&mut command)
    };
    for arguments in [
        &["user", "list"][..],
        &["client", "create", "shop"],
        &["keys", "list"],
        &["audit", "list"],
        &["session", "list", "ada"],
        &["setup-link", "--user", "ada"],
    ] {
        let ran = in_folder(arguments);
        let place = folder.join("data/doorward.db").display().to_string();
        assert_eq!((ran.code, ran.output.as_str()), (6, ""), "{ran:?}");
        for part in [
            place.as_str(),
            "No configuration file was read",
            folder.to_str().expect("text"),
        ] {
            assert!(ran.errors.contains(part), "{part}: {}", ran.errors);
        }
        assert_eq!(entries(&folder), 0, "{arguments:?}");
    }
    std::fs::write(
        folder.join("doorward.toml"),
        "[server]\ndata_dir = \"other\"\n",
    )
    .expect("a file");
    let ran = in_folder(&["--config", "doorward.toml", "user", "list"]);
    let read = folder.join("doorward.toml").display().to_string();
    assert!(ran.code == 6 && ran.errors.contains(&read), "{ran:?}");
    assert_eq!(entries(&folder), 1);
    assert_eq!(in_folder(&["migrate"]).code, 0, "it may create");
    assert_eq!(in_folder(&["user", "list"]).code, 0);
}

#[test]
fn a_command_does_not_fill_an_empty_postgresql() {
    let server = TestServer::clustered();
    let postgres = crate::support::postgres::Postgres::shared();
    let url = postgres.fresh_database();
    let mut config = server.config.clone();
    config.database.url = Some(url.clone().into());
    let ran = binary::run(&config, &["user", "list"]);
    assert!(
        ran.code == 6
            && ran
                .errors
                .contains("the database of database.url is empty. "),
        "{ran:?}"
    );
    assert!(!ran.errors.contains("Relative paths"), "{ran:?}");
    let tables = "select count(*) from information_schema.tables where table_schema = 'public'";
    assert_eq!(postgres.psql(&url, tables).trim(), "0");
    assert_eq!(binary::run(&config, &["migrate"]).code, 0);
    assert_eq!(binary::run(&config, &["user", "list"]).code, 0);
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    let server = TestServer::embedded();
    for (variable, meant) in [
        ("SERVER__PUBLIC_ULR", Some("server.public_url")),
        ("SESSIONS__IDLE_TIME_OUT", Some("sessions.idle_timeout")),
        ("SERVERS__LISTEN", Some("server")),
        ("DATABASE__TRUSTED_PROXIES", Some("server.trusted_proxies")),
        ("SERVER__COLOUR", None),
    ] {
        let mut command = binary::command(&server.config);
        command.env(format!("DOORWARD__{variable}"), "1");
        let ran = binary::finish(command.args(["config", "check"]));
        assert_eq!(ran.code, 6, "{ran:?}");
        match meant {
            Some(meant) => {
                let hint = format!("did you mean {meant}?");
                assert!(ran.errors.contains(&hint), "{variable}: {}", ran.errors);
            }
            None => assert!(!ran.errors.contains("did you mean"), "{}", ran.errors),
        }
    }
}

#[test]
fn all_configuration_errors_are_reported_together() {
    let server = TestServer::embedded();
    let mut command = binary::command(&server.config);
    command
        .env("DOORWARD__SERVER__LISTEN", "nowhere")
        .env("DOORWARD__SERVER__PUBLIC_URL", "http://id.example.com")
        .env("DOORWARD__SESSIONS__IDLE_TIMEOUT", "soon")
        .env("DOORWARD__SERVER__COLOUR", "red")
        .env("DOORWARD__NOWHERE__KEY", "1");
    let ran = binary::finish(command.args(["config", "check"]));
    assert_eq!(ran.code, 6);
    for key in [
        "server.listen",
        "server.public_url",
        "sessions.idle_timeout",
        "server.colour",
        "nowhere",
    ] {
        assert!(ran.errors.contains(key), "{key}: {}", ran.errors);
    }
    let default = binary::run(&server.config, &["config", "default"]);
    assert!(default.output.contains("[passkeys]") && default.code == 0);
    let key = binary::run(&server.config, &["keys", "generate-master", "--json"]);
    assert_eq!(key.json()["master_key"].as_str().map(str::len), Some(43));
    let file = server.config.server.data_dir.join("generated.key");
    let name = file.display().to_string();
    let generate = || {
        binary::run(
            &server.config,
            &["keys", "generate-master", "--file", &name],
        )
    };
    let ran = generate();
    assert_eq!((ran.code, ran.output.trim()), (0, name.as_str()));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).expect("a file"));
    assert_eq!(mode & 0o777, 0o600);
    doorward::base::secrets::MasterKey::read(&file).expect("a key");
    let before = std::fs::read(&file).expect("a key");
    assert_eq!(generate().code, 4, "a key that is there is kept");
    assert_eq!(std::fs::read(&file).expect("a key"), before);
}

#[test]
fn the_service_continues_after_its_output_is_closed() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    config.server.listen.set_port(free_port());
    let doorward = binary::command(&config);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$0\" serve 2>&1 | :"])
        .arg(doorward.get_program())
        .env_clear()
        .envs(
            doorward
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let printed = tempfile::NamedTempFile::new().expect("a file");
    let mut process = ChildProcess::spawn(&mut shell, printed.path());
    let address = config.server.listen;
    process.wait_until_ready(Duration::from_secs(30), || {
        TcpStream::connect(address).is_ok()
    });
    let browser = TestBrowser::new(address.port(), server.origin());
    assert_eq!(browser.get("/v1/session").status, 401);
    assert_eq!(browser.get("/healthz").status, 200);
    assert!(process.is_running());
}

#[test]
fn a_cluster_without_a_master_key_does_not_start() {
    let server = TestServer::clustered_with(|_| {});
    let mut config = server.config.clone();
    config.secrets.master_key_file = None;
    let ran = binary::run(&config, &["user", "list"]);
    assert_eq!(ran.code, 6);
    assert!(ran.errors.contains("generate-master"), "{}", ran.errors);
    assert!(!config.master_key_path().exists(), "no value was made up");
}
