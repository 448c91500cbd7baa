//! The account state record, with every order of operations that could restore a withdrawn permission.

use doorward::account_state::{AccountState, AccountStates};
use doorward::base::ids::{PasskeyId, UserId};
use doorward::clients::ActingAs;
use doorward::testing::RevokeAs;
use doorward::users::{Permissions, Permit};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::postgres::{Postgres, PostgresOptions};
use crate::support::process::wait_until;
use crate::support::redis::{Redis, RedisOptions};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn id(person: &TestUser) -> UserId {
    person.id.parse().expect("an id")
}

fn read(server: &TestServer, user: UserId) -> AccountState {
    let account_state = server.run(server.app.account_states.read(user));
    account_state.expect("a result").expect("a user")
}

fn cached(server: &TestServer, user: UserId) -> Option<AccountState> {
    let key = AccountStates::key(user);
    let copies = server
        .run(server.app.ephemeral.get(&[&key]))
        .expect("a result");
    let copy = copies.into_iter().next().flatten()?;
    let record = AccountStates::cached_record(&copy)?.to_owned();
    Some(serde_json::from_str(&record).expect("a record"))
}

/// Creates an administrator, and a user with two passkeys; returns the passkey to be revoked.
fn create_users(server: &TestServer) -> (TestUser, TestUser, PasskeyId) {
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    ada.add_passkey(SoftAuthenticator::synced(server.origin()));
    let passkey = ada.passkey.parse().expect("an id");
    (root, ada, passkey)
}

fn revoke(server: &TestServer, user: UserId, passkey: PasskeyId) -> bool {
    let revoke_as = RevokeAs::Manager(Permissions::Unrestricted);
    let revoked = server
        .app
        .passkeys
        .revoke(user, passkey, None, revoke_as, ActingAs::command());
    server.run(revoked).is_ok()
}

on_both! {
    fn record_and_version_come_from_one_snapshot(server) {
        let (_, ada, passkey) = create_users(server);
        let before = read(server, id(&ada));
        assert!(before.passkeys.contains(&passkey));
        assert!(revoke(server, id(&ada), passkey));
        let after = read(server, id(&ada));
        assert!(after.version > before.version && !after.passkeys.contains(&passkey));
    }

    fn a_slow_reader_does_not_restore_a_revoked_record(server) {
        let (_, ada, passkey) = create_users(server);
        let user = id(&ada);
        // The reader reads …
        let old = read(server, user);
        // … the revocation completes …
        assert!(revoke(server, user, passkey));
        // … and only then does the reader store what it read.
        let stored = server.run(server.app.account_states.store(&old)).expect("a result");
        assert!(!stored);
        assert_eq!(ada.session_status(), 401);
        assert!(!cached(server, user).expect("a copy").passkeys.contains(&passkey));
    }

    fn two_writers_out_of_order_leave_the_newer_record(server) {
        let (_, ada, passkey) = create_users(server);
        let user = id(&ada);
        assert!(revoke(server, user, passkey));
        let first = read(server, user);
        server.run(server.app.users.suspend(user, None, Permit::command())).expect("suspended");
        let second = read(server, user);
        assert!(first.version < second.version);
        // The later version arrives first.
        server.run(server.app.ephemeral.remove(&AccountStates::key(user))).expect("removed");
        assert!(server.run(server.app.account_states.store(&second)).expect("a result"));
        assert!(!server.run(server.app.account_states.store(&first)).expect("a result"));
        assert_eq!(cached(server, user), Some(second));
    }

    fn a_repeated_store_of_the_same_version_changes_nothing(server) {
        let (_, ada, _) = create_users(server);
        let record = read(server, id(&ada));
        server.run(server.app.ephemeral.remove(&AccountStates::key(id(&ada)))).expect("removed");
        assert!(server.run(server.app.account_states.store(&record)).expect("a result"));
        assert!(!server.run(server.app.account_states.store(&record)).expect("a result"));
    }

    fn a_store_that_lost_its_last_write_is_detected_by_polling(server) {
        let second = server.another_instance();
        let (_, ada, passkey) = create_users(server);
        let user = id(&ada);
        let old = read(server, user);
        assert!(revoke(server, user, passkey));
        // The store fails over to a copy from before the revocation.
        let lose = |server: &TestServer| {
            let key = AccountStates::key(user);
            server.run(server.app.ephemeral.remove(&key)).expect("removed");
            assert!(server.run(server.app.account_states.store(&old)).expect("a result"));
        };
        lose(server);
        // The instance that revoked the passkey refuses immediately.
        assert_eq!(ada.session_status(), 401);
        // Another instance refuses within two seconds, although the old copy is still there.
        lose(server);
        let elsewhere = ada.browser.at_port(server.port(second));
        wait_until("the other instance refuses", std::time::Duration::from_secs(2), || {
            elsewhere.get("/v1/session").status == 401
        });
    }

    fn an_instance_that_starts_on_a_store_that_lost_its_last_write_refuses_the_first_request(server) {
        let (_, ada, passkey) = create_users(server);
        let user = id(&ada);
        let old = read(server, user);
        assert!(revoke(server, user, passkey));
        server.run(server.app.ephemeral.remove(&AccountStates::key(user))).expect("removed");
        assert!(server.run(server.app.account_states.store(&old)).expect("a result"));
        server.restart(0);
        assert_eq!(ada.session_status(), 401);
    }

    fn an_unreadable_copy_is_ignored(server) {
        let (_, ada, _) = create_users(server);
        let key = AccountStates::key(id(&ada));
        for rubbish in ["", "rubbish", "9:", "9:{}", ":"] {
            let put = server.app.ephemeral.put(&key, rubbish, std::time::Duration::from_secs(60));
            server.run(put).expect("put");
            assert_eq!(ada.session_status(), 200, "{rubbish:?}");
        }
    }

    fn a_record_stored_under_another_users_key_is_ignored(server) {
        let (root, ada, _) = create_users(server);
        let of_root = server.run(server.app.ephemeral.get(&[&AccountStates::key(id(&root))])).expect("a result");
        let of_root = of_root.into_iter().next().flatten().expect("a copy");
        let key = AccountStates::key(id(&ada));
        server.run(server.app.ephemeral.put(&key, &of_root, std::time::Duration::from_secs(60))).expect("put");
        let session = ada.browser.get("/v1/session");
        assert_eq!(session.json()["user"]["username"], "ada");
    }

    fn a_session_newer_than_the_cached_record_forces_a_reread(server) {
        let (_, ada, _) = create_users(server);
        let user = id(&ada);
        let old = read(server, user);
        assert_eq!(ada.browser.delete("/v1/me/sessions").status, 200);
        server.run(server.app.ephemeral.remove(&AccountStates::key(user))).expect("removed");
        assert!(server.run(server.app.account_states.store(&old)).expect("a result"));
        assert_eq!(ada.session_status(), 200);
    }
}

/// The change is committed but the store is unavailable: the response is 503, the request is safe to repeat, and access is
/// refused once requests can be handled again.
#[test]
fn a_change_that_is_not_in_effect_is_pending_and_safe_to_repeat() {
    let postgres = Postgres::start(PostgresOptions::default());
    postgres.create_database("doorward");
    let mut redis = Redis::start(RedisOptions::default());
    let server = TestServer::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = std::time::Duration::from_millis(500);
    });
    let (_, ada, passkey) = create_users(&server);
    let user = id(&ada);
    let old = read(&server, user);
    redis.kill();
    assert!(
        !revoke(&server, user, passkey),
        "committed, but not in effect"
    );
    assert!(!read(&server, user).passkeys.contains(&passkey));
    assert_eq!(ada.session_status(), 503, "access is refused meanwhile");
    redis.restart();
    wait_until(
        "checks are answered again",
        std::time::Duration::from_secs(2),
        || ada.session_status() != 503,
    );
    assert_eq!(ada.session_status(), 401);
    // Even if the store contains the record from before the change again.
    server
        .run(server.app.ephemeral.remove(&AccountStates::key(user)))
        .expect("removed");
    server
        .run(server.app.account_states.store(&old))
        .expect("a result");
    assert_eq!(ada.session_status(), 401);
    assert!(
        revoke(&server, user, passkey),
        "repeating it completes the change"
    );
}

/// The same for the embedded store, whose file is locked while the service runs.
#[test]
fn a_change_on_an_embedded_store_that_fails_is_pending() {
    let server = TestServer::embedded_with(|config| {
        config.redis.timeout = std::time::Duration::from_millis(300)
    });
    let (_, ada, passkey) = create_users(&server);
    let path = server.config.server.data_dir.join("ephemeral.db");
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
    assert!(!revoke(&server, id(&ada), passkey));
    drop(lock.stdin.take());
    lock.wait().expect("an exit status");
    // This instance's minimum version refuses the outdated copy.
    assert_eq!(ada.session_status(), 401);
    assert!(revoke(&server, id(&ada), passkey));
}
