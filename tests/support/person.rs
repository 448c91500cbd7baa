//! Somebody with a browser and a passkey, and the journeys that they make.

use serde_json::{Value, json};

use super::authenticator::{Overrides, SoftAuthenticator};
use super::http::{Answer, Browserless};

/// A person who has a passkey.
#[derive(Clone)]
pub struct Person {
    /// Where they are signed in.
    pub browser: Browserless,
    /// Where their passkeys are.
    pub device: SoftAuthenticator,
    /// Their id.
    pub id: String,
    /// Their unique name.
    pub username: String,
    /// The id of their first passkey.
    pub passkey: String,
}

impl Person {
    /// Registers by what `start` says (`setup`, `invitation`), and is signed in.
    pub fn enrol(browser: Browserless, mut device: SoftAuthenticator, start: &Value) -> Self {
        let answer = register(&browser, &mut device, start, &Overrides::default());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.json();
        let text = |pointer: &str| {
            let value = body.pointer(pointer).and_then(Value::as_str);
            value.expect("a member of the answer").to_owned()
        };
        Self {
            id: text("/user/id"),
            username: text("/user/username"),
            passkey: text("/passkey/id"),
            browser,
            device,
        }
    }

    /// Signs in with their device in `browser`.
    pub fn sign_in_at(&mut self, browser: &Browserless) -> Answer {
        sign_in(browser, &mut self.device, &Overrides::default())
    }

    /// Signs in in a browser of its own; returns that browser.
    pub fn another_browser(&mut self) -> Browserless {
        let browser = self.browser.without_cookies();
        let answer = self.sign_in_at(&browser);
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    /// Proves once more that it is them.
    pub fn step_up(&mut self) -> Answer {
        step_up(&self.browser, &mut self.device, &Overrides::default())
    }

    /// Adds a passkey on another device; returns the device and the passkey's id.
    pub fn add_passkey(&self, mut device: SoftAuthenticator) -> (SoftAuthenticator, String) {
        let answer = register(
            &self.browser,
            &mut device,
            &json!({}),
            &Overrides::default(),
        );
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["passkey"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        (device, id)
    }

    /// The status of a session check with their cookie.
    pub fn session_status(&self) -> u16 {
        session_status(&self.browser)
    }
}

/// The status of a session check in a browser.
pub fn session_status(browser: &Browserless) -> u16 {
    browser.get("/v1/session").status
}

/// Start and finish of a registration.
pub fn register(
    browser: &Browserless,
    device: &mut SoftAuthenticator,
    start: &Value,
    overrides: &Overrides,
) -> Answer {
    let started = browser.post_json("/webauthn/register/start", start);
    if started.status != 200 {
        return started;
    }
    let started = started.json();
    let credential = device.create(&started["publicKey"], overrides);
    let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
    browser.post_json("/webauthn/register/finish", &finish)
}

/// Start of a sign-in and the authenticator's answer: the body of the finish.
pub fn assertion(
    browser: &Browserless,
    device: &mut SoftAuthenticator,
    overrides: &Overrides,
) -> Value {
    let started = browser.post_json("/webauthn/login/start", &json!({}));
    assert_eq!(started.status, 200, "{}", started.text());
    let started = started.json();
    let credential = device.get(&started["publicKey"], overrides);
    json!({ "ceremony": started["ceremony"], "credential": credential })
}

/// Start and finish of a sign-in.
pub fn sign_in(
    browser: &Browserless,
    device: &mut SoftAuthenticator,
    overrides: &Overrides,
) -> Answer {
    let finish = assertion(browser, device, overrides);
    browser.post_json("/webauthn/login/finish", &finish)
}

/// Start and finish of a step-up.
pub fn step_up(
    browser: &Browserless,
    device: &mut SoftAuthenticator,
    overrides: &Overrides,
) -> Answer {
    let started = browser.post_json("/webauthn/step-up/start", &json!({}));
    if started.status != 200 {
        return started;
    }
    let started = started.json();
    let credential = device.get(&started["publicKey"], overrides);
    let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
    browser.post_json("/webauthn/step-up/finish", &finish)
}
