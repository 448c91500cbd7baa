//! A Redis that is restored to an earlier state: what was used since then can't be used again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::faults::{house_on, stores};
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::house::House;
use crate::support::http::{Answer, Browserless, page_user};
use crate::support::person::{Person, assertion, session_status};
use crate::support::process::wait_until;
use crate::support::redis::{Redis, RedisFiles};
use crate::support::relying_party::{Issued, sent_back};

/// Returns a copy of Redis' data.
pub fn copy(house: &House, redis: &mut Redis) -> RedisFiles {
    redis.stop();
    let files = redis.snapshot_files();
    start(house, redis);
    files
}

/// Restores an earlier copy.
pub fn set_back(house: &House, redis: &mut Redis, files: &RedisFiles) {
    redis.stop();
    redis.restore_files(files);
    start(house, redis);
}

fn start(house: &House, redis: &mut Redis) {
    redis.start_again();
    wait_until("Redis is back", Duration::from_secs(5), || {
        house.browser().get("/readyz").status == 200
    });
}

/// The finish request of a ceremony, in a browser with the cookies from when the ceremony began.
struct Ceremony {
    browser: Browserless,
    path: &'static str,
    finish: Value,
}

impl Ceremony {
    fn log_in(house: &House, person: &mut Person) -> Self {
        let browser = house.browser();
        let finish = assertion(&browser, &mut person.device, &Overrides::default());
        Self {
            browser,
            path: "/webauthn/login/finish",
            finish,
        }
    }

    fn step_up(person: &mut Person) -> Self {
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

    fn register(browser: Browserless, start: &Value) -> Self {
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
    fn send(&self) -> (Browserless, Answer) {
        let browser = self.browser.clone();
        let answer = browser.post_json(self.path, &self.finish);
        (browser, answer)
    }
}

#[test]
fn no_used_ceremony_is_good_again() {
    let (postgres, mut redis) = stores();
    let house = house_on(&postgres, &redis);
    let mut root = house.administrator();
    let ada = house.person(&root, "ada");
    let link = root.browser.post_json("/v1/invitations", &json!({})).json();
    let device_link = ada.browser.post_json("/v1/me/device-links", &json!({}));
    let device_link = device_link.json();
    let bob = json!({ "invitation": link["token"], "username": "bob", "display_name": "Bob" });
    let ceremonies = [
        Ceremony::log_in(&house, &mut root),
        Ceremony::step_up(&mut root),
        Ceremony::register(house.browser(), &bob),
        Ceremony::register(
            house.browser(),
            &json!({ "invitation": device_link["token"] }),
        ),
        Ceremony::register(ada.browser.clone(), &json!({})),
    ];
    let before = copy(&house, &mut redis);
    for ceremony in &ceremonies {
        let (browser, used) = ceremony.send();
        assert!(
            [200, 201].contains(&used.status),
            "{}: {used:?}",
            ceremony.path
        );
        assert_eq!(session_status(&browser), 200);
    }
    set_back(&house, &mut redis, &before);
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
        let started = house
            .browser()
            .post_json("/webauthn/register/start", &start);
        assert_eq!(started.status, 410, "{started:?}");
    }
}

fn allow(browser: &Browserless, path: &str) -> Answer {
    let user = page_user(browser).expect("a user");
    let fields = [("answer", "allow"), ("opened_by", user.as_str())];
    browser.request("POST", path).form(&fields).send()
}

#[test]
fn no_answered_authorization_request_is_answered_again() {
    let (postgres, mut redis) = stores();
    let house = house_on(&postgres, &redis);
    let mut root = house.administrator();
    let app = house.party(|metadata| metadata.require_consent = true);
    let waiting = app.authorize(&root.browser, &[("prompt", "consent")]);
    let path = waiting.header("location").expect("a page").to_owned();
    let before = copy(&house, &mut redis);
    let code = sent_back(&allow(&root.browser, &path))["code"].clone();
    // Answered but not redeemed: the same code is returned again, and can still be used once.
    set_back(&house, &mut redis, &before);
    let browser = root.browser.clone();
    assert_eq!(root.sign_in_at(&browser).status, 200);
    let held = Issued::read(&app.redeem(&code));
    let again = allow(&browser, &path);
    assert_eq!(again.status, 410, "{again:?}");
    assert_eq!(app.introspect(&held.access)["active"], json!(true));
    assert_eq!(app.redeem(&code).status, 400);
}
