//! Journeys in a real browser with a virtual authenticator, with both kinds of stores.

mod account;
mod admin;
mod apps;
mod clients;
mod contrast;
mod forms;
mod forward_auth;
mod pages;
mod password_managers;
mod relying_parties;
mod role_assignments;
mod roles;
mod sign_in;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browser::{AuthenticatorOptions, Chromium, Page};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// A user in a real browser: a page, and its authenticator.
pub struct Visitor {
    page: Page,
    authenticator: crate::support::browser::virtual_authenticator::AuthenticatorId,
}

impl Visitor {
    /// Opens a page with an empty synced authenticator that always consents.
    pub fn new(browser: &Chromium) -> Self {
        let page = browser.page();
        let authenticator = page.add_authenticator(&AuthenticatorOptions {
            default_backup_eligibility: true,
            default_backup_state: true,
            ..AuthenticatorOptions::default()
        });
        Self {
            page,
            authenticator,
        }
    }

    /// Opens a page with an empty device-bound authenticator, which has a signature counter.
    pub fn device_bound(browser: &Chromium) -> Self {
        let page = browser.page();
        let authenticator = page.add_authenticator(&AuthenticatorOptions::default());
        Self {
            page,
            authenticator,
        }
    }

    fn passkeys(&self) -> usize {
        self.page.credentials(&self.authenticator).len()
    }

    fn wait_for_path(&self, path: &str) {
        let path = json!(path);
        self.page.wait_for(&format!(
            "location.pathname === {path} && document.readyState === 'complete'"
        ));
    }

    /// Opens an invitation and registers.
    fn join(&self, link: &str) {
        self.page.goto(link);
        let is_nameless = "document.querySelector('#display_name')?.value === ''";
        if self.page.evaluate(is_nameless) == json!(true) {
            self.page.fill("#display_name", "Somebody New");
        }
        self.page.click("#register-button");
        self.wait_for_path("/welcome");
    }

    /// Lets the authenticator respond, and presses the button of the sign-in page. The conditional request of the field may
    /// succeed first, and then the page has been left before the button could be pressed.
    fn sign_in_by_button(&self) {
        self.page.set_presence_simulation(&self.authenticator, true);
        self.page
            .wait_for("(document.querySelector('#sign-in-button')?.click(), true)");
    }

    fn one_time_link(&self) -> String {
        self.page
            .wait_for("document.querySelector('#one-time-link')");
        let link = self
            .page
            .evaluate("document.querySelector('#one-time-link').value");
        link.as_str().expect("a link").to_owned()
    }

    /// Opens all collapsed sections.
    fn expand_details(&self) {
        self.page
            .evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })");
    }

    /// Opens the set-up link and registers the first administrator.
    fn set_up(&self, server: &TestServer) {
        let token = server.set_up_token();
        self.page
            .goto(&format!("{}/setup/{token}", server.origin()));
        self.page.fill("#username", "root");
        self.page.fill("#display_name", "Root Admin");
        self.page.click("#register-button");
        self.wait_for_path("/welcome");
    }

    fn fetch(&self, path: &str) -> Value {
        let script = format!(
            "fetch({}).then(async a => ({{status: a.status, body: await a.json()}}))",
            json!(path)
        );
        self.page.evaluate(&script)
    }

    /// Checks that the browser reported no errors, except responses that the journey provoked.
    fn assert_clean(&self) {
        let faults: Vec<String> = self
            .page
            .console_errors()
            .into_iter()
            .filter(|error| !error.contains("Failed to load resource"))
            .collect();
        assert_eq!(faults, Vec::<String>::new());
    }

    /// Checks that the current page fits in each size and colour scheme. If DOORWARD_PICTURES names a folder,
    /// saves pictures there.
    fn assert_fits_every_screen(&self, name: &str) {
        for (width, height, dark) in [
            (390, 844, false),
            (390, 844, true),
            (1280, 900, true),
            (1280, 900, false),
        ] {
            self.page.set_viewport(width, height, width < 500);
            self.page.set_dark(dark);
            self.assert_fits();
            if let Some(folder) = std::env::var_os("DOORWARD_PICTURES") {
                let colour = if dark { "dark" } else { "light" };
                let file = format!("{name}-{width}-{colour}.png");
                self.page
                    .screenshot(&std::path::Path::new(&folder).join(file));
            }
        }
    }

    fn assert_fits(&self) {
        let over = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        let widest = self.page.evaluate(
            "[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
               .slice(0, 5).map((one) => one.outerHTML.slice(0, 160))",
        );
        assert_eq!(
            over,
            json!(0),
            "{} is wider than the window: {widest}",
            self.page.url()
        );
    }
}

/// Invites a user through the API; returns the link.
fn invitation(administrator: &TestUser, body: &Value) -> String {
    let link = administrator.browser.post_json("/v1/invitations", body);
    assert_eq!(link.status, 201, "{}", link.text());
    link.json()["url"].as_str().expect("a link").to_owned()
}

/// Polls until the server's state is as expected.
fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    crate::support::process::wait_until(what, Duration::from_secs(10), is_so);
}
