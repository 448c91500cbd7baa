//! A user with a passkey and a browser without a screen, who moves between a program and Doorward.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::forms::fields_of;
use crate::support::http::{Answer, Request, TestBrowser};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// More redirects and pages than any sign-in has.
const MAX_STEPS: usize = 30;

/// `Accept` header of a browser that opens a page.
const PAGES: &str = "text/html,*/*;q=0.8";

/// Ada Lovelace, `ada@example.com`, who has the role `engineers`, and the administrator who invited her.
pub struct User {
    /// The user's ID, which programs know as `sub`.
    pub id: String,
    root: TestUser,
    /// Whether the user uses the passkey when Doorward requests it.
    pub is_willing: bool,
    issuer: String,
    device: SoftAuthenticator,
    browsers: BTreeMap<String, TestBrowser>,
    doorward: TestBrowser,
}

/// The page shown after all redirects.
#[derive(Debug)]
pub struct Page {
    /// URL of the page.
    pub url: Url,
    /// The response.
    pub answer: Answer,
}

impl Page {
    /// Parses the response as JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.answer.status, 200, "{self:?}");
        self.answer.json()
    }
}

impl User {
    /// Registers the user, who is signed out everywhere.
    pub fn new(server: &TestServer) -> Self {
        let root = server.administrator();
        let role = json!({ "name": "engineers", "description": "" });
        let made = root.browser.post_json("/v1/roles", &role);
        assert_eq!(made.status, 201, "{made:?}");
        let invitation = json!({
            "username": "ada", "display_name": "Ada Lovelace", "email": "ada@example.com",
            "roles": ["engineers"],
        });
        let device = SoftAuthenticator::synced(server.origin());
        let ada = server.create_user_with(&root, &invitation, device);
        Self {
            id: ada.id,
            root,
            is_willing: true,
            issuer: server.origin().to_owned(),
            device: ada.device,
            browsers: BTreeMap::new(),
            doorward: server.browser(),
        }
    }

    /// Opens a page: follows redirects, signs in at Doorward if requested, and gives consent.
    pub fn open(&mut self, url: &str) -> Page {
        self.travel("GET", url, |request| request)
    }

    /// Submits a form from a page of the program.
    pub fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        self.travel("POST", url, |request| request.form(fields))
    }

    /// Returns the value of one of the program's cookies.
    pub fn cookie(&mut self, url: &str, name: &str) -> String {
        let url = Url::parse(url).expect("a URL");
        self.browser(&url).cookie(name).expect("the cookie")
    }

    /// Sends a request as a page of the same origin, and follows redirects and pages.
    fn travel(
        &mut self,
        method: &str,
        url: &str,
        fill: impl FnOnce(Request<'_>) -> Request<'_>,
    ) -> Page {
        let mut url = Url::parse(url).expect("a URL");
        let mut steps = Vec::new();
        let request = self.browser(&url).request(method, path(&url));
        let mut answer = fill(request.header("Accept", PAGES)).send();
        for _ in 0..MAX_STEPS {
            steps.push(format!("{} {url}", answer.status));
            match self.step(&url, &answer) {
                Some(next) => (url, answer) = next,
                None => return Page { url, answer },
            }
        }
        panic!("too many steps: {steps:#?}");
    }

    /// Whether the user is signed in at Doorward.
    pub fn is_signed_in(&mut self) -> bool {
        let issuer = Url::parse(&self.issuer).expect("a URL");
        self.browser(&issuer).get("/v1/session").status == 200
    }

    /// Ends all sessions of the user, as an administrator.
    pub fn lose_sessions(&mut self) {
        let proved = self.root.step_up();
        assert_eq!(proved.status, 200, "{proved:?}");
        let ended = self.root.browser.delete("/v1/users/ada/sessions");
        assert_eq!(ended.status, 200, "{ended:?}");
    }

    /// Performs the next step of the browser, or of the user on Doorward's pages; `None` at the end.
    fn step(&mut self, url: &Url, answer: &Answer) -> Option<(Url, Answer)> {
        if (300..400).contains(&answer.status) {
            let location = answer.header("location").expect("a location");
            return Some(self.get(url.join(location).expect("a URL")));
        }
        if url.origin().ascii_serialization() != self.issuer {
            return None;
        }
        if url.path() == "/login" {
            return self.is_willing.then(|| {
                let next = self.sign_in(url);
                self.get(next)
            });
        }
        let page = answer.text();
        if page.contains("name=\"answer\" value=\"allow\"") {
            let form = self.browser(url).request("POST", url.path());
            return Some((url.clone(), form.page_form(&[("answer", "allow")]).send()));
        }
        // The page's script submits this form (OAuth 2.0 Form Post Response Mode).
        let (_, form) = page.split_once("<form id=\"answer\"")?;
        let (_, action) = form.split_once("action=\"")?;
        let (action, _) = action.split_once('"')?;
        let fields = fields_of(&page, action);
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let to = Url::parse(action).expect("a URL");
        let request = self.browser(&to).request("POST", path(&to));
        let answer = request.header("Accept", PAGES).form(&fields).send();
        Some((to, answer))
    }

    fn get(&mut self, url: Url) -> (Url, Answer) {
        let request = self.browser(&url).request("GET", path(&url));
        let answer = request.header("Accept", PAGES).send();
        (url, answer)
    }

    /// Uses the passkey on the sign-in page; returns the URL that follows.
    fn sign_in(&mut self, url: &Url) -> Url {
        let mut query = url.query_pairs();
        let id = query.find(|(name, _)| name == "continue");
        let start = json!({ "continue": id.map(|(_, id)| id.into_owned()) });
        let mut device = self.device.clone();
        let browser = self.browser(url);
        let started = browser.post_json("/webauthn/login/start", &start).json();
        let credential = device.get(&started["publicKey"], &Overrides::default());
        let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
        let finished = browser.post_json("/webauthn/login/finish", &finish);
        assert_eq!(finished.status, 200, "{finished:?}");
        let next = finished.json()["continue"].as_str().map(str::to_owned);
        url.join(&next.expect("a path")).expect("a URL")
    }

    /// Returns the browser's part for one origin, with its cookies.
    fn browser(&mut self, url: &Url) -> &TestBrowser {
        let origin = url.origin().ascii_serialization();
        let doorward = (origin == self.issuer).then(|| self.doorward.without_cookies());
        self.browsers.entry(origin.clone()).or_insert_with(|| {
            let port = url.port().expect("a port");
            doorward.unwrap_or_else(|| TestBrowser::new(port, &origin))
        })
    }
}

fn path(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}
