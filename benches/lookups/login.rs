//! The login flow: challenge, assertion, session.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::environment::BenchEnvironment;
use crate::load::{Connection, Driver, Expected, Outcome, Response, micros_since, run_clients};
use crate::support::authenticator::{Overrides, SoftAuthenticator};

/// Signs users in; the latencies are those of whole logins.
pub struct LoginDriver {
    address: [SocketAddr; 1],
    clients: Vec<LoginClient>,
}

impl LoginDriver {
    /// Creates a driver with so many connections.
    pub fn new(environment: &BenchEnvironment, connections: usize) -> Self {
        Self {
            address: [environment.service.address],
            clients: LoginClient::for_connections(environment, connections),
        }
    }
}

impl Driver for LoginDriver {
    fn run(&mut self, length: Duration) -> Outcome {
        let connections = self.clients.len();
        run_clients(&self.address, connections, length, |index, address, end| {
            self.clients[index].clone().run(address, end)
        })
    }
}

/// Signs users in over one connection.
#[derive(Clone)]
pub struct LoginClient {
    start: Rc<Vec<u8>>,
    headers: Rc<String>,
    devices: Rc<Vec<SoftAuthenticator>>,
}

impl LoginClient {
    /// Returns one client for each connection. Each signs in different users: logins of one user wait for that user's lock.
    pub fn for_connections(environment: &BenchEnvironment, connections: usize) -> Vec<Self> {
        let start = Rc::new(environment.login_start());
        let headers = Rc::new(environment.browser_headers());
        let users = (environment.sample.len() / connections).max(1);
        let devices = |index: usize| {
            let own = index * users..(index + 1) * users;
            own.map(|user| environment.device(user)).collect()
        };
        (0..connections)
            .map(|index| Self {
                start: start.clone(),
                headers: headers.clone(),
                devices: Rc::new(devices(index)),
            })
            .collect()
    }

    async fn run(self, address: SocketAddr, end: Instant) -> Vec<u32> {
        let mut connection = Connection::open(address).await;
        let mut latencies = Vec::new();
        for number in 0.. {
            let start = Instant::now();
            if start >= end {
                break;
            }
            self.sign_in(&mut connection, number).await;
            latencies.push(micros_since(start));
        }
        latencies
    }

    /// Signs in one of the client's users.
    pub async fn sign_in(&self, connection: &mut Connection, number: usize) {
        let mut device = self.devices[number % self.devices.len()].clone();
        let started = connection.send(&self.start).await;
        Expected::ok("\"ceremony\"").check(&started);
        let cookie = browser_cookie(&started);
        let started: Value = serde_json::from_slice(started.body).expect("JSON");
        let credential = device.get(&started["publicKey"], &Overrides::default());
        let body = json!({ "ceremony": started["ceremony"], "credential": credential }).to_string();
        let finish = format!(
            "POST /webauthn/login/finish HTTP/1.1\r\n{}Cookie: {cookie}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.headers,
            body.len()
        );
        let finished = connection.send(finish.as_bytes()).await;
        Expected::ok("doorward-session=").check(&finished);
    }
}

/// Returns the browser cookie that a response sets, as `name=value`.
fn browser_cookie(response: &Response<'_>) -> String {
    let cookie = response
        .headers("set-cookie")
        .find(|value| value.starts_with("doorward-browser="));
    let cookie = cookie.expect("a browser cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}
