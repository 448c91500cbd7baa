//! Acknowledged changes survive `kill -9` at any moment.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use serde_json::json;

use doorward::base::clock::{Clock, Stopwatch};
use doorward::base::config::Config;
use doorward::base::ids::UserId;
use doorward::base::seal::Sealer;
use doorward::base::secrets::MasterKey;
use doorward::db::{self, Database};
use doorward::history::{self, AuditChain, Author, Event};

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::{ChildProcess, Deadline, free_port, run, wait_until};
use crate::support::test_server::{TestServer, another_database, runtime};
use crate::support::test_user::TestUser;

const KILLS: usize = 20;
const BOUND: Duration = Duration::from_secs(240);

/// Changes that the service acknowledged.
#[derive(Default)]
struct Acknowledged {
    registered: BTreeSet<String>,
    revoked: BTreeSet<String>,
}

/// Adds and revokes passkeys of one account until stopped; a lost response counts as not acknowledged.
fn load(browser: &TestBrowser, acknowledged: &Mutex<Acknowledged>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let Some(id) = add(browser) else { continue };
        acknowledged
            .lock()
            .expect("a lock")
            .registered
            .insert(id.clone());
        let revoked = browser
            .request("DELETE", &format!("/v1/me/passkeys/{id}"))
            .try_send();
        if revoked.is_ok_and(|answer| answer.status == 200) {
            acknowledged.lock().expect("a lock").revoked.insert(id);
        }
    }
}

fn add(browser: &TestBrowser) -> Option<String> {
    let started = browser
        .request("POST", "/webauthn/register/start")
        .json(&json!({}))
        .try_send()
        .ok()?;
    if started.status != 200 {
        return None;
    }
    let started = started.json();
    let mut device = SoftAuthenticator::synced(browser.origin());
    let credential = device.create(&started["publicKey"], &Overrides::default());
    let body = json!({ "ceremony": started["ceremony"], "credential": credential });
    let finished = browser
        .request("POST", "/webauthn/register/finish")
        .json(&body)
        .try_send()
        .ok()?;
    (finished.status == 201).then(|| {
        finished.json()["passkey"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    })
}

fn survives_kills(config: &Config) {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut process = binary::serve(config, log.path());
    let browser = TestBrowser::new(
        config.server.listen.port(),
        config.server.public_url.as_str(),
    );
    let link = binary::run(config, &["setup-link", "--json"]).json();
    let start = json!({ "setup": link["token"], "username": "root", "display_name": "Root" });
    let mut root = TestUser::register(
        browser.clone(),
        SoftAuthenticator::synced(browser.origin()),
        &start,
    );
    let acknowledged = Mutex::new(Acknowledged::default());
    let watch = Stopwatch::start();
    for round in 0..KILLS {
        assert!(watch.elapsed() < BOUND, "{round} kills took too long");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let browser = root.browser.clone();
                let (acknowledged, is_over) = (&acknowledged, &is_over);
                scope.spawn(move || load(&browser, acknowledged, is_over));
            }
            // Each round kills a little later, so that all phases are hit.
            let blow = Deadline::after(Duration::from_millis(60 + 17 * round as u64));
            while blow.pause() {}
            process.kill();
            is_over.store(true, Ordering::SeqCst);
        });
        process = binary::serve(config, log.path());
        // The user is still signed in. Step-up is repeated from time to time, because adding passkeys requires a recent one.
        assert_eq!(root.session_status(), 200, "round {round}");
        if round % 5 == 4 {
            assert_eq!(root.step_up().status, 200);
        }
    }
    let listed = browser_list(&root);
    let acknowledged = acknowledged.into_inner().expect("a lock");
    assert!(
        acknowledged.registered.len() > KILLS,
        "hardly any load: {}",
        acknowledged.registered.len()
    );
    for id in &acknowledged.registered {
        assert!(
            listed.contains_key(id),
            "an acknowledged passkey is missing: {id}"
        );
    }
    for id in &acknowledged.revoked {
        assert_eq!(
            listed.get(id),
            Some(&true),
            "an acknowledged revocation is missing: {id}"
        );
    }
    assert!(process.is_running());
}

fn browser_list(root: &TestUser) -> std::collections::BTreeMap<String, bool> {
    let passkeys = root.browser.get("/v1/users/root/passkeys").json();
    let items = passkeys["items"].as_array().expect("a list");
    items
        .iter()
        .map(|passkey| {
            let id = passkey["id"].as_str().expect("an id").to_owned();
            (id, !passkey["revoked_at"].is_null())
        })
        .collect()
}

/// Returns the configuration for the binary, which has stores of its own.
fn config_of(server: &TestServer) -> Config {
    let mut config = server.config.clone();
    config.server.data_dir = server.config.server.data_dir.join("binary");
    config
        .server
        .listen
        .set_port(crate::support::process::free_port());
    config.server.public_url = doorward::base::config::Origin::parse(&format!(
        "http://localhost:{}",
        config.server.listen.port()
    ))
    .expect("an origin");
    config
}

#[test]
fn no_acknowledged_change_is_missing_after_twenty_kills_embedded() {
    let server = TestServer::embedded();
    survives_kills(&config_of(&server));
}

#[test]
fn no_acknowledged_change_is_missing_after_twenty_kills_clustered() {
    let server = TestServer::clustered();
    let mut config = config_of(&server);
    let database = crate::support::postgres::Postgres::shared().fresh_database();
    config.database.url = Some(secrecy::SecretString::from(database));
    survives_kills(&config);
}

/// Writes audit events in one transaction, as an operation would; returns how many were acknowledged.
fn write_events(database: &Database, count: usize) -> usize {
    let clock = database.clone();
    let work = database.write(move |conn| {
        let now = clock.now(conn)?;
        for _ in 0..count {
            let event = Event::done("user.updated").subject(UserId::random());
            history::record(conn, now, &Author::command(), event)?;
        }
        Ok::<_, db::Error>(())
    });
    runtime().block_on(work).map_or(0, |()| count)
}

fn a_chain_survives_the_kills_of_its_sealer(config: &Config) {
    const SEALERS: u64 = 6;
    let made = binary::run(config, &["setup-link", "--json"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let database = another_database(config, &Clock::system());
    let master = MasterKey::read(&config.master_key_path()).expect("the key");
    let seal = AuditChain::new(database.clone(), Sealer::new(&master, None, "audit-seal"));
    let look = || runtime().block_on(seal.status()).expect("a status");
    let log = tempfile::NamedTempFile::new().expect("a file");
    let (is_over, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    // Enough for many sealing transactions; more events are added concurrently.
    for _ in 0..12 {
        written.fetch_add(write_events(&database, 500), Ordering::SeqCst);
    }
    let interrupted = std::thread::scope(|scope| {
        let (pouring, is_over, written) = (database.clone(), &is_over, &written);
        scope.spawn(move || {
            let bound = Deadline::after(Duration::from_secs(90));
            while !is_over.load(Ordering::SeqCst) && bound.pause() {
                written.fetch_add(write_events(&pouring, 20), Ordering::SeqCst);
            }
        });
        let mut interrupted = 0;
        for round in 0..SEALERS {
            let before = look().head.position;
            let mut process = binary::serve(config, log.path());
            wait_until("the sealer is at work", Duration::from_secs(20), || {
                look().head.position > before
            });
            // Each round kills a little later, so that all phases are hit.
            let blow = Deadline::after(Duration::from_millis(7 * round));
            while blow.pause() {}
            process.kill();
            interrupted += usize::from(look().unsealed_since.is_some());
            // Ends the lease of the killed process, which would otherwise expire only after ten seconds.
            let freed = database.write(|conn| {
                let free = "update audit_chain_state set holder = null, leased_until = null";
                conn.batch_execute(free).map_err(db::Error::from)
            });
            runtime().block_on(freed).expect("freed");
        }
        is_over.store(true, Ordering::SeqCst);
        interrupted
    });
    assert!(interrupted > 0, "each sealer had ended its work");
    let mut process = binary::serve(config, log.path());
    wait_until("everything is sealed", Duration::from_secs(60), || {
        look().unsealed_since.is_none()
    });
    assert!(process.is_running());
    let verified = binary::run(config, &["audit", "verify", "--json"]);
    assert_eq!(verified.code, 0, "{} {}", verified.output, verified.errors);
    let report = verified.json();
    assert_eq!(
        (&report["faults"], &report["unsealed_since"]),
        (&json!(0), &json!(null)),
        "{report}"
    );
    let sealed = report["sealed"].as_u64().expect("a number");
    let written = written.into_inner() as u64;
    assert!(sealed >= written, "{sealed} of {written} are sealed");
}

#[test]
fn an_audit_chain_stays_valid_when_sealers_are_killed_between_steps_embedded() {
    let server = TestServer::embedded();
    a_chain_survives_the_kills_of_its_sealer(&config_of(&server));
}

#[test]
fn an_audit_chain_stays_valid_when_sealers_are_killed_between_steps_clustered() {
    let server = TestServer::clustered();
    let mut config = config_of(&server);
    let database = crate::support::postgres::Postgres::shared().fresh_database();
    config.database.url = Some(secrecy::SecretString::from(database));
    a_chain_survives_the_kills_of_its_sealer(&config);
}

/// Sets the soft limit of the size of files that a running process may write.
fn limit_files(process: &ChildProcess, limit: &str) {
    let mut command = Command::new("prlimit");
    command.arg(format!("--pid={}", process.id()));
    run(command.arg(format!("--fsize={limit}")), "");
}

#[test]
fn an_embedded_service_with_a_read_only_disk_is_not_ready() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    config.server.data_dir = server.config.server.data_dir.with_file_name("limited");
    config.server.listen.set_port(free_port());
    let log = tempfile::NamedTempFile::new().expect("a file");
    // Without the signal's default action, a write beyond the limit fails, as on a full disk, instead of ending the process.
    let mut command = binary::limited(&config, "trap '' XFSZ");
    let mut process = ChildProcess::spawn(&mut command, log.path());
    let browser = TestBrowser::new(config.server.listen.port(), server.origin());
    let ready = || browser.request("GET", "/readyz").try_send();
    process.wait_until_ready(Duration::from_secs(30), || ready().is_ok());
    let status = || ready().map_or(0, |answer| answer.status);
    assert_eq!(status(), 200);
    limit_files(&process, "1:");
    wait_until("it is not ready", Duration::from_secs(10), || {
        status() == 503
    });
    assert_eq!(browser.get("/healthz").status, 200);
    limit_files(&process, "unlimited:");
    wait_until("it is ready again", Duration::from_secs(10), || {
        status() == 200
    });
}
