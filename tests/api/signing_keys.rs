//! Signing keys: first keys, successors, refusals.

use std::collections::HashSet;
use std::time::Duration;

use doorward::app::{App, RpIdChange};
use doorward::base::clock::Clock;
use doorward::base::config::Config;
use doorward::base::fault_injection::FaultInjector;
use doorward::base::ids::SigningKeyId;
use doorward::clients::Algorithm;
use doorward::history::Author;
use doorward::testing::{
    CompromiseOutcome, CompromisedKeys, KeyError, KeyState, KeyView, Keyring, VerifyError,
};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::postgres::Postgres;
use crate::support::race::RUNNERS;
use crate::support::test_server::TestServer;

/// Time from publishing a key to signing with it, in seconds: the JWKS's 10 minutes, and one for clock differences.
const LEAD: u64 = 660;
/// Time from the successor's first signature until a key leaves the JWKS, in seconds: an hour, and a minute
/// for clock differences.
const OVERLAP: u64 = 3_660;

/// Another instance on the same stores, without a listener.
pub fn instance(server: &TestServer, config: &Config) -> App {
    let built = App::build(
        config.clone(),
        server.clock.clone(),
        RpIdChange::Refuse,
        FaultInjector::default(),
    );
    server.run(built).expect("another instance")
}

pub fn sign(server: &TestServer, keyring: &Keyring, algorithm: Algorithm) -> String {
    let claims = json!({ "sub": "ada" });
    let token = server.run(keyring.sign(algorithm, "JWT", &claims));
    token.expect("a token")
}

/// Signs with every algorithm, which creates the first key of each.
fn use_every_algorithm(server: &TestServer) {
    for algorithm in Algorithm::ALL {
        sign(server, &server.app.keyring, algorithm);
    }
}

pub fn verify(server: &TestServer, keyring: &Keyring, token: &str) -> Result<Value, VerifyError> {
    let key_set = server.run(keyring.key_set()).expect("the key set");
    key_set.verify(token, &["JWT"])
}

pub fn kid(token: &str) -> String {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    header.kid.expect("a kid")
}

/// Returns the key IDs of one algorithm in the JWKS.
fn published(server: &TestServer, algorithm: Algorithm) -> Vec<String> {
    let key_set = server
        .run(server.app.keyring.key_set())
        .expect("the key set");
    let jwks = key_set.jwks(server.clock.now());
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter()
        .filter(|key| key["alg"] == algorithm.as_str())
        .map(|key| key["kid"].as_str().expect("a kid").to_owned())
        .collect()
}

fn list(server: &TestServer, keyring: &Keyring, algorithm: Algorithm) -> Vec<KeyView> {
    let keys = server.run(keyring.list()).expect("keys");
    keys.into_iter()
        .filter(|key| key.algorithm == algorithm)
        .collect()
}

fn states(server: &TestServer, algorithm: Algorithm) -> Vec<KeyState> {
    let keys = list(server, &server.app.keyring, algorithm);
    keys.iter().map(|key| key.state).collect()
}

fn rotate(server: &TestServer, algorithm: Algorithm) -> KeyView {
    let author = Author::command();
    let rotated = server.run(server.app.keyring.rotate(Some(algorithm), author));
    rotated.expect("a successor").remove(0)
}

fn compromise(server: &TestServer, which: CompromisedKeys) -> CompromiseOutcome {
    let done = server.run(server.app.keyring.compromise(which, Author::command()));
    done.expect("refused")
}

fn actions(server: &TestServer) -> Vec<String> {
    let root = server.administrator();
    let events = root.browser.get("/v1/audit-events?action=key.").json();
    let items = events["items"].as_array().expect("events");
    items
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event["actor"].as_str().expect("an actor"),
                event["action"].as_str().expect("an action"),
            )
        })
        .collect()
}

fn with_header(token: &str, header: &Value) -> String {
    use base64::Engine;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string());
    let (_, rest) = token.split_once('.').expect("parts");
    format!("{header}.{rest}")
}

on_both! {
    fn an_unused_algorithm_has_no_key_and_its_first_key_signs_immediately(server) {
        let keyring = &server.app.keyring;
        server.run(keyring.rotate_due()).expect("a check of the keys");
        server.run(keyring.rotate(None, Author::command())).expect("a successor");
        compromise(server, CompromisedKeys::All(Some(Algorithm::EdDSA)));
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
            assert_eq!(published(server, algorithm), Vec::<String>::new());
            let token = sign(server, keyring, algorithm);
            assert_eq!(states(server, algorithm), [KeyState::Signing]);
            assert_eq!(published(server, algorithm), [kid(&token)]);
            assert_eq!(verify(server, keyring, &token), Ok(json!({ "sub": "ada" })));
        }
    }

    fn twenty_concurrent_first_uses_sign_with_the_same_key(server) {
        let other = instance(server, &server.config.clone());
        let signing = (0..RUNNERS).map(|number| {
            let app = if number % 2 == 0 { &server.app } else { &other };
            let keyring = app.keyring.clone();
            tokio::spawn(async move { keyring.sign(Algorithm::ES256, "JWT", &json!({ "sub": "ada" })).await })
        });
        let kids: HashSet<String> = server.run(async {
            let mut kids = HashSet::new();
            for task in signing.collect::<Vec<_>>() {
                kids.insert(kid(&task.await.expect("a task").expect("a token")));
            }
            kids
        });
        assert_eq!(kids.len(), 1, "{kids:?}");
        assert_eq!(actions(server), ["doorward key.created"; 2]);
    }

    fn the_first_key_of_every_algorithm_signs_immediately(server) {
        for algorithm in Algorithm::ALL {
            let token = sign(server, &server.app.keyring, algorithm);
            assert_eq!(states(server, algorithm), [KeyState::Signing]);
            assert_eq!(published(server, algorithm), [kid(&token)]);
            assert_eq!(verify(server, &server.app.keyring, &token), Ok(json!({ "sub": "ada" })));
        }
        assert_eq!(actions(server), ["doorward key.created"; 3]);
    }

    fn tokens_are_verified_with_published_keys_that_contain_nothing_private(server) {
        use_every_algorithm(server);
        let key_set = server.run(server.app.keyring.key_set()).expect("the key set");
        let jwks = key_set.jwks(server.clock.now());
        let text = jwks.to_string();
        for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "sealed"] {
            assert!(!text.contains(private), "{private}");
        }
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks).expect("a JWK set");
        for algorithm in Algorithm::ALL {
            let token = sign(server, &server.app.keyring, algorithm);
            let header = jsonwebtoken::decode_header(&token).expect("a header");
            let jwk = jwks.find(&header.kid.expect("a kid")).expect("a JWK");
            assert_eq!(jwk.common.public_key_use, Some(jsonwebtoken::jwk::PublicKeyUse::Signature));
            assert_eq!(jwk.common.key_algorithm.map(|known| known.to_string()), Some(algorithm.as_str().to_owned()));
            let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a key");
            let mut validation = jsonwebtoken::Validation::new(header.alg);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            let read = jsonwebtoken::decode::<Value>(&token, &key, &validation);
            assert_eq!(read.expect("genuine").claims["sub"], "ada");
        }
    }

    fn invalid_tokens_are_refused_with_their_reason(server) {
        let keyring = &server.app.keyring;
        let token = sign(server, keyring, Algorithm::ES256);
        let kid = kid(&token);
        let refused = |token: &str| verify(server, keyring, token).expect_err("refused");
        let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        assert_eq!(refused(&with_header(&token, &header("none", &kid))), VerifyError::Malformed);
        assert_eq!(refused(&with_header(&token, &header("HS256", &kid))), VerifyError::Algorithm);
        assert_eq!(refused(&with_header(&token, &header("RS256", &kid))), VerifyError::Algorithm);
        assert_eq!(refused(&with_header(&token, &json!({ "alg": "ES256", "typ": "JWT" }))), VerifyError::Malformed);
        let unknown = SigningKeyId::random().to_string();
        assert_eq!(refused(&with_header(&token, &header("ES256", &unknown))), VerifyError::UnknownKey);
        assert_eq!(refused(&with_header(&token, &header("ES256", "../key"))), VerifyError::UnknownKey);
        let critical = json!({ "alg": "ES256", "kid": kid, "typ": "JWT", "crit": ["exp"], "exp": 1 });
        assert_eq!(refused(&with_header(&token, &critical)), VerifyError::Critical);
        let untyped = json!({ "alg": "ES256", "kid": kid });
        assert_eq!(refused(&with_header(&token, &untyped)), VerifyError::Type);
        let retyped = json!({ "alg": "ES256", "kid": kid, "typ": "jwt" });
        assert_eq!(refused(&with_header(&token, &retyped)), VerifyError::Signature, "another spelling is another header");
        for broken in ["", "a", "a.b", "a.b.c", "..", &format!("{token}.x"), &format!("{token}="), token.split_once('.').expect("parts").1] {
            assert_eq!(refused(broken), VerifyError::Malformed, "{broken}");
        }
        let (message, _) = token.rsplit_once('.').expect("a signature");
        assert_eq!(refused(&format!("{message}.")), VerifyError::Signature);
        let key_set = server.run(keyring.key_set()).expect("the key set");
        assert_eq!(key_set.verify::<Value>(&token, &["at+jwt"]), Err(VerifyError::Type));
        assert_eq!(key_set.verify::<Value>(&token, &[]), Err(VerifyError::Type));
        assert!(key_set.verify::<Value>(&token, &["at+jwt", "application/jwt"]).is_ok());
        assert_eq!(key_set.verify::<Vec<u8>>(&token, &["JWT"]), Err(VerifyError::Claims));
    }

    fn a_signature_is_valid_only_for_its_own_token(server) {
        for algorithm in Algorithm::ALL {
            let keyring = &server.app.keyring;
            let token = sign(server, keyring, algorithm);
            let other = server.run(keyring.sign(algorithm, "JWT", &json!({ "sub": "eve" }))).expect("a token");
            let (message, _) = other.rsplit_once('.').expect("parts");
            let (_, signature) = token.rsplit_once('.').expect("parts");
            let mixed = format!("{message}.{signature}");
            assert_eq!(verify(server, keyring, &mixed), Err(VerifyError::Signature));
        }
    }

    fn a_successor_is_published_then_signs_while_the_old_key_still_verifies(server) {
        let keyring = &server.app.keyring;
        let before = sign(server, keyring, Algorithm::RS256);
        server.advance_clock(90 * 86_400 - LEAD - 1);
        server.run(keyring.rotate_due()).expect("a check of the keys");
        assert_eq!(states(server, Algorithm::RS256), [KeyState::Signing], "it is not time");
        server.advance_clock(1);
        server.run(keyring.rotate_due()).expect("a check of the keys");
        server.run(keyring.rotate_due()).expect("another rotation");
        assert_eq!(states(server, Algorithm::RS256), [KeyState::Signing, KeyState::Waiting]);
        assert_eq!(published(server, Algorithm::RS256).len(), 2);
        server.advance_clock(LEAD - 1);
        assert_eq!(kid(&sign(server, keyring, Algorithm::RS256)), kid(&before), "services may not know the new one yet");
        server.advance_clock(1);
        let after = sign(server, keyring, Algorithm::RS256);
        assert_ne!(kid(&after), kid(&before));
        assert_eq!(states(server, Algorithm::RS256), [KeyState::Replaced, KeyState::Signing]);
        server.advance_clock(OVERLAP - 1);
        assert_eq!(published(server, Algorithm::RS256), [kid(&after), kid(&before)]);
        server.advance_clock(1);
        assert_eq!(published(server, Algorithm::RS256), [kid(&after)]);
        assert_eq!(states(server, Algorithm::RS256), [KeyState::Retired, KeyState::Signing]);
        assert!(verify(server, keyring, &before).is_ok(), "an old hint is still valid");
        assert!(verify(server, keyring, &after).is_ok());
    }

    fn every_instance_picks_up_key_changes_by_itself(server) {
        let second = instance(server, &server.config.clone());
        let before = sign(server, &second.keyring, Algorithm::EdDSA);
        rotate(server, Algorithm::EdDSA);
        server.advance_clock(LEAD);
        let after = sign(server, &server.app.keyring, Algorithm::EdDSA);
        assert_ne!(kid(&before), kid(&after));
        assert!(verify(server, &second.keyring, &after).is_ok());
        assert_eq!(kid(&sign(server, &second.keyring, Algorithm::EdDSA)), kid(&after));
    }

    fn rotating_while_a_successor_is_pending_creates_no_second(server) {
        use_every_algorithm(server);
        let first = rotate(server, Algorithm::ES256);
        assert_eq!((first.state, first.kid), (KeyState::Waiting, rotate(server, Algorithm::ES256).kid));
        let all = server.run(server.app.keyring.rotate(None, Author::command())).expect("successors");
        assert_eq!(all.len(), 3);
        assert!(all.iter().any(|key| key.kid == first.kid));
        server.advance_clock(LEAD);
        assert_ne!(rotate(server, Algorithm::ES256).kid, first.kid, "its activation time has come");
        let made = actions(server);
        assert_eq!(made.iter().filter(|act| *act == "command key.created").count(), 4);
        assert_eq!(made.iter().filter(|act| *act == "command key.rotated").count(), 4);
    }

    fn twenty_concurrent_rotations_create_one_successor(server) {
        use_every_algorithm(server);
        let second = instance(server, &server.config.clone());
        let rotations = (0..20).map(|number| {
            let app = if number % 2 == 0 { &server.app } else { &second };
            let keyring = app.keyring.clone();
            tokio::spawn(async move { keyring.rotate(Some(Algorithm::ES256), Author::command()).await })
        });
        let kids: Vec<_> = server.run(async {
            let mut kids = Vec::new();
            for rotation in rotations.collect::<Vec<_>>() {
                kids.push(rotation.await.expect("a task").expect("a successor")[0].kid);
            }
            kids
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
        assert_eq!(states(server, Algorithm::ES256), [KeyState::Signing, KeyState::Waiting]);
    }

    fn a_compromised_key_is_refused_immediately_on_every_instance(server) {
        let second = instance(server, &server.config.clone());
        let keyring = &server.app.keyring;
        let stolen = sign(server, &second.keyring, Algorithm::RS256);
        let other = sign(server, &second.keyring, Algorithm::ES256);
        assert!(verify(server, &second.keyring, &stolen).is_ok());
        let id = SigningKeyId::parse(&kid(&stolen)).expect("an id");
        let done = compromise(server, CompromisedKeys::Key(id));
        assert_eq!((done.refused[0].kid, done.refused[0].state), (id, KeyState::Compromised));
        assert_eq!((done.created.len(), done.created[0].state), (1, KeyState::Signing));
        for keyring in [keyring, &second.keyring] {
            assert_eq!(verify(server, keyring, &stolen), Err(VerifyError::Compromised));
            assert!(verify(server, keyring, &other).is_ok());
            assert_eq!(kid(&sign(server, keyring, Algorithm::RS256)), done.created[0].kid.to_string());
        }
        assert_eq!(published(server, Algorithm::RS256), [done.created[0].kid.to_string()]);
        let again = compromise(server, CompromisedKeys::Key(id));
        assert_eq!((again.refused[0].kid, again.created.len()), (id, 0), "may be repeated");
        let unknown = CompromisedKeys::Key(SigningKeyId::random());
        let refused = server.run(keyring.compromise(unknown, Author::command()));
        assert!(matches!(refused, Err(KeyError::Unknown)));
        assert!(actions(server).contains(&"command key.compromised".to_owned()));
    }

    fn an_instance_with_a_slow_clock_signs_with_a_new_key(server) {
        use_every_algorithm(server);
        let config = server.config.clone();
        let behind = server.run(App::build(config, Clock::manual(), RpIdChange::Refuse, FaultInjector::default())).expect("an instance");
        server.advance_clock(30);
        let done = compromise(server, CompromisedKeys::All(Some(Algorithm::ES256)));
        let token = sign(server, &behind.keyring, Algorithm::ES256);
        assert_eq!(kid(&token), done.created[0].kid.to_string());
        assert!(published(server, Algorithm::ES256).contains(&kid(&token)));
        assert!(verify(server, &server.app.keyring, &token).is_ok());
    }

    fn all_keys_can_be_revoked_together_including_pending_and_retired_ones(server) {
        use_every_algorithm(server);
        let keyring = &server.app.keyring;
        let retired = sign(server, keyring, Algorithm::EdDSA);
        rotate(server, Algorithm::EdDSA);
        server.advance_clock(LEAD + OVERLAP);
        rotate(server, Algorithm::EdDSA);
        let done = compromise(server, CompromisedKeys::All(Some(Algorithm::EdDSA)));
        assert_eq!((done.refused.len(), done.created.len()), (3, 1));
        assert_eq!(verify(server, keyring, &retired), Err(VerifyError::Compromised));
        assert_eq!(published(server, Algorithm::EdDSA), [done.created[0].kid.to_string()]);
        assert_eq!(states(server, Algorithm::RS256), [KeyState::Signing], "others stay");
        let all = compromise(server, CompromisedKeys::All(None));
        assert_eq!((all.refused.len(), all.created.len()), (3, 3));
    }

    fn a_signing_key_whose_successor_is_revoked_gets_another(server) {
        use_every_algorithm(server);
        let signing = list(server, &server.app.keyring, Algorithm::ES256).remove(0);
        let waiting = rotate(server, Algorithm::ES256);
        server.advance_clock(LEAD / 2);
        let done = compromise(server, CompromisedKeys::Key(waiting.kid));
        assert_eq!(done.created[0].state, KeyState::Waiting);
        assert_eq!(published(server, Algorithm::ES256), [done.created[0].kid.to_string(), signing.kid.to_string()]);
        server.advance_clock(LEAD);
        assert_eq!(states(server, Algorithm::ES256), [KeyState::Replaced, KeyState::Compromised, KeyState::Signing]);
        server.advance_clock(OVERLAP - 1);
        assert_eq!(published(server, Algorithm::ES256).len(), 2, "it stays published for tokens that it signed meanwhile");
    }

    fn stale_copies_after_a_store_rollback_are_ignored(server) {
        let second = instance(server, &server.config.clone());
        let stolen = sign(server, &second.keyring, Algorithm::ES256);
        let key = server.app.keyring.key().to_owned();
        let store = &server.app.ephemeral;
        let old = server.run(store.get(&[&key])).expect("a result").remove(0).expect("a copy");
        compromise(server, CompromisedKeys::All(Some(Algorithm::ES256)));
        server.run(store.put(&key, &old, Duration::from_secs(60))).expect("put back");
        assert_eq!(verify(server, &server.app.keyring, &stolen), Err(VerifyError::Compromised), "the instance that changed it knows");
        server.run(store.put(&key, &old, Duration::from_secs(60))).expect("put back");
        server.run(second.keyring.watch()).expect("a check of the keys");
        assert_eq!(verify(server, &second.keyring, &stolen), Err(VerifyError::Compromised));
    }

    fn the_cached_key_set_is_encrypted_and_bound_to_the_installation(server) {
        let key = server.app.keyring.key().to_owned();
        server.run(server.app.keyring.key_set()).expect("the key set");
        let copy = server.run(server.app.ephemeral.get(&[&key])).expect("a result").remove(0).expect("a copy");
        assert!(!copy.contains("sealed") && !copy.contains("\"d\""), "{copy}");
        assert!(key.starts_with("keyring:{"));
        assert_eq!(instance(server, &server.config.clone()).keyring.key(), key);
    }

    fn the_command_lists_rotates_and_refuses(server) {
        use_every_algorithm(server);
        let run = |arguments: &[&str]| binary::run(&server.config, arguments);
        let listed = run(&["keys", "list", "--json"]).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
        let rotated = run(&["keys", "rotate", "--algorithm", "ES256", "--json"]).json();
        assert_eq!(rotated["items"].as_array().map(Vec::len), Some(1));
        assert_eq!((&rotated["items"][0]["state"], &rotated["items"][0]["algorithm"]), (&json!("waiting"), &json!("ES256")));
        let token = sign(server, &server.app.keyring, Algorithm::EdDSA);
        let refused = run(&["keys", "rotate", "--compromised", &kid(&token), "--json"]);
        assert_eq!(refused.code, 0, "{}", refused.errors);
        assert_eq!(refused.json()["items"][0]["state"], "compromised");
        assert_eq!(verify(server, &server.app.keyring, &token), Err(VerifyError::Compromised));
        let all = run(&["keys", "rotate", "--algorithm", "RS256", "--compromised", "--json"]).json();
        assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
        let text = run(&["keys", "list"]);
        assert!(text.output.starts_with("ID") && text.output.contains("compromised"), "{}", text.output);
        assert_eq!(run(&["keys", "rewrap", "--json"]).json(), json!({ "rewrapped": 0, "client_secrets": 0, "audit_seal": false }));
        let unknown = SigningKeyId::random().to_string();
        assert_eq!(run(&["keys", "rotate", "--compromised", &unknown]).code, 3);
        assert_eq!(run(&["keys", "rotate", "--algorithm", "HS256"]).code, 2);
    }
}

/// Instances that start on an empty database concurrently.
fn begin_together(server: &TestServer, config: &Config) {
    let begun: Vec<App> = server.run(async {
        let begin = || {
            let (config, clock) = (config.clone(), server.clock.clone());
            tokio::spawn(App::build(
                config,
                clock,
                RpIdChange::Refuse,
                FaultInjector::default(),
            ))
        };
        let mut apps = Vec::new();
        for app in [begin(), begin(), begin(), begin()] {
            apps.push(app.await.expect("a task").expect("an instance"));
        }
        apps
    });
    for algorithm in Algorithm::ALL {
        let is_default = algorithm == Algorithm::default();
        assert_eq!(
            list(server, &begun[0].keyring, algorithm).len(),
            usize::from(is_default)
        );
        let token = sign(server, &begun[0].keyring, algorithm);
        for app in &begun {
            assert!(verify(server, &app.keyring, &token).is_ok());
        }
    }
}

#[test]
fn instances_that_start_concurrently_create_one_key_per_algorithm_embedded() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    config.secrets.master_key_file = Some(config.master_key_path());
    config.server.data_dir = config.server.data_dir.join("another");
    begin_together(&server, &config);
}

#[test]
fn instances_that_start_concurrently_create_one_key_per_algorithm_clustered() {
    let server = TestServer::clustered();
    let mut config = server.config.clone();
    config.database.url = Some(Postgres::shared().fresh_database().into());
    begin_together(&server, &config);
}
