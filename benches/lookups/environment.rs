//! A service with people in it: seeded, some of them signed in, an app and a service that ask about them.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::baseline;
use crate::fixture::{Fixture, HOST};
use crate::forward_auth_session::{SESSION_COOKIE, enter};
use crate::load::Requests;
use crate::process::Measured;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::http::{TestBrowser, basic, form_encoded};
use crate::support::population::{self, PopulationUser};
use crate::support::test_user;

/// How many users of the population take part.
const SAMPLE: u64 = 1000;
/// How many of them are signed in.
const SIGNED_IN: usize = 64;
/// How many of these let the app have a token.
const TOKENS: usize = 32;

const CALLBACK: &str = "https://app.example/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered client.
struct Client {
    id: String,
    secret: String,
}

/// A service with people in it, and the baseline beside it.
pub struct BenchEnvironment {
    /// The stores.
    pub fixture: Fixture,
    /// The service.
    pub service: Measured,
    /// What it is compared with.
    pub baseline: Measured,
    /// Resident memory before anybody asked anything.
    pub idle_memory: f64,
    /// People who take part.
    pub sample: Vec<PopulationUser>,
    key: Arc<EcdsaKeyPair>,
    browsers: Vec<TestBrowser>,
    app: Client,
    evaluator: Client,
}

impl BenchEnvironment {
    /// Seeds, starts, signs people in.
    pub fn begin(fixture: Fixture, arguments: &Arguments) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair");
        let begun = Instant::now();
        ask(binary::command(&fixture.config).args(["migrate", "--json"]));
        let sample = population::fill(&fixture.config, fixture.users, &key, SAMPLE);
        println!(
            "{}, {} people, 2 passkeys and 2 grants each: written in {:.1} s.",
            fixture.back_end.name(),
            fixture.users,
            begun.elapsed().as_secs_f64(),
        );
        fixture.settle();
        let app = Client::register(
            &fixture,
            &[
                "app",
                "--redirect-uri",
                CALLBACK,
                "--no-consent",
                "--scope",
                "openid",
                "--scope",
                "roles",
            ],
        );
        let evaluator = Client::register(
            &fixture,
            &[
                "asker",
                "--grant",
                "client_credentials",
                "--scope",
                "users:read",
                "--scope",
                "tokens:introspect",
                "--scope",
                "access:evaluate",
            ],
        );
        let (service, _) = Measured::service(&fixture, &fixture.config);
        let idle_memory = service.memory();
        let baseline = baseline::start(&fixture);
        let mut environment = Self {
            fixture,
            service,
            baseline,
            idle_memory,
            sample,
            key: Arc::new(key),
            browsers: Vec::new(),
            app,
            evaluator,
        };
        if ["session check", "introspection of a JWT", "forward-auth"]
            .iter()
            .any(|workload| arguments.wants(workload))
        {
            environment.sign_people_in();
        }
        environment
    }

    fn sign_people_in(&mut self) {
        let origin = self.fixture.config.server.public_url.as_str().to_owned();
        let port = self.service.address.port();
        for index in 0..SIGNED_IN.min(self.sample.len()) {
            let browser = TestBrowser::new(port, &origin);
            let answer =
                test_user::sign_in(&browser, &mut self.device(index), &Overrides::default());
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.browsers.push(browser);
        }
    }

    /// The authenticator of a person of the sample.
    pub fn device(&self, index: usize) -> SoftAuthenticator {
        let person = &self.sample[index % self.sample.len()];
        let mut device = SoftAuthenticator::synced(self.fixture.config.server.public_url.as_str());
        let handle = person.id.into_bytes().to_vec();
        device.hold(person.credentials[0].clone(), handle, &self.key);
        device
    }

    /// The lines that every request of a browser here has.
    pub fn headers(&self) -> String {
        let origin = &self.fixture.config.server.public_url;
        format!(
            "Host: {}\r\nOrigin: {}\r\n",
            origin.authority(),
            origin.as_str()
        )
    }

    /// `GET /v1/session` in the browsers of those who are signed in.
    pub fn session_checks(&self) -> Requests {
        let cookies = self.browsers.iter().map(session_cookie);
        let request = |cookie: String| self.get("/v1/session", &format!("Cookie: {cookie}\r\n"));
        ok(cookies.map(request).collect())
    }

    /// `POST /oauth2/introspect` with tokens that the app got for people, asked by a service.
    pub fn introspections(&self) -> Requests {
        let browsers = self.browsers.iter().take(TOKENS);
        let tokens = browsers.map(|browser| self.access_token(browser));
        let request = |token: String| self.form("/oauth2/introspect", &format!("token={token}"));
        Requests {
            body_contains: "\"active\":true",
            ..ok(tokens.map(request).collect())
        }
    }

    /// `POST /access/v1/evaluation` by a service: may people all over view a thing on which they hold a role?
    pub fn evaluations(&self) -> Requests {
        let request = |person: &PopulationUser| {
            let question = json!({
                "subject": { "type": "user", "id": person.id },
                "action": { "name": "view" },
                "resource": { "type": "order", "id": person.resources[0] },
            });
            self.post(
                "/access/v1/evaluation",
                "application/json",
                &question.to_string(),
            )
        };
        Requests {
            body_contains: "\"decision\":true",
            ..ok(self.sample.iter().map(request).collect())
        }
    }

    /// `GET /forward-auth` as Caddy and Traefik ask, for people who went through the door of the protected host.
    pub fn forwarded(&self) -> Requests {
        let people = self.browsers.iter().zip(&self.sample);
        let request = |(browser, person): (&TestBrowser, &PopulationUser)| {
            let path = format!("/orders/{}", person.resources[0]);
            let door = enter(browser, &path);
            self.get(
                "/forward-auth",
                &format!(
                    "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: {HOST}\r\n\
                     X-Forwarded-Uri: {path}\r\nCookie: {SESSION_COOKIE}={door}\r\n"
                ),
            )
        };
        ok(people.map(request).collect())
    }

    /// `GET /v1/users/{id}/roles` of people all over, asked by a service.
    pub fn roles(&self) -> Requests {
        let evaluator = format!("Authorization: {}\r\n", self.evaluator.basic());
        let request = |person: &PopulationUser| {
            self.get(&format!("/v1/users/{}/roles", person.id), &evaluator)
        };
        ok(self.sample.iter().map(request).collect())
    }

    /// `GET /.well-known/openid-configuration`.
    pub fn discovery(&self) -> Requests {
        ok(vec![self.get("/.well-known/openid-configuration", "")])
    }

    /// `POST /webauthn/login/start` of browsers that were never here.
    pub fn challenges(&self) -> Requests {
        ok(vec![self.login_start()])
    }

    /// `POST /oauth2/token` of a service on its own behalf.
    pub fn client_tokens(&self) -> Requests {
        ok(vec![
            self.form("/oauth2/token", "grant_type=client_credentials"),
        ])
    }

    fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        let host = self.fixture.config.server.public_url.authority();
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").into_bytes()
    }

    /// A form of the service that asks; it is no page, and has no origin.
    fn form(&self, path: &str, body: &str) -> Vec<u8> {
        self.post(path, "application/x-www-form-urlencoded", body)
    }

    fn post(&self, path: &str, kind: &str, body: &str) -> Vec<u8> {
        let (host, evaluator) = (
            self.fixture.config.server.public_url.authority(),
            self.evaluator.basic(),
        );
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {evaluator}\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// What a page of ours sends to begin a login.
    pub fn login_start(&self) -> Vec<u8> {
        let own = self.headers();
        format!(
            "POST /webauthn/login/start HTTP/1.1\r\n{own}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        )
        .into_bytes()
    }

    /// What the app gets for somebody who is signed in.
    fn access_token(&self, browser: &TestBrowser) -> String {
        let parameters = [
            ("client_id", self.app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid roles"),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", form_encoded(value)))
            .collect();
        let sent = browser.get(&format!("/oauth2/authorize?{}", query.join("&")));
        let location = sent.header("location").expect("a redirect");
        let location = url::Url::parse(location).expect("an address");
        let code = location.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("no code: {location}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let answer = browser
            .without_cookies()
            .request("POST", "/oauth2/token")
            .without_same_origin()
            .form(&form)
            .basic(&self.app.id, &self.app.secret)
            .send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.expect("a token")
    }
}

fn ok(all: Vec<Vec<u8>>) -> Requests {
    Requests {
        all: Arc::new(all),
        status: 200,
        body_contains: "",
    }
}

fn session_cookie(browser: &TestBrowser) -> String {
    let session = browser.cookie("doorward-session").expect("a session");
    format!("doorward-session={session}")
}

/// Runs a command; the document that it prints.
fn ask(command: &mut Command) -> Value {
    let ran = binary::finish(command);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    ran.json()
}

impl Client {
    fn register(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut command = binary::command(&fixture.config);
        command.args(["client", "create", "--json", "--id-token-alg", "ES256"]);
        let told = ask(command.args(arguments));
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    fn basic(&self) -> String {
        basic(&self.id, &self.secret)
    }
}
