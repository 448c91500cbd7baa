//! `kill -9` at any moment: what was acknowledged is there after the restart.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use doorward::base::clock::Stopwatch;
use doorward::base::config::Config;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::house::House;
use crate::support::http::Browserless;
use crate::support::person::Person;
use crate::support::process::Deadline;

const KILLS: usize = 20;
const BOUND: Duration = Duration::from_secs(240);

/// What the service said yes to.
#[derive(Default)]
struct Acknowledged {
    registered: BTreeSet<String>,
    revoked: BTreeSet<String>,
}

/// Adds and revokes passkeys in one account until told to stop; a lost answer is no acknowledgement.
fn load(browser: &Browserless, acknowledged: &Mutex<Acknowledged>, is_over: &AtomicBool) {
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

fn add(browser: &Browserless) -> Option<String> {
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
    let browser = Browserless::new(
        config.server.listen.port(),
        config.server.public_url.as_str(),
    );
    let link = binary::run(config, &["setup-link", "--json"]).json();
    let start = json!({ "setup": link["token"], "username": "root", "display_name": "Root" });
    let mut root = Person::enrol(
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
            // A little later each time, so that the blows fall everywhere.
            let blow = Deadline::after(Duration::from_millis(60 + 17 * round as u64));
            while blow.pause() {}
            process.kill();
            is_over.store(true, Ordering::SeqCst);
        });
        process = binary::serve(config, log.path());
        // Still signed in; and fresh again now and then, as the passkeys' owner must be.
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

/// Every passkey of the account, and whether it is revoked.
fn browser_list(root: &Person) -> std::collections::BTreeMap<String, bool> {
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

/// The configuration of a house that is closed again: its stores are for the binary alone.
fn config_of(house: &House) -> Config {
    let mut config = house.config.clone();
    config.server.data_dir = house.config.server.data_dir.join("binary");
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
fn nothing_acknowledged_is_missing_after_twenty_kills_embedded() {
    let house = House::embedded();
    survives_kills(&config_of(&house));
}

#[test]
fn nothing_acknowledged_is_missing_after_twenty_kills_clustered() {
    let house = House::clustered();
    let mut config = config_of(&house);
    let database = crate::support::postgres::Postgres::shared().fresh_database();
    config.database.url = Some(secrecy::SecretString::from(database));
    survives_kills(&config);
}
