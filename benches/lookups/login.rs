//! Logins from start to finish: challenge, the authenticator's answer, session.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::environment::BenchEnvironment;
use crate::load::{Answer, Connection, Outcome, each_connection, micros};
use crate::support::authenticator::{Overrides, SoftAuthenticator};

/// Signs people in for a while, over so many connections.
pub fn drive(environment: &BenchEnvironment, connections: usize, length: Duration) -> Outcome {
    let start = Rc::new(environment.login_start());
    let headers = Rc::new(environment.headers());
    // Each connection signs in people of its own, so that no two wait for one person's lock.
    let each = environment.sample.len() / connections;
    let devices: Vec<Rc<Vec<SoftAuthenticator>>> = (0..connections)
        .map(|index| {
            let own = index * each..(index + 1) * each;
            Rc::new(own.map(|person| environment.device(person)).collect())
        })
        .collect();
    let address = [environment.service.address];
    each_connection(&address, connections, length, |index, address, end| {
        let journey = Journey {
            start: start.clone(),
            headers: headers.clone(),
            devices: devices[index].clone(),
        };
        journey.repeat(address, end)
    })
}

struct Journey {
    start: Rc<Vec<u8>>,
    headers: Rc<String>,
    devices: Rc<Vec<SoftAuthenticator>>,
}

impl Journey {
    async fn repeat(self, address: SocketAddr, end: Instant) -> Vec<u32> {
        let mut connection = Connection::open(address).await;
        let mut latencies = Vec::new();
        for device in self.devices.iter().cycle() {
            let begun = Instant::now();
            if begun >= end {
                break;
            }
            self.sign_in(&mut connection, &mut device.clone()).await;
            latencies.push(micros(begun));
        }
        latencies
    }

    async fn sign_in(&self, connection: &mut Connection, device: &mut SoftAuthenticator) {
        let started = connection.ask(&self.start).await;
        let mark = browser_cookie(&started);
        let started: Value = serde_json::from_slice(started.body).expect("options");
        let credential = device.get(&started["publicKey"], &Overrides::default());
        let body = json!({ "ceremony": started["ceremony"], "credential": credential }).to_string();
        let finish = format!(
            "POST /webauthn/login/finish HTTP/1.1\r\n{}Cookie: {mark}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.headers,
            body.len()
        );
        let finished = connection.ask(finish.as_bytes()).await;
        assert_eq!(
            finished.status,
            200,
            "{}",
            String::from_utf8_lossy(finished.body)
        );
    }
}

/// The cookie by which a browser is known again.
fn browser_cookie(answer: &Answer<'_>) -> String {
    let lines = answer.head.lines();
    let mark = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, value)| {
            name.eq_ignore_ascii_case("set-cookie") && value.starts_with("doorward-browser=")
        });
    let (_, cookie) = mark.expect("a mark");
    cookie.split(';').next().unwrap_or_default().to_owned()
}
