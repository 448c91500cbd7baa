//! A user with a browser and a passkey, and their journeys.

use serde_json::{Value, json};

use super::authenticator::{Overrides, SoftAuthenticator};
use super::http::{Answer, TestBrowser};

/// A user who has a passkey.
#[derive(Clone)]
pub struct TestUser {
    /// Browser in which the user is signed in.
    pub browser: TestBrowser,
    /// Authenticator with the user's passkeys.
    pub device: SoftAuthenticator,
    /// The user's ID.
    pub id: String,
    /// The user's username.
    pub username: String,
    /// ID of the user's first passkey.
    pub passkey: String,
}

impl TestUser {
    /// Registers with what `start` contains (`setup`, `invitation`), which also signs in.
    pub fn register(browser: TestBrowser, mut device: SoftAuthenticator, start: &Value) -> Self {
        let answer = register(&browser, &mut device, start, &Overrides::default());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let body = answer.json();
        let text = |pointer: &str| {
            let value = body.pointer(pointer).and_then(Value::as_str);
            value.expect("a member of the response").to_owned()
        };
        Self {
            id: text("/user/id"),
            username: text("/user/username"),
            passkey: text("/passkey/id"),
            browser,
            device,
        }
    }

    /// Signs in with the user's authenticator in `browser`.
    pub fn sign_in_at(&mut self, browser: &TestBrowser) -> Answer {
        sign_in(browser, &mut self.device, &Overrides::default())
    }

    /// Signs in in a new browser and returns it.
    pub fn another_browser(&mut self) -> TestBrowser {
        let browser = self.browser.without_cookies();
        let answer = self.sign_in_at(&browser);
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    /// Performs a step-up with the user's passkey.
    pub fn step_up(&mut self) -> Answer {
        step_up(&self.browser, &mut self.device, &Overrides::default())
    }

    /// Adds a passkey on another authenticator; returns the authenticator and the passkey's ID.
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

    /// Returns the status of a session check with the user's cookie.
    pub fn session_status(&self) -> u16 {
        session_status(&self.browser)
    }
}

/// Returns the status of a session check in a browser.
pub fn session_status(browser: &TestBrowser) -> u16 {
    browser.get("/v1/session").status
}

/// Starts and finishes a registration.
pub fn register(
    browser: &TestBrowser,
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

/// Starts a sign-in; returns the body of the finish request, with the authenticator's response.
pub fn assertion(
    browser: &TestBrowser,
    device: &mut SoftAuthenticator,
    overrides: &Overrides,
) -> Value {
    let started = browser.post_json("/webauthn/login/start", &json!({}));
    assert_eq!(started.status, 200, "{}", started.text());
    let started = started.json();
    let credential = device.get(&started["publicKey"], overrides);
    json!({ "ceremony": started["ceremony"], "credential": credential })
}

/// Starts and finishes a sign-in.
pub fn sign_in(
    browser: &TestBrowser,
    device: &mut SoftAuthenticator,
    overrides: &Overrides,
) -> Answer {
    let finish = assertion(browser, device, overrides);
    browser.post_json("/webauthn/login/finish", &finish)
}

/// Starts and finishes a step-up.
pub fn step_up(
    browser: &TestBrowser,
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
