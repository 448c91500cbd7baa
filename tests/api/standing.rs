//! The account state record, with every order of operations that could restore a withdrawn permission.

use doorward::base::ids::{PasskeyId, UserId};
use doorward::clients::ActingAs;
use doorward::passkeys::Right;
use doorward::standing::{Standing, Standings};
use doorward::users::Authority;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::house::House;
use crate::support::person::Person;
use crate::support::postgres::{Postgres, PostgresOptions};
use crate::support::process::wait_until;
use crate::support::redis::{Redis, RedisOptions};

fn id(person: &Person) -> UserId {
    person.id.parse().expect("an id")
}

fn read(house: &House, user: UserId) -> Standing {
    let standing = house.run(house.app.standings.read(user));
    standing.expect("an answer").expect("a person")
}

fn cached(house: &House, user: UserId) -> Option<Standing> {
    let key = Standings::key(user);
    let copies = house
        .run(house.app.ephemeral.get(&[&key]))
        .expect("an answer");
    let copy = copies.into_iter().next().flatten()?;
    let record = Standings::record_in(&copy)?.to_owned();
    Some(serde_json::from_str(&record).expect("a record"))
}

/// Creates an administrator, and a user with two passkeys; returns the passkey to be revoked.
fn people(house: &House) -> (Person, Person, PasskeyId) {
    let root = house.administrator();
    let ada = house.person(&root, "ada");
    ada.add_passkey(SoftAuthenticator::synced(house.origin()));
    let passkey = ada.passkey.parse().expect("an id");
    (root, ada, passkey)
}

fn revoke(house: &House, user: UserId, passkey: PasskeyId) -> bool {
    let right = Right::Over(Authority::Administrator);
    let revoked = house
        .app
        .passkeys
        .revoke(user, passkey, None, right, ActingAs::command());
    house.run(revoked).is_ok()
}

on_both! {
    fn record_and_version_are_of_one_snapshot(house) {
        let (_, ada, passkey) = people(house);
        let before = read(house, id(&ada));
        assert!(before.passkeys.contains(&passkey));
        assert!(revoke(house, id(&ada), passkey));
        let after = read(house, id(&ada));
        assert!(after.version > before.version && !after.passkeys.contains(&passkey));
    }

    fn a_slow_reader_does_not_put_back_what_was_revoked(house) {
        let (_, ada, passkey) = people(house);
        let user = id(&ada);
        // The reader reads …
        let old = read(house, user);
        // … the revocation completes …
        assert!(revoke(house, user, passkey));
        // … and only then does the reader store what it read.
        let stored = house.run(house.app.standings.store(&old)).expect("an answer");
        assert!(!stored);
        assert_eq!(ada.session_status(), 401);
        assert!(!cached(house, user).expect("a copy").passkeys.contains(&passkey));
    }

    fn two_writers_out_of_order_leave_the_newer_record(house) {
        let (_, ada, passkey) = people(house);
        let user = id(&ada);
        assert!(revoke(house, user, passkey));
        let first = read(house, user);
        house.run(house.app.users.suspend(user, None, Authority::Administrator, ActingAs::command())).expect("suspended");
        let second = read(house, user);
        assert!(first.version < second.version);
        // The later version arrives first.
        house.run(house.app.ephemeral.remove(&Standings::key(user))).expect("removed");
        assert!(house.run(house.app.standings.store(&second)).expect("an answer"));
        assert!(!house.run(house.app.standings.store(&first)).expect("an answer"));
        assert_eq!(cached(house, user), Some(second));
    }

    fn a_repeated_store_of_the_same_version_changes_nothing(house) {
        let (_, ada, _) = people(house);
        let record = read(house, id(&ada));
        house.run(house.app.ephemeral.remove(&Standings::key(id(&ada)))).expect("removed");
        assert!(house.run(house.app.standings.store(&record)).expect("an answer"));
        assert!(!house.run(house.app.standings.store(&record)).expect("an answer"));
    }

    fn a_store_that_lost_its_last_write_is_not_believed_for_long(house) {
        let second = house.another_instance();
        let (_, ada, passkey) = people(house);
        let user = id(&ada);
        let old = read(house, user);
        assert!(revoke(house, user, passkey));
        // The store fails over to a copy from before the revocation.
        let lose = |house: &House| {
            let key = Standings::key(user);
            house.run(house.app.ephemeral.remove(&key)).expect("removed");
            assert!(house.run(house.app.standings.store(&old)).expect("an answer"));
        };
        lose(house);
        // The instance that revoked the passkey refuses immediately.
        assert_eq!(ada.session_status(), 401);
        // Another instance refuses within two seconds, although the old copy is still there.
        lose(house);
        let elsewhere = ada.browser.at_port(house.port(second));
        wait_until("the other instance refuses", std::time::Duration::from_secs(2), || {
            elsewhere.get("/v1/session").status == 401
        });
    }

    fn an_instance_that_starts_on_a_store_that_lost_its_last_write_refuses_from_its_first_answer(house) {
        let (_, ada, passkey) = people(house);
        let user = id(&ada);
        let old = read(house, user);
        assert!(revoke(house, user, passkey));
        house.run(house.app.ephemeral.remove(&Standings::key(user))).expect("removed");
        assert!(house.run(house.app.standings.store(&old)).expect("an answer"));
        house.restart(0);
        assert_eq!(ada.session_status(), 401);
    }

    fn a_copy_that_can_not_be_read_is_none(house) {
        let (_, ada, _) = people(house);
        let key = Standings::key(id(&ada));
        for rubbish in ["", "rubbish", "9:", "9:{}", ":"] {
            let put = house.app.ephemeral.put(&key, rubbish, std::time::Duration::from_secs(60));
            house.run(put).expect("put");
            assert_eq!(ada.session_status(), 200, "{rubbish:?}");
        }
    }

    fn somebody_elses_record_is_nobodys(house) {
        let (root, ada, _) = people(house);
        let of_root = house.run(house.app.ephemeral.get(&[&Standings::key(id(&root))])).expect("an answer");
        let of_root = of_root.into_iter().next().flatten().expect("a copy");
        let key = Standings::key(id(&ada));
        house.run(house.app.ephemeral.put(&key, &of_root, std::time::Duration::from_secs(60))).expect("put");
        let session = ada.browser.get("/v1/session");
        assert_eq!(session.json()["user"]["username"], "ada");
    }

    fn a_session_ahead_of_the_record_makes_the_gate_read_a_newer_one(house) {
        let (_, ada, _) = people(house);
        let user = id(&ada);
        let old = read(house, user);
        assert_eq!(ada.browser.delete("/v1/me/sessions").status, 200);
        house.run(house.app.ephemeral.remove(&Standings::key(user))).expect("removed");
        assert!(house.run(house.app.standings.store(&old)).expect("an answer"));
        assert_eq!(ada.session_status(), 200);
    }
}

/// The change is committed but the store is unavailable: the response is 503, the request is safe to repeat, and access is
/// refused once requests can be handled again.
#[test]
fn a_change_that_is_not_in_force_is_pending_and_safe_to_repeat() {
    let postgres = Postgres::start(PostgresOptions::default());
    postgres.create_database("doorward");
    let mut redis = Redis::start(RedisOptions::default());
    let house = House::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = std::time::Duration::from_millis(500);
    });
    let (_, ada, passkey) = people(&house);
    let user = id(&ada);
    let old = read(&house, user);
    redis.kill();
    assert!(!revoke(&house, user, passkey), "committed, not in force");
    assert!(!read(&house, user).passkeys.contains(&passkey));
    assert_eq!(ada.session_status(), 503, "nobody says yes meanwhile");
    redis.start_again();
    wait_until(
        "checks are answered again",
        std::time::Duration::from_secs(2),
        || ada.session_status() != 503,
    );
    assert_eq!(ada.session_status(), 401);
    // Even if the store contains the record from before the change again.
    house
        .run(house.app.ephemeral.remove(&Standings::key(user)))
        .expect("removed");
    house
        .run(house.app.standings.store(&old))
        .expect("an answer");
    assert_eq!(ada.session_status(), 401);
    assert!(revoke(&house, user, passkey), "repeated, it is in force");
}

/// The same for the embedded store, whose file is locked while the service runs.
#[test]
fn a_change_on_an_embedded_store_that_fails_is_pending() {
    let house =
        House::embedded_with(|config| config.redis.timeout = std::time::Duration::from_millis(300));
    let (_, ada, passkey) = people(&house);
    let path = house.config.server.data_dir.join("ephemeral.db");
    // Another process locks the file for writing.
    let lock = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys;c=sqlite3.connect(sys.argv[1]);c.execute('begin exclusive');print('held',flush=True);sys.stdin.read()"])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut lock = lock.expect("python3");
    let mut held = [0; 4];
    std::io::Read::read_exact(lock.stdout.as_mut().expect("output"), &mut held).expect("held");
    assert!(!revoke(&house, id(&ada), passkey));
    drop(lock.stdin.take());
    lock.wait().expect("an end");
    // This instance's minimum version refuses the outdated copy.
    assert_eq!(ada.session_status(), 401);
    assert!(revoke(&house, id(&ada), passkey));
}
