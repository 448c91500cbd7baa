//! Memory, connections and log output of a process stay bounded, whatever clients send or don't read.

use std::io::{Read, Write, pipe};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use doorward::base::clock::Stopwatch;
use doorward::base::config::Config;

use crate::support::binary;
use crate::support::http::{RawConnection, TestBrowser, basic};
use crate::support::process::{ChildProcess, free_port, run, wait_until};
use crate::support::test_server::TestServer;

/// Maximum memory of the service, in MB.
const MEMORY: u64 = 100;
/// Maximum increase of memory since the start, in MB: a release build begins with less than 35 MB.
const MORE_MEMORY: u64 = MEMORY - 35;

/// Returns a configuration for a separate binary; its folder exists as long as the installation.
fn config_of(server: &TestServer) -> Config {
    let mut config = server.config.clone();
    config.server.data_dir = server.config.server.data_dir.join("binary");
    config.server.listen.set_port(free_port());
    config.server.operator_listen.set_port(free_port());
    let url = format!("http://localhost:{}", config.server.listen.port());
    config.server.public_url = doorward::base::config::Origin::parse(&url).expect("an origin");
    config
}

fn browser(config: &Config) -> TestBrowser {
    TestBrowser::new(
        config.server.listen.port(),
        config.server.public_url.as_str(),
    )
}

fn wait_for(process: &mut ChildProcess, config: &Config) {
    let browser = browser(config);
    process.wait_until_ready(Duration::from_secs(60), || {
        let answer = browser.request("GET", "/readyz").try_send();
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

/// Raises the limit of open files of this process, which needs more connections than some machines allow by default.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("a limit");
}

/// Runs `work` on as many threads concurrently, and returns the results.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    let (work, start) = (&work, &start);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let builder = std::thread::Builder::new().stack_size(128 << 10);
                let run = move || {
                    start.wait();
                    work(number)
                };
                builder.spawn_scoped(scope, run).expect("a thread")
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a result"))
            .collect()
    })
}

/// Returns `zeros` zero bytes, compressed to less than `most` bytes.
fn bomb(zeros: u32, most: usize) -> Arc<Vec<u8>> {
    let output = Command::new("sh")
        .args(["-c", &format!("head -c {zeros} /dev/zero | gzip -9")])
        .output()
        .expect("gzip");
    assert!(output.stdout.len() < most);
    Arc::new(output.stdout)
}

#[test]
fn a_thousand_concurrent_decompression_bombs_use_no_extra_memory() {
    allow_many_files();
    let server = TestServer::embedded();
    let config = config_of(&server);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut process = binary::serve(&config, log.path());
    wait_for(&mut process, &config);
    // The smaller ones are within the size limit of every body.
    let bombs = [bomb(500_000_000, 512 << 10), bomb(4_000_000, 64 << 10)];
    let paths = [
        "/access/v1/evaluations",
        "/webauthn/login/start",
        "/oauth2/token",
        "/v1/invitations",
    ];
    let statuses = at_once(1_000, |number| {
        let path = paths[number % paths.len()];
        let bomb = &bombs[number / paths.len() % bombs.len()];
        let mut connection =
            RawConnection::open(config.server.listen.port(), Duration::from_secs(60));
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {}\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            config.server.public_url.as_str(),
            bomb.len()
        );
        connection.send(head);
        connection.send(&**bomb);
        connection
            .head()
            .chars()
            .skip(9)
            .take(3)
            .collect::<String>()
    });
    let memory = process.max_memory();
    assert!(memory < MEMORY, "{memory} MB");
    // A client that is still sending when the connection is closed may not see the response.
    let refused = statuses.iter().filter(|status| *status == "415").count();
    let unseen = statuses.iter().filter(|status| status.is_empty()).count();
    assert_eq!(refused + unseen, statuses.len(), "{statuses:?}");
    assert!(refused > statuses.len() / 2, "{refused}");
    assert_eq!(browser(&config).get("/readyz").status, 200);
}

#[test]
fn four_hundred_endless_bodies_use_little_memory() {
    allow_many_files();
    let server = TestServer::embedded();
    let config = config_of(&server);
    let log = tempfile::NamedTempFile::new().expect("a file");
    // Only this command and the service create a database.
    assert_eq!(binary::run(&config, &["migrate"]).code, 0);
    let client = binary::run(
        &config,
        &[
            "client",
            "create",
            "shop",
            "--scope",
            "access:evaluate",
            "--json",
        ],
    )
    .json();
    let text = |name: &str| client[name].as_str().expect("a text").to_owned();
    let credentials = basic(&text("client_id"), &text("client_secret"));
    let mut process = binary::serve(&config, log.path());
    wait_for(&mut process, &config);
    let before = process.max_own_memory();
    let slow = |path: &str, headers: &str, length: usize| {
        let mut connection =
            RawConnection::open(config.server.listen.port(), Duration::from_secs(30));
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n",
            config.server.public_url.as_str()
        );
        connection.send(head);
        connection.send(vec![b' '; length - 1]);
        connection
    };
    let authorization = format!("Authorization: {credentials}\r\n");
    let strangers = at_once(400, |_| slow("/webauthn/login/start", "", 64 << 10));
    let clients = at_once(100, |_| {
        slow("/access/v1/evaluations", &authorization, 512 << 10)
    });
    // Concurrently, unfinished request heads.
    let heads = at_once(400, |_| {
        let mut connection =
            RawConnection::open(config.server.listen.port(), Duration::from_secs(30));
        connection.send(format!(
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: {}",
            "x".repeat(100_000)
        ));
        connection
    });
    let answers = strangers
        .into_iter()
        .chain(clients)
        .map(|mut connection| connection.head());
    let statuses: Vec<String> = answers
        .map(|head| head.chars().skip(9).take(3).collect())
        .collect();
    assert!(
        statuses
            .iter()
            .all(|status| ["408", "503", ""].contains(&status.as_str())),
        "{statuses:?}"
    );
    assert!(
        statuses.iter().any(|status| status == "408"),
        "{statuses:?}"
    );
    drop(heads);
    let memory = process.max_own_memory() - before;
    assert!(memory < MORE_MEMORY, "{memory} MB more than {before} MB");
    assert_eq!(browser(&config).get("/readyz").status, 200);
}

fn idle_connections(config: &Config, count: usize) -> Vec<TcpStream> {
    let address = config.server.listen;
    (0..count)
        .map(|_| TcpStream::connect(address).expect("a connection"))
        .collect()
}

#[test]
fn idle_connections_beyond_the_soft_file_limit_do_not_block_others() {
    allow_many_files();
    let server = TestServer::embedded();
    let config = config_of(&server);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut process =
        ChildProcess::spawn(&mut binary::limited(&config, "ulimit -Sn 1024"), log.path());
    wait_for(&mut process, &config);
    let idle = idle_connections(&config, 1_500);
    let mut connection = RawConnection::open(config.server.listen.port(), Duration::from_secs(3));
    connection.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = connection.answer();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(idle);
}

#[test]
fn at_the_limit_of_open_files_connections_wait_and_the_log_says_so() {
    allow_many_files();
    let server = TestServer::embedded();
    let config = config_of(&server);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut process =
        ChildProcess::spawn(&mut binary::limited(&config, "ulimit -n 1024"), log.path());
    wait_for(&mut process, &config);
    let idle = idle_connections(&config, 1_500);
    // Idle connections are closed by the server.
    let mut connection = RawConnection::open(config.server.listen.port(), Duration::from_secs(20));
    connection.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = connection.answer();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let output = process.output();
    assert!(
        output.contains("the limit of open files is reached"),
        "{output}"
    );
    assert!(!output.contains("Too many open files"), "{output}");
    drop(idle);
    wait_until("there is room again", Duration::from_secs(20), || {
        process.output().contains("accepting new connections again")
    });
    let metrics = TestBrowser::new(config.server.operator_listen.port(), "http://localhost")
        .get("/metrics")
        .text();
    assert!(
        metrics.contains("doorward_connections{listener=\"operator\"} 1"),
        "{metrics}"
    );
}

/// Returns requests with the beginning of a chunked body, and the status of the response that doesn't need the rest.
fn unfinished_chunked_requests(config: &Config) -> [(String, &'static str); 5] {
    let head = |request: &str, headers: &str| {
        format!(
            "{request} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{headers}\r\nffff\r\na"
        )
    };
    let origin = format!("Origin: {}\r\n", config.server.public_url.as_str());
    let compressed = format!("{origin}Content-Encoding: gzip\r\n");
    [
        (head("POST /oauth2/token", &origin), "408"),
        (head("POST /oauth2/token", &compressed), "415"),
        (head("POST /webauthn/login/start", ""), "403"),
        (head("GET /forward-auth", ""), "403"),
        (head("POST /oauth2/token?name=%00", ""), "400"),
    ]
}

#[test]
fn connections_with_unfinished_bodies_are_closed_after_the_response() {
    allow_many_files();
    let server = TestServer::embedded();
    let config = config_of(&server);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut process =
        ChildProcess::spawn(&mut binary::limited(&config, "ulimit -n 1024"), log.path());
    wait_for(&mut process, &config);
    let port = config.server.listen.port();
    let requests = unfinished_chunked_requests(&config);
    // More connections than the limit of open files allows.
    let mut connections: Vec<_> = (0..1_000)
        .map(|number| {
            let (request, status) = &requests[number % requests.len()];
            let mut connection = RawConnection::open(port, Duration::from_secs(20));
            connection.send(request);
            (connection, *status)
        })
        .collect();
    let mut healthy = RawConnection::open(port, Duration::from_secs(5));
    healthy.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = healthy.answer();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // Those answered before their body come first, because they don't wait for its timeout.
    connections.sort_by_key(|(_, status)| *status == "408");
    for (connection, status) in &mut connections {
        let answer = connection.answer();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{status}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        let answered = Stopwatch::start();
        assert!(connection.is_closed(), "{status}");
        assert!(answered.elapsed() < Duration::from_secs(4), "{status}");
    }
    assert_eq!(browser(&config).get("/readyz").status, 200);
}

/// Sends requests on a few connections, and reads every response.
fn ask_often(config: &Config, requests: usize) {
    const CONNECTIONS: usize = 8;
    let answered = at_once(CONNECTIONS, |_| {
        let mut connection =
            RawConnection::open(config.server.listen.port(), Duration::from_secs(30));
        (0..requests / CONNECTIONS).all(|_| {
            connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
            connection.answer().starts_with("HTTP/1.1 200 ")
        })
    });
    assert_eq!(answered, [true; CONNECTIONS]);
}

fn dropped_lines(config: &Config, sink: &str) -> u64 {
    let metrics = TestBrowser::new(config.server.operator_listen.port(), "http://localhost")
        .get("/metrics")
        .text();
    let name = format!("doorward_log_lines_dropped_total{{sink=\"{sink}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{metrics}"))
}

/// More lines than a sink's queue and a pipe can hold.
const MANY: usize = 12_000;

#[test]
fn an_unread_log_pipe_blocks_nothing() {
    let server = TestServer::embedded();
    let config = config_of(&server);
    let (mut reader, writer) = pipe().expect("a pipe");
    let mut process = ChildProcess::spawn_into_pipe(&mut binary::command(&config), writer);
    wait_for(&mut process, &config);
    ask_often(&config, MANY);
    assert!(dropped_lines(&config, "console") > 0);
    assert_eq!(browser(&config).get("/readyz").status, 200);
    // When the console is read again, the service logs once how many lines are missing.
    let console = std::thread::spawn(move || {
        let mut text = String::new();
        let mut part = [0; 65_536];
        while !text.contains("log lines were dropped") {
            let count = reader.read(&mut part).expect("text");
            assert!(count > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&part[..count]));
        }
        (reader, text)
    });
    let (_reader, text) = console.join().expect("the console");
    assert_eq!(text.matches("log lines were dropped").count(), 1);
    assert!(
        text.contains("lines=") && text.contains("sink=\"console\""),
        "{text}"
    );
    assert!(
        process.stops_gracefully(Duration::from_secs(20)),
        "a graceful stop"
    );
}

#[test]
fn a_full_log_pipe_does_not_delay_a_stop() {
    let server = TestServer::embedded();
    let config = config_of(&server);
    let (_reader, writer) = pipe().expect("a pipe");
    let mut process = ChildProcess::spawn_into_pipe(&mut binary::command(&config), writer);
    wait_for(&mut process, &config);
    ask_often(&config, MANY);
    assert!(
        process.stops_gracefully(Duration::from_secs(15)),
        "a graceful stop"
    );
}

#[test]
fn a_full_log_pipe_does_not_delay_a_start() {
    let server = TestServer::embedded();
    let config = config_of(&server);
    let (_reader, mut writer) = pipe().expect("a pipe");
    // Fills the pipe, as an earlier service could have left it.
    let mut filler = Command::new("sh");
    filler.args(["-c", "exec timeout 2 cat /dev/zero"]);
    filler.stdout(writer.try_clone().expect("a shared pipe"));
    filler.status().expect("a full pipe");
    writer.flush().expect("nothing to flush");
    let mut process = ChildProcess::spawn_into_pipe(&mut binary::command(&config), writer);
    wait_for(&mut process, &config);
    assert!(
        process.stops_gracefully(Duration::from_secs(15)),
        "a graceful stop"
    );
}

#[test]
fn log_lines_that_cannot_be_written_are_counted() {
    let server = TestServer::embedded();
    let config = config_of(&server);
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("service.log");
    run(Command::new("mkfifo").arg(&file), "");
    let mut command = binary::command(&config);
    command
        .env("DOORWARD__LOG__CONSOLE", "false")
        .env("DOORWARD__LOG__FILE", &file)
        .env("DOORWARD__LOG__ROTATION", "never");
    // A pipe opened for both directions needs no other process; nothing reads from it.
    let unread = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&file)
        .expect("a pipe");
    let mut process = ChildProcess::spawn(&mut command, &folder.path().join("console"));
    wait_for(&mut process, &config);
    ask_often(&config, MANY);
    assert!(dropped_lines(&config, "file") > 0);
    assert!(
        process.stops_gracefully(Duration::from_secs(15)),
        "a graceful stop"
    );
    drop(unread);
}
