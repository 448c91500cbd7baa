//! A service with users, some of them signed in, and with a client that introspects and reads users; the baseline beside it.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::Value;

use crate::baseline;
use crate::fixture::Fixture;
use crate::process::MeasuredProcess;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::http::{TestBrowser, basic, form_encoded};
use crate::support::population::{self, PopulationUser};
use crate::support::test_user;

/// Number of users who take part, evenly distributed over the population.
const SAMPLE: u64 = 1000;
/// Number of users who are signed in: the first of the sample.
const SIGNED_IN: usize = 64;

/// Media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";
const CALLBACK: &str = "https://app.example/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A registered OAuth client.
pub struct Client {
    id: String,
    secret: String,
}

/// A running service and its users, and the running baseline.
pub struct BenchEnvironment {
    /// Stores of the service.
    pub fixture: Fixture,
    /// The measured service.
    pub service: MeasuredProcess,
    /// The baseline.
    pub baseline: MeasuredProcess,
    /// Resident memory of the service before the first request, in MB.
    pub idle_memory: f64,
    /// Users who take part.
    pub sample: Vec<PopulationUser>,
    /// A browser with a session for each of the first users of the sample.
    pub browsers: Vec<TestBrowser>,
    /// A browser with the session of an administrator: the last user of the sample.
    pub administrator: TestBrowser,
    /// The app that users sign in to.
    pub app: Client,
    /// A service with `users:read`, `tokens:introspect` and `access:evaluate`.
    pub api_client: Client,
    key: Arc<EcdsaKeyPair>,
}

impl BenchEnvironment {
    /// Writes the population, registers the clients, starts the service and the baseline, and signs users in.
    pub fn start(fixture: Fixture) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair");
        let start = Instant::now();
        run_command(binary::command(&fixture.config).args(["migrate", "--json"]));
        let sample = population::fill(&fixture.config, fixture.users, &key, SAMPLE);
        println!(
            "{}: {} users with 2 passkeys and 2 role assignments each, written in {:.1} s.",
            fixture.back_end.name(),
            fixture.users,
            start.elapsed().as_secs_f64(),
        );
        fixture.vacuum();
        let app = Client::register(
            &fixture,
            &["app", "--redirect-uri", CALLBACK, "--no-consent"],
            &["openid", "profile", "email", "roles"],
        );
        let api_client = Client::register(
            &fixture,
            &["api-client", "--grant", "client_credentials"],
            &["users:read", "tokens:introspect", "access:evaluate"],
        );
        make_administrator(&fixture, sample.last().expect("a user"));
        let (service, _) = MeasuredProcess::start_service(&fixture, &fixture.config);
        let idle_memory = service.memory();
        let baseline = baseline::start(&fixture);
        let administrator = TestBrowser::new(
            service.address.port(),
            fixture.config.server.public_url.as_str(),
        );
        let mut environment = Self {
            fixture,
            service,
            baseline,
            idle_memory,
            sample,
            browsers: Vec::new(),
            administrator,
            app,
            api_client,
            key: Arc::new(key),
        };
        for index in 0..SIGNED_IN.min(environment.sample.len()) {
            let browser = environment.administrator.without_cookies();
            environment.sign_in(&browser, index);
            environment.browsers.push(browser);
        }
        environment.sign_in(&environment.administrator, environment.sample.len() - 1);
        environment
    }

    /// Signs a user of the sample in.
    fn sign_in(&self, browser: &TestBrowser, index: usize) {
        let mut device = self.device(index);
        let response = test_user::sign_in(browser, &mut device, &Overrides::default());
        assert_eq!(response.status, 200, "{}", response.text());
    }

    /// Returns an authenticator with a passkey of a user of the sample.
    pub fn device(&self, index: usize) -> SoftAuthenticator {
        let user = &self.sample[index % self.sample.len()];
        let mut device = SoftAuthenticator::synced(self.fixture.config.server.public_url.as_str());
        let handle = user.id.into_bytes().to_vec();
        device.hold(user.credentials[0].clone(), handle, &self.key);
        device
    }

    /// Returns the path and query of an authorization request by the app.
    pub fn authorize_path(&self, scope: &str) -> String {
        let parameters = [
            ("client_id", self.app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        format!("/oauth2/authorize?{}", form(&parameters))
    }

    /// Returns the token response that the app gets for a signed-in user.
    pub fn tokens(&self, browser: &TestBrowser, scope: &str) -> Value {
        let redirect = browser.get(&self.authorize_path(scope));
        let location = redirect.header("location").expect("a redirect");
        let response = browser
            .without_cookies()
            .request("POST", "/oauth2/token")
            .without_same_origin()
            .body(code_form(&code_of(location)), FORM)
            .basic(&self.app.id, &self.app.secret)
            .send();
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()
    }
}

/// Returns the form of a token request by the app that redeems a code.
pub fn code_form(code: &str) -> String {
    form(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ])
}

/// Returns the authorization code in the redirect to the app.
pub fn code_of(location: &str) -> String {
    let location = url::Url::parse(location).expect("a URL");
    let code = location.query_pairs().find(|(name, _)| name == "code");
    let (_, code) = code.unwrap_or_else(|| panic!("no code: {location}"));
    code.into_owned()
}

/// Encodes a form or a query.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", form_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Assigns the role `admin` to a user.
fn make_administrator(fixture: &Fixture, user: &PopulationUser) {
    let mut command = binary::command(&fixture.config);
    command.args(["user", "update", "--json", "--add-role", "admin"]);
    run_command(command.arg(user.id.to_string()));
}

/// Runs a command of `doorward` and returns the JSON that it prints.
fn run_command(command: &mut Command) -> Value {
    let output = binary::finish(command);
    assert_eq!(output.code, 0, "{}", output.errors);
    output.json()
}

impl Client {
    /// Registers a client with further arguments of `doorward client create`, its name among them.
    fn register(fixture: &Fixture, arguments: &[&str], scopes: &[&str]) -> Self {
        let mut command = binary::command(&fixture.config);
        command.args(["client", "create", "--json", "--id-token-alg", "ES256"]);
        let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]);
        let registered = run_command(command.args(arguments).args(scopes));
        let text = |name: &str| registered[name].as_str().expect("a string").to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    /// Returns the client's `Authorization` header (HTTP Basic).
    pub fn authorization(&self) -> String {
        format!("Authorization: {}\r\n", basic(&self.id, &self.secret))
    }
}
