//! A Redis that is restored to an earlier state: what was used since then can't be used again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::faults::{server_on, stores};
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::{Answer, TestBrowser, page_user};
use crate::support::process::wait_until;
use crate::support::redis::{Redis, RedisFiles};
use crate::support::relying_party::{TokenSet, redirect_parameters};
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, assertion, session_status};

/// Returns a copy of Redis' data.
pub fn copy(server: &TestServer, redis: &mut Redis) -> RedisFiles {
    redis.stop();
    let files = redis.snapshot_files();
    start(server, redis);
    files
}

/// Restores an earlier copy.
pub fn restore_redis(server: &TestServer, redis: &mut Redis, files: &RedisFiles) {
    redis.stop();
    redis.restore_files(files);
    start(server, redis);
}

fn start(server: &TestServer, redis: &mut Redis) {
    redis.restart();
    wait_until("Redis is back", Duration::from_secs(5), || {
        server.browser().get("/readyz").status == 200
    });
}

/// The finish request of a ceremony, in a browser with the cookies from when the ceremony began.
struct Ceremony {
    browser: TestBrowser,
    path: &'static str,
    finish: Value,
}

impl Ceremony {
    fn log_in(server: &TestServer, person: &mut TestUser) -> Self {
        let browser = server.browser();
        let finish = assertion(&browser, &mut person.device, &Overrides::default());
        Self {
            browser,
            path: "/webauthn/login/finish",
            finish,
        }
    }

    fn step_up(person: &mut TestUser) -> Self {
        let browser = person.another_browser();
        let started = browser.post_json("/webauthn/step-up/start", &json!({}));
        let started = started.json();
        let credential = person
            .device
            .get(&started["publicKey"], &Overrides::default());
        Self {
            browser,
            path: "/webauthn/step-up/finish",
            finish: json!({ "ceremony": started["ceremony"], "credential": credential }),
        }
    }

    fn register(browser: TestBrowser, start: &Value) -> Self {
        let mut device = SoftAuthenticator::synced(browser.origin());
        let started = browser.post_json("/webauthn/register/start", start).json();
        let credential = device.create(&started["publicKey"], &Overrides::default());
        Self {
            browser,
            path: "/webauthn/register/finish",
            finish: json!({ "ceremony": started["ceremony"], "credential": credential }),
        }
    }

    /// Sends it from a copy of the browser, which has the cookies from before the first use.
    fn send(&self) -> (TestBrowser, Answer) {
        let browser = self.browser.clone();
        let answer = browser.post_json(self.path, &self.finish);
        (browser, answer)
    }
}

#[test]
fn a_used_ceremony_cannot_be_used_again() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let ada = server.create_user(&root, "ada");
    let link = root.browser.post_json("/v1/invitations", &json!({})).json();
    let device_link = ada.browser.post_json("/v1/me/device-links", &json!({}));
    let device_link = device_link.json();
    let bob = json!({ "invitation": link["token"], "username": "bob", "display_name": "Bob" });
    let ceremonies = [
        Ceremony::log_in(&server, &mut root),
        Ceremony::step_up(&mut root),
        Ceremony::register(server.browser(), &bob),
        Ceremony::register(
            server.browser(),
            &json!({ "invitation": device_link["token"] }),
        ),
        Ceremony::register(ada.browser.clone(), &json!({})),
    ];
    let before = copy(&server, &mut redis);
    for ceremony in &ceremonies {
        let (browser, used) = ceremony.send();
        assert!(
            [200, 201].contains(&used.status),
            "{}: {used:?}",
            ceremony.path
        );
        assert_eq!(session_status(&browser), 200);
    }
    restore_redis(&server, &mut redis, &before);
    let raised = &ceremonies[1].browser;
    assert_eq!(
        session_status(raised),
        401,
        "the key from before the step-up"
    );
    for ceremony in &ceremonies {
        let was_in = session_status(&ceremony.browser);
        let (browser, again) = ceremony.send();
        assert!(
            [401, 410].contains(&again.status),
            "{}: {again:?}",
            ceremony.path
        );
        assert_eq!(session_status(&browser), was_in, "{}", ceremony.path);
    }
    // The links with which two of them began are used as well.
    for token in [&link["token"], &device_link["token"]] {
        let start = json!({ "invitation": token, "username": "carl", "display_name": "Carl" });
        let started = server
            .browser()
            .post_json("/webauthn/register/start", &start);
        assert_eq!(started.status, 410, "{started:?}");
    }
}

fn approve(browser: &TestBrowser, path: &str) -> Answer {
    let user = page_user(browser).expect("a user");
    let fields = [("answer", "allow"), ("rendered_for", user.as_str())];
    browser.request("POST", path).form(&fields).send()
}

#[test]
fn an_answered_authorization_request_cannot_be_answered_again() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let mut root = server.administrator();
    let app = server.relying_party(|metadata| metadata.require_consent = true);
    let waiting = app.authorize(&root.browser, &[("prompt", "consent")]);
    let path = waiting.header("location").expect("a page").to_owned();
    let before = copy(&server, &mut redis);
    let code = redirect_parameters(&approve(&root.browser, &path))["code"].clone();
    // Answered but not redeemed: the same code is returned again, and can still be used once.
    restore_redis(&server, &mut redis, &before);
    let browser = root.browser.clone();
    assert_eq!(root.sign_in_at(&browser).status, 200);
    let held = TokenSet::read(&app.redeem(&code));
    let again = approve(&browser, &path);
    assert_eq!(again.status, 410, "{again:?}");
    assert_eq!(app.introspect(&held.access)["active"], json!(true));
    assert_eq!(app.redeem(&code).status, 400);
}
