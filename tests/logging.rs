//! What the log contains, and what it must never contain.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::{ChildProcess, wait_until};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

#[test]
fn the_log_carries_request_user_and_client_ids_and_no_secret() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    let folder = tempfile::TempDir::new().expect("a folder");
    config.server.data_dir = folder.path().join("data");
    config
        .server
        .listen
        .set_port(crate::support::process::free_port());
    config.server.public_url = doorward::base::config::Origin::parse(&format!(
        "http://localhost:{}",
        config.server.listen.port()
    ))
    .expect("an origin");
    let link = binary::run(&config, &["setup-link", "--json"]).json();
    let client = binary::run(
        &config,
        &[
            "client",
            "create",
            "shop",
            "--scope",
            "users:read",
            "--json",
        ],
    )
    .json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (id, secret) = (text(&client["client_id"]), text(&client["client_secret"]));

    let mut command = binary::command(&config);
    command
        .env("DOORWARD__LOG__LEVEL", "trace,h2=off,mio=off")
        .env("DOORWARD__LOG__FORMAT", "json")
        .env("DOORWARD__LOG__CONSOLE", "false")
        .env(
            "DOORWARD__LOG__FILE",
            folder.path().join("logs/doorward.log"),
        )
        .env("DOORWARD__LOG__ROTATION", "minutely")
        .env("DOORWARD__LOG__KEEP", "3");
    std::fs::create_dir(folder.path().join("logs")).expect("a folder");
    let console = folder.path().join("console");
    let mut process = ChildProcess::spawn(&mut command, &console);
    let address = config.server.listen;
    process.wait_until_ready(Duration::from_secs(30), || {
        std::net::TcpStream::connect(address).is_ok()
    });
    let browser = TestBrowser::new(address.port(), config.server.public_url.as_str());
    let start = json!({ "setup": link["token"], "username": "root", "display_name": "Root" });
    let mut root = TestUser::register(
        browser.clone(),
        SoftAuthenticator::synced(browser.origin()),
        &start,
    );
    root.browser
        .patch_json("/v1/me", &json!({ "email": "very.private@example.com" }));
    root.another_browser();
    let joined = browser.get(&format!("/join/{}", text(&link["token"])));
    assert!(joined.status >= 400);
    let checked = root.browser.get("/v1/session");
    let asked = browser
        .request("GET", "/v1/users/root")
        .basic(&id, &secret)
        .send();
    assert_eq!((checked.status, asked.status), (200, 200));
    assert!(
        process.stops_gracefully(Duration::from_secs(20)),
        "a graceful stop"
    );

    let mut log = String::new();
    for entry in std::fs::read_dir(folder.path().join("logs")).expect("logs") {
        log.push_str(&std::fs::read_to_string(entry.expect("a file").path()).expect("text"));
    }
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |answer: &crate::support::http::Answer| {
        let request = answer.header("x-request-id").expect("an id").to_owned();
        let record = records.iter().find(|record| {
            record["span"]["request_id"] == json!(request)
                && record["fields"]["message"] == "answered"
        });
        record
            .cloned()
            .unwrap_or_else(|| panic!("no record of {request}"))
    };
    assert_eq!(of(&checked)["span"]["user_id"], json!(root.id));
    assert_eq!(of(&checked)["span"]["route"], "/v1/session");
    assert_eq!(of(&asked)["span"]["client_id"], json!(id));
    assert_eq!(of(&asked)["span"]["route"], "/v1/users/{user}");
    let timed = records
        .iter()
        .find(|record| record["fields"]["message"] == "verified an assertion");
    let timed = timed.expect("timed work");
    assert_eq!(timed["filename"], "src/passkeys/login.rs");
    assert!(timed["fields"]["duration_us"].is_u64());
    assert!(
        records.iter().any(|record| record["target"]
            .as_str()
            .is_some_and(|target| target.starts_with("actix_server"))),
        "bridged"
    );

    let cookie = root.browser.cookie("doorward-session").expect("a cookie");
    for secret in [
        &text(&link["token"]),
        &secret,
        &cookie,
        &root
            .browser
            .cookie("doorward-browser")
            .expect("a browser cookie"),
        "very.private@example.com",
    ] {
        assert!(!log.contains(secret), "a secret is in the log");
        assert!(
            !process.output().contains(secret),
            "a secret is on the console"
        );
    }
    for word in ["clientDataJSON", "signature\":", "/join/"] {
        let line = log
            .lines()
            .find(|line| line.contains(word) && !line.contains("/join/{token}"));
        assert_eq!(line, None);
    }
}

#[test]
fn the_newest_audit_seal_is_logged_at_most_once_a_minute() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    let folder = tempfile::TempDir::new().expect("a folder");
    config.server.data_dir = folder.path().join("data");
    let port = crate::support::process::free_port();
    config.server.listen.set_port(port);
    config.server.public_url =
        doorward::base::config::Origin::parse(&format!("http://localhost:{port}"))
            .expect("an origin");
    assert_eq!(binary::run(&config, &["migrate"]).code, 0);
    let created = binary::run(&config, &["client", "create", "shop", "--json"]);
    assert_eq!(created.code, 0, "{}", created.errors);

    let mut command = binary::command(&config);
    command.env("DOORWARD__LOG__FORMAT", "json");
    let mut process = ChildProcess::spawn(&mut command, &folder.path().join("log"));
    let told = |process: &ChildProcess| -> Vec<String> {
        let output = process.output();
        let records = output
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records
            .filter_map(|record| record["fields"]["seal"].as_str().map(str::to_owned))
            .collect()
    };
    wait_until("the seal is logged", Duration::from_secs(30), || {
        !told(&process).is_empty()
    });
    let kept = told(&process).remove(0);
    let verified = binary::run(&config, &["audit", "verify", "--expect", &kept, "--json"]);
    assert_eq!(verified.code, 0, "{} {}", verified.output, verified.errors);
    let (position, _) = kept.split_once(':').expect("POSITION:MAC");
    let before: i64 = position.parse().expect("a position");

    let created = binary::run(&config, &["client", "create", "shop 2", "--json"]);
    assert_eq!(created.code, 0, "{}", created.errors);
    wait_until("later events are sealed", Duration::from_secs(10), || {
        let report = binary::run(&config, &["audit", "verify", "--json"]).json();
        report["position"].as_i64() > Some(before) && report["unsealed_since"].is_null()
    });
    assert!(process.is_running());
    assert_eq!(told(&process), [kept], "once a minute");
}

#[test]
fn a_graceful_stop_finishes_requests_in_flight() {
    let mut server = TestServer::embedded();
    let root = server.administrator();
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8)
            .map(|_| {
                let browser = root.browser.clone();
                scope.spawn(move || {
                    (0..20)
                        .map(|_| browser.request("GET", "/v1/session").try_send())
                        .filter_map(Result::ok)
                        .map(|answer| answer.status)
                        .collect::<Vec<u16>>()
                })
            })
            .collect();
        server.restart(0);
        for statuses in asked {
            let statuses = statuses.join().expect("a runner");
            assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        }
    });
    wait_until("it answers again", Duration::from_secs(5), || {
        root.session_status() == 200
    });
}
