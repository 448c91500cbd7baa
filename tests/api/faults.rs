//! Stores that stop, come back, or lose data: nothing is allowed without a check, and nothing acknowledged is lost.

use std::time::Duration;

use doorward::clients::Algorithm;
use doorward::history::Author;
use doorward::testing::{CompromisedKeys, KeyError, SignError, VerifyError};
use serde_json::json;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::{Answer, TestBrowser};
use crate::support::logged_errors;
use crate::support::postgres::{Authentication, Postgres, PostgresOptions};
use crate::support::process::wait_until;
use crate::support::redis::{Redis, RedisOptions};
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, assertion, register, session_status, sign_in};

pub fn stores() -> (Postgres, Redis) {
    logged_errors::watch();
    let postgres = Postgres::start(PostgresOptions::default());
    postgres.create_database("doorward");
    (postgres, Redis::start(RedisOptions::default()))
}

pub fn server_on(postgres: &Postgres, redis: &Redis) -> TestServer {
    TestServer::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1500);
    })
}

fn is_unavailable(answer: &Answer) -> bool {
    logged_errors::assert_stated(answer);
    answer.status == 503
        && answer.header("retry-after").is_some()
        && answer.problem_type() == "urn:doorward:problem:unavailable"
}

#[test]
fn without_redis_sessions_are_kept_and_access_is_refused() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let waiting = assertion(&root.browser, &mut root.device, &Overrides::default());
    redis.kill();
    for _ in 0..10 {
        let answer = root.browser.get("/v1/session");
        assert!(
            is_unavailable(&answer),
            "{} {}",
            answer.status,
            answer.text()
        );
        assert!(
            answer.headers_named("set-cookie").is_empty(),
            "the cookie stays"
        );
        assert_eq!(
            session_status(&server.browser()),
            401,
            "no cookie, no session"
        );
    }
    assert!(is_unavailable(
        &root.browser.post_json("/webauthn/login/start", &json!({}))
    ));
    assert!(is_unavailable(
        &root.browser.post_json("/webauthn/login/finish", &waiting)
    ));
    assert!(is_unavailable(&root.browser.delete("/v1/session")));
    wait_until("it is not ready", Duration::from_secs(3), || {
        is_unavailable(&root.browser.get("/readyz"))
    });
    assert_eq!(root.browser.get("/healthz").status, 200);
    let operator = TestBrowser::new(server.operator_port(), server.origin());
    let parts = operator.get("/readyz").json();
    assert_eq!(parts["parts"][0]["fault"], json!(null));
    assert!(parts["parts"][1]["fault"].is_string(), "{parts}");
    redis.restart();
    wait_until(
        "the same cookie is good again",
        Duration::from_secs(2),
        || root.session_status() == 200,
    );
    wait_until("it is ready again", Duration::from_secs(2), || {
        root.browser.get("/readyz").status == 200
    });
    assert_eq!(
        root.browser
            .post_json("/webauthn/login/finish", &waiting)
            .status,
        200
    );
}

#[test]
fn an_unresponsive_redis_is_unavailable_within_the_timeout() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    redis.pause();
    let started = doorward::base::clock::Stopwatch::start();
    assert!(is_unavailable(&root.browser.get("/v1/session")));
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    redis.resume();
    wait_until("checks are answered again", Duration::from_secs(2), || {
        root.session_status() == 200
    });
}

#[test]
fn a_redis_restored_to_before_a_revocation_gives_no_access() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    assert_eq!(ada.session_status(), 200);
    redis.stop();
    let before = redis.snapshot_files();
    redis.restart();
    wait_until("Redis is back", Duration::from_secs(2), || {
        root.session_status() == 200
    });
    let path = format!("/v1/users/ada/passkeys/{}", ada.passkey);
    assert_eq!(root.browser.delete(&path).status, 200);
    assert_eq!(ada.session_status(), 401);
    redis.stop();
    redis.restore_files(&before);
    redis.restart();
    wait_until("Redis is back", Duration::from_secs(2), || {
        root.session_status() == 200
    });
    wait_until("the revoked one is refused", Duration::from_secs(2), || {
        ada.session_status() == 401
    });
}

#[test]
fn without_the_database_checks_continue_and_changes_are_refused() {
    let (mut postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let waiting = assertion(&root.browser, &mut root.device, &Overrides::default());
    assert_eq!(root.session_status(), 200);
    postgres.kill();
    assert_eq!(
        root.session_status(),
        200,
        "the account state record still exists"
    );
    let refused = [
        root.browser.post_json("/webauthn/login/finish", &waiting),
        root.browser.get("/v1/users/root"),
        root.browser
            .patch_json("/v1/me", &json!({ "display_name": "x" })),
        root.browser
            .post_json("/v1/invitations", &json!({ "username": "ada" })),
    ];
    for answer in &refused {
        assert!(
            is_unavailable(answer),
            "{} {}",
            answer.status,
            answer.text()
        );
    }
    // After the record has expired, the state is unknown, and nothing is allowed.
    redis.cli(&["FLUSHDB"]);
    assert_eq!(
        root.session_status(),
        401,
        "without a session, access is refused"
    );
    postgres.restart();
    wait_until("sign-ins work again", Duration::from_secs(2), || {
        sign_in(&server.browser(), &mut root.device, &Overrides::default()).status == 200
    });
}

#[test]
fn held_roles_are_not_reported_without_the_stores() {
    let (mut postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let (id, secret) = server.client(&["users:read", "role-assignments:read"]);
    let roles = format!("/v1/users/{}/roles", root.id);
    let wanted = json!({ "ids": [root.id] });
    let by_session = || {
        [
            root.browser.get(&roles),
            root.browser.post_json("/v1/users/lookup", &wanted),
        ]
    };
    let by_client = || {
        let browser = server.browser();
        let asked = browser.request("GET", &roles).basic(&id, &secret).send();
        let looked_up = browser
            .request("POST", "/v1/users/lookup")
            .without_same_origin()
            .basic(&id, &secret)
            .json(&wanted)
            .send();
        [asked, looked_up]
    };
    let are = |wanted: fn(&Answer) -> bool, answers: Vec<Answer>| {
        for answer in &answers {
            assert!(wanted(answer), "{} {}", answer.status, answer.text());
        }
    };
    let all = || -> Vec<Answer> { by_session().into_iter().chain(by_client()).collect() };
    are(|answer| answer.status == 200, all());
    postgres.kill();
    are(is_unavailable, all());
    postgres.restart();
    wait_until("both are answered again", Duration::from_secs(5), || {
        let mut answers = by_session().into_iter().chain(by_client());
        answers.all(|answer| answer.status == 200)
    });
    redis.kill();
    are(is_unavailable, by_session().into());
}

#[test]
fn an_unknown_account_state_does_not_allow_access() {
    let (mut postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    postgres.kill();
    let key = doorward::account_state::AccountStates::key(root.id.parse().expect("an id"));
    redis.cli(&["DEL", &key]);
    assert!(is_unavailable(&root.browser.get("/v1/session")));
    postgres.restart();
    wait_until("checks are answered again", Duration::from_secs(2), || {
        root.session_status() == 200
    });
}

#[test]
fn an_unresponsive_database_is_unavailable_within_the_timeout() {
    let (mut postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    postgres.pause();
    let started = doorward::base::clock::Stopwatch::start();
    assert!(is_unavailable(&root.browser.get("/v1/users/root")));
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
    postgres.resume();
    wait_until("it answers again", Duration::from_secs(5), || {
        root.browser.get("/v1/users/root").status == 200
    });
}

#[test]
fn a_passkey_signs_in_after_a_dump_is_restored_on_an_empty_server() {
    let (postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let dump = postgres.pg_dump("doorward");
    let elsewhere = Postgres::start(PostgresOptions::default());
    elsewhere.create_database("restored");
    elsewhere.restore("restored", &dump);
    let empty = Redis::start(RedisOptions::default());
    let restored = TestServer::on(&elsewhere.url("restored"), &empty.url(), |config| {
        config.secrets = server.config.secrets.clone();
        config.server.public_url = server.config.server.public_url.clone();
    });
    let browser = TestBrowser::new(restored.port(0), server.origin());
    assert_eq!(session_status(&root.browser.at_port(restored.port(0))), 401);
    let answer = root.sign_in_at(&browser);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["username"], "root");
}

#[test]
fn startup_refuses_a_redis_that_may_evict_keys() {
    let postgres = Postgres::start(PostgresOptions {
        authentication: Authentication::Trust,
        ..PostgresOptions::default()
    });
    postgres.create_database("doorward");
    for options in [
        RedisOptions {
            append_only: false,
            ..RedisOptions::default()
        },
        RedisOptions {
            maxmemory_policy: "allkeys-lru".into(),
            ..RedisOptions::default()
        },
    ] {
        let redis = Redis::start(options);
        let built = std::panic::catch_unwind(|| {
            TestServer::on(&postgres.url("doorward"), &redis.url(), |_| {})
        });
        assert!(built.is_err());
    }
}

#[test]
fn the_embedded_service_registers_users_under_full_read_load() {
    let server = TestServer::embedded();
    let root = server.administrator();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let browser = root.browser.clone();
            scope.spawn(move || (0..50).for_each(|_| assert_eq!(session_status(&browser), 200)));
        }
        for number in 0..10 {
            let person: TestUser = server.create_user(&root, &format!("p{number}"));
            assert_eq!(person.session_status(), 200);
        }
    });
    let mut device = SoftAuthenticator::synced(server.origin());
    assert_eq!(
        register(
            &root.browser,
            &mut device,
            &json!({}),
            &Overrides::default()
        )
        .status,
        201
    );
}

#[test]
fn without_redis_nothing_is_signed_and_a_revoked_key_stays_revoked_afterwards() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let keyring = &server.app.keyring;
    let algorithm = Algorithm::ES256;
    let claims = json!({ "sub": "ada" });
    let sign = || server.run(keyring.sign(algorithm, "JWT", &claims));
    let token = sign().expect("a token");
    redis.kill();
    assert!(matches!(sign(), Err(SignError::Unavailable(_))));
    let which = CompromisedKeys::All(Some(algorithm));
    let pending = server.run(keyring.compromise(which, Author::command()));
    assert!(matches!(pending, Err(KeyError::Pending(_))), "{pending:?}");
    redis.restart();
    wait_until("tokens are checked again", Duration::from_secs(2), || {
        server.run(keyring.key_set()).is_ok_and(|key_set| {
            let judged = key_set.verify::<serde_json::Value>(&token, &["JWT"]);
            assert_eq!(judged, Err(VerifyError::Compromised));
            true
        })
    });
    assert!(sign().is_ok());
}
