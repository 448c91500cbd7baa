//! Flows at the token endpoint: an authorization code and its redemption, the redemption alone, and refresh.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::environment::{BenchEnvironment, FORM, code_form, code_of, form};
use crate::load::{Connection, Driver, Expected, Outcome, micros_since, run_clients};
use crate::requests::session_cookie;

const SCOPE: &str = "openid profile email roles";
/// How long codes are collected before a run at most: they expire after a minute.
const MAX_PREPARATION: Duration = Duration::from_secs(20);

/// The app and one signed-in user's browser. Both use the same connection.
#[derive(Clone)]
struct AppClient {
    /// Authorization request by the browser.
    authorize: Rc<Vec<u8>>,
    /// Request line and headers of the app's token requests, except `Content-Length`.
    token_head: Rc<String>,
}

impl AppClient {
    /// Returns one client for each connection, with different users as long as there are enough of them.
    fn for_connections(environment: &BenchEnvironment, connections: usize) -> Vec<Self> {
        let path = environment.authorize_path(SCOPE);
        let host = environment.fixture.config.server.public_url.authority();
        let authorization = environment.app.authorization();
        let token_head = Rc::new(format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: {host}\r\n{authorization}Content-Type: {FORM}\r\n"
        ));
        let browsers = environment.browsers.iter().cycle().take(connections);
        browsers
            .map(|browser| Self {
                authorize: Rc::new(environment.get(&path, &session_cookie(browser))),
                token_head: token_head.clone(),
            })
            .collect()
    }

    /// Sends the authorization request, which needs no interaction, and returns the code.
    async fn authorize(&self, connection: &mut Connection) -> String {
        let response = connection.send(&self.authorize).await;
        let expected = Expected {
            status: 303,
            ..Expected::ok("code=")
        };
        expected.check(&response);
        let location = response.headers("location").next();
        code_of(location.expect("a redirect"))
    }

    /// Redeems a code for tokens.
    async fn redeem(&self, connection: &mut Connection, code: &str) {
        self.request_tokens(connection, &code_form(code)).await;
    }

    /// Sends a token request and returns the new refresh token.
    async fn request_tokens(&self, connection: &mut Connection, body: &str) -> String {
        let head = &self.token_head;
        let message = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let response = connection.send(message.as_bytes()).await;
        Expected::ok("\"access_token\":").check(&response);
        let tokens: Value = serde_json::from_slice(response.body).expect("JSON");
        assert!(tokens["id_token"].is_string(), "no ID token: {tokens}");
        let refresh_token = tokens["refresh_token"].as_str();
        refresh_token.expect("a refresh token").to_owned()
    }
}

/// Authorization requests, each followed by the redemption of its code.
pub struct CodeDriver {
    address: [SocketAddr; 1],
    clients: Vec<AppClient>,
}

impl CodeDriver {
    /// Creates a driver with so many connections.
    pub fn new(environment: &BenchEnvironment, connections: usize) -> Self {
        Self {
            address: [environment.service.address],
            clients: AppClient::for_connections(environment, connections),
        }
    }
}

impl Driver for CodeDriver {
    fn run(&mut self, length: Duration) -> Outcome {
        let client = |index: usize, address, end| {
            let client = self.clients[index].clone();
            async move {
                let mut connection = Connection::open(address).await;
                let mut latencies = Vec::new();
                loop {
                    let start = Instant::now();
                    if start >= end {
                        return latencies;
                    }
                    let code = client.authorize(&mut connection).await;
                    client.redeem(&mut connection, &code).await;
                    latencies.push(micros_since(start));
                }
            }
        };
        run_clients(&self.address, self.clients.len(), length, client)
    }
}

/// Redemptions of codes that were collected before the run. A run ends early when the codes run out.
pub struct RedemptionDriver {
    address: [SocketAddr; 1],
    clients: Vec<AppClient>,
    /// Codes for each connection.
    codes: Vec<Rc<RefCell<Vec<String>>>>,
}

impl RedemptionDriver {
    /// Creates a driver with so many connections.
    pub fn new(environment: &BenchEnvironment, connections: usize) -> Self {
        Self {
            address: [environment.service.address],
            clients: AppClient::for_connections(environment, connections),
            codes: (0..connections).map(|_| Rc::default()).collect(),
        }
    }
}

impl Driver for RedemptionDriver {
    fn prepare(&mut self, length: Duration) {
        let client = |index: usize, address, end| {
            let client = self.clients[index].clone();
            let codes = self.codes[index].clone();
            // What the last run left may expire during this one.
            codes.borrow_mut().clear();
            async move {
                let mut connection = Connection::open(address).await;
                while Instant::now() < end {
                    let code = client.authorize(&mut connection).await;
                    codes.borrow_mut().push(code);
                }
                Vec::new()
            }
        };
        let length = length.min(MAX_PREPARATION);
        run_clients(&self.address, self.clients.len(), length, client);
    }

    fn run(&mut self, length: Duration) -> Outcome {
        let client = |index: usize, address, end| {
            let client = self.clients[index].clone();
            let codes = self.codes[index].take();
            async move {
                let mut connection = Connection::open(address).await;
                let mut latencies = Vec::new();
                for code in codes {
                    let start = Instant::now();
                    if start >= end {
                        break;
                    }
                    client.redeem(&mut connection, &code).await;
                    latencies.push(micros_since(start));
                }
                latencies
            }
        };
        run_clients(&self.address, self.clients.len(), length, client)
    }
}

/// Refreshes: each connection has its own refresh token, which every request replaces.
pub struct RefreshDriver {
    address: [SocketAddr; 1],
    clients: Vec<AppClient>,
    /// Current refresh token of each connection.
    tokens: Vec<Rc<RefCell<String>>>,
}

impl RefreshDriver {
    /// Creates a driver with so many connections, and redeems a code for each.
    pub fn new(environment: &BenchEnvironment, connections: usize) -> Self {
        let browsers = environment.browsers.iter().cycle().take(connections);
        let refresh_token = |browser| {
            let tokens = environment.tokens(browser, SCOPE);
            let token = tokens["refresh_token"].as_str();
            token.expect("a refresh token").to_owned()
        };
        Self {
            address: [environment.service.address],
            clients: AppClient::for_connections(environment, connections),
            tokens: browsers
                .map(|browser| Rc::new(RefCell::new(refresh_token(browser))))
                .collect(),
        }
    }
}

impl Driver for RefreshDriver {
    fn run(&mut self, length: Duration) -> Outcome {
        let client = |index: usize, address, end| {
            let client = self.clients[index].clone();
            let token = self.tokens[index].clone();
            async move {
                let mut connection = Connection::open(address).await;
                let mut latencies = Vec::new();
                loop {
                    let start = Instant::now();
                    if start >= end {
                        return latencies;
                    }
                    let body = form(&[
                        ("grant_type", "refresh_token"),
                        ("refresh_token", &token.borrow()),
                    ]);
                    let next = client.request_tokens(&mut connection, &body).await;
                    let last = token.replace(next);
                    assert_ne!(last, *token.borrow(), "the refresh token was not rotated");
                    latencies.push(micros_since(start));
                }
            }
        };
        run_clients(&self.address, self.clients.len(), length, client)
    }
}
