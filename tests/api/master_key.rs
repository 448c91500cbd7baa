//! Replacing the master key.

use diesel::prelude::*;
use doorward::app::App;
use doorward::base::ids::ClientId;
use doorward::base::secrets::{MasterKey, TokenHash};
use doorward::clients::{AcceptedMethods, Algorithm, parse_basic};
use doorward::db;
use doorward::db::schema::clients;
use doorward::history::Author;
use doorward::testing::{KeyError, SignError};
use serde_json::json;

use super::signing_keys::{instance, kid, sign, verify};
use crate::on_both;
use crate::support::binary;
use crate::support::http::basic;
use crate::support::process::free_port;

on_both! {
    fn signing_keys_are_re_encrypted_under_a_new_master_key(server) {
        let before = sign(server, &server.app.keyring, Algorithm::RS256);
        sign(server, &server.app.keyring, Algorithm::ES256);
        let old_file = server.config.master_key_path();
        let new_file = old_file.with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = server.config.clone();
        moving.secrets.master_key_file = Some(new_file);
        let moved = moving.clone();
        moving.secrets.previous_master_key_file = Some(old_file);
        let app = instance(server, &moving);
        assert_eq!(kid(&sign(server, &app.keyring, Algorithm::RS256)), kid(&before));
        server.run(app.keyring.check_private_keys_decrypt()).expect("both keys are here");
        let too_early = instance(server, &moved);
        assert!(matches!(server.run(too_early.keyring.check_private_keys_decrypt()), Err(KeyError::Sealed(..))));
        let unsigned = server.run(too_early.keyring.sign(Algorithm::RS256, "JWT", &json!({})));
        assert!(matches!(unsigned, Err(SignError::Sealed(..))));
        assert!(matches!(server.run(too_early.keyring.rewrap(Author::command())), Err(KeyError::Sealed(..))));
        let ran = binary::finish(
            binary::command(&moving)
                .env("DOORWARD__SECRETS__PREVIOUS_MASTER_KEY_FILE", moving.secrets.previous_master_key_file.as_ref().expect("a file"))
                .args(["keys", "rewrap", "--json"]),
        );
        assert_eq!((ran.code, &ran.json()["rewrapped"]), (0, &json!(2)), "{}", ran.errors);
        assert_eq!(server.run(app.keyring.rewrap(Author::command())).expect("done"), 0);
        let app = instance(server, &moved);
        server.run(app.keyring.check_private_keys_decrypt()).expect("the new one is enough");
        assert_eq!(kid(&sign(server, &app.keyring, Algorithm::RS256)), kid(&before));
        assert!(verify(server, &app.keyring, &before).is_ok());
    }

    fn a_chosen_client_secret_is_encrypted_and_re_encrypted_under_a_new_master_key(server) {
        let secret = "Zk3vQp8sXw7yBd2nRt5uHj9mLc4eGf1a";
        let root = server.administrator();
        let body = json!({ "client_name": "Moved", "client_id": "shop", "client_secret": secret });
        assert_eq!(root.browser.post_json("/v1/clients", &body).status, 201);
        let is_known = |app: &App, id: &str, secret: &str| {
            let credentials = parse_basic(&basic(id, secret)).expect("credentials");
            server.run(app.clients.authenticate(&credentials, AcceptedMethods::AnySecret)).is_ok()
        };
        // Stored data doesn't allow guesses to be verified.
        let id = ClientId::named("shop").expect("an ID");
        let hash = TokenHash::of(secret.as_bytes());
        let stored = server.app.database.read(move |conn| {
            let stored = clients::table.find(id).select(clients::secret_hash.assume_not_null());
            Ok::<_, db::Error>(stored.first::<Vec<u8>>(conn)?)
        });
        let stored = server.run(stored).expect("a secret");
        assert!(!stored.windows(32).any(|part| part == hash.as_bytes()));
        assert!(is_known(&server.app, "shop", secret) && !is_known(&server.app, "shop", &secret.replace('Z', "Y")));
        let copy = server.run(server.app.ephemeral.get(&[&server.app.clients.key(id)])).expect("a result").remove(0);
        assert!(!copy.expect("a record").contains(&hash.to_text()));
        let (made, made_secret) = server.client(&[]);
        let set = json!({ "client_secret": secret });
        let (other, _) = server.client(&[]);
        assert_eq!(root.browser.post_json(&format!("/v1/clients/{other}/secret"), &set).status, 200);
        // The next master key.
        let old_file = server.config.master_key_path();
        let new_file = old_file.with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = server.config.clone();
        moving.secrets.master_key_file = Some(new_file);
        let moved = moving.clone();
        moving.secrets.previous_master_key_file = Some(old_file.clone());
        let app = instance(server, &moving);
        assert!(is_known(&app, "shop", secret) && is_known(&app, &other, secret) && is_known(&app, &made, &made_secret));
        assert!(!is_known(&instance(server, &moved), "shop", secret), "the previous one is needed");
        let rewrap = || binary::finish(
            binary::command(&moving)
                .env("DOORWARD__SECRETS__PREVIOUS_MASTER_KEY_FILE", &old_file)
                .args(["keys", "rewrap", "--json"]),
        );
        let ran = rewrap();
        assert_eq!((ran.code, &ran.json()["client_secrets"]), (0, &json!(2)), "{}", ran.errors);
        assert_eq!(rewrap().json()["client_secrets"], json!(0));
        let app = instance(server, &moved);
        assert!(is_known(&app, "shop", secret) && is_known(&app, &other, secret) && is_known(&app, &made, &made_secret));
        assert!(!is_known(&app, "shop", &made_secret));
    }

    fn a_service_that_cannot_seal_the_audit_log_starts_and_logs_an_error(server) {
        server.administrator();
        server.run(server.app.audit_chain.run()).expect("sealed");
        let old_file = server.config.master_key_path();
        let new_file = old_file.with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = server.config.clone();
        moving.secrets.previous_master_key_file = Some(old_file);
        moving.secrets.master_key_file = Some(new_file);
        instance(server, &moving);
        moving.secrets.previous_master_key_file = None;
        let ran = binary::run(&moving, &["keys", "rotate", "--compromised"]);
        assert_eq!(ran.code, 0, "the old one is lost: {}", ran.errors);
        moving.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let told = binary::serve(&moving, printed.path()).output();
        for words in ["can't be sealed", "another master key", "previous_master_key_file"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    fn a_service_whose_keys_are_under_another_master_key_does_not_start(server) {
        let new_file = server.config.master_key_path().with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = server.config.clone();
        moving.secrets.previous_master_key_file = Some(server.config.master_key_path());
        moving.secrets.master_key_file = Some(new_file);
        instance(server, &moving);
        moving.secrets.previous_master_key_file = None;
        let ran = binary::run(&moving, &["serve"]);
        assert_eq!(ran.code, 6, "{}", ran.errors);
        assert!(ran.errors.contains("previous_master_key_file"), "{}", ran.errors);
        let ran = binary::run(&moving, &["keys", "rotate", "--compromised"]);
        assert_eq!(ran.code, 0, "without the old key, its signing keys must be given up: {}", ran.errors);
        let app = instance(server, &moving);
        server.run(app.keyring.check_private_keys_decrypt()).expect("new keys");
    }
}
