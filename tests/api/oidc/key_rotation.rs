//! Signing keys are rotated under load, and a service that caches the public keys for the allowed time never lacks one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use doorward::base::clock::{Clock, Timestamp};
use doorward::history::Author;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::on_both;
use crate::support::http::TestBrowser;
use crate::support::relying_party::header_of;
use crate::support::test_server::TestServer;

/// A service that verifies tokens itself: it fetches the keys again only when its copy has expired.
struct Service {
    clock: Clock,
    keys: Mutex<Option<(Timestamp, Duration, JwkSet)>>,
    fetched: AtomicUsize,
}

impl Service {
    fn verify(&self, provider: &TestBrowser, token: &str) -> Result<String, String> {
        let kid = header_of(token)["kid"].as_str().expect("a kid").to_owned();
        let mut kept = self.keys.lock().expect("the keys");
        let is_old = kept
            .as_ref()
            .is_none_or(|(at, max_age, _)| self.clock.now().since(*at) >= *max_age);
        if is_old {
            let at = self.clock.now();
            let answer = provider.get("/oauth2/jwks");
            let header = answer
                .header("cache-control")
                .expect("a cache lifetime")
                .to_owned();
            let seconds = header
                .rsplit('=')
                .next()
                .and_then(|text| text.parse().ok())
                .expect("a max-age");
            let keys = serde_json::from_slice(&answer.body).expect("keys");
            *kept = Some((at, Duration::from_secs(seconds), keys));
            self.fetched.fetch_add(1, Ordering::SeqCst);
        }
        let (_, _, keys) = kept.as_ref().expect("keys");
        let key = keys
            .find(&kid)
            .ok_or_else(|| format!("the key {kid} is not among them"))?;
        let key = DecodingKey::from_jwk(key).expect("a key");
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_aud = false;
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        decode::<Value>(token, &key, &rules).map_err(|error| error.to_string())?;
        Ok(kid)
    }
}

fn token(browser: &TestBrowser, client: &(String, String)) -> String {
    let answer = browser
        .request("POST", "/oauth2/token")
        .without_same_origin()
        .form(&[("grant_type", "client_credentials")])
        .basic(&client.0, &client.1)
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

/// Signs and verifies until stopped; returns the errors, and which keys signed.
fn work(
    server: &TestServer,
    client: &(String, String),
    service: &Service,
    over: &AtomicBool,
) -> (Vec<String>, BTreeSet<String>) {
    let instances = [0, 1].map(|number| server.browser().at_port(server.port(number)));
    let (mut wrong, mut kids) = (Vec::new(), BTreeSet::new());
    let mut held: Vec<String> = Vec::new();
    while !over.load(Ordering::SeqCst) {
        for at in &instances {
            let fresh = token(at, client);
            for presented in held.iter().chain([&fresh]) {
                match service.verify(at, presented) {
                    Ok(kid) => drop(kids.insert(kid)),
                    Err(reason) => wrong.push(reason),
                }
            }
            held.push(fresh);
            if held.len() > 3 {
                held.remove(0);
            }
        }
    }
    (wrong, kids)
}

on_both! {
    fn key_rotation_under_load_fails_no_request(server) {
        server.administrator();
        server.another_instance();
        let client = server.client(&["users:read"]);
        let service = Service { clock: server.clock.clone(), keys: Mutex::default(), fetched: AtomicUsize::new(0) };
        let over = AtomicBool::new(false);
        let server = &*server;
        let results = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| work(server, &client, &service, &over))).collect();
            for step in 0..90 {
                if step == 5 || step == 45 {
                    server.run(server.app.keyring.rotate(None, Author::command())).expect("rotated");
                }
                server.advance_clock(30);
                // The next step begins after a token was issued at this time.
                token(&server.browser(), &client);
            }
            over.store(true, Ordering::SeqCst);
            workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
        });
        let wrong: Vec<_> = results.iter().flat_map(|(wrong, _)| wrong).collect();
        assert!(wrong.is_empty(), "{} failures: {:?}", wrong.len(), wrong.first());
        let kids: BTreeSet<_> = results.iter().flat_map(|(_, kids)| kids).collect();
        assert_eq!(kids.len(), 3, "three keys signed");
        assert!(service.fetched.load(Ordering::SeqCst) <= 6, "45 minutes, ten minutes each");
    }
}
