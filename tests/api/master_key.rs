//! The move from one master key to the next.

use doorward::base::secrets::MasterKey;
use doorward::clients::Algorithm;
use doorward::history::Author;
use doorward::tokens::keys::{KeyError, SignError};
use serde_json::json;

use super::signing_keys::{instance, kid, sign, verify};
use crate::on_both;
use crate::support::binary;
use crate::support::process::free_port;

on_both! {
    fn a_new_master_key_takes_the_signing_keys_over(house) {
        let before = sign(house, &house.app.keyring, Algorithm::RS256);
        sign(house, &house.app.keyring, Algorithm::ES256);
        let old_file = house.config.master_key_path();
        let new_file = old_file.with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = house.config.clone();
        moving.secrets.master_key_file = Some(new_file);
        let moved = moving.clone();
        moving.secrets.previous_master_key_file = Some(old_file);
        let app = instance(house, &moving);
        assert_eq!(kid(&sign(house, &app.keyring, Algorithm::RS256)), kid(&before));
        house.run(app.keyring.check_seals()).expect("both keys are here");
        let too_early = instance(house, &moved);
        assert!(matches!(house.run(too_early.keyring.check_seals()), Err(KeyError::Sealed(..))));
        let unsigned = house.run(too_early.keyring.sign(Algorithm::RS256, "JWT", &json!({})));
        assert!(matches!(unsigned, Err(SignError::Sealed(..))));
        assert!(matches!(house.run(too_early.keyring.rewrap(Author::command())), Err(KeyError::Sealed(..))));
        let ran = binary::finish(
            binary::command(&moving)
                .env("DOORWARD__SECRETS__PREVIOUS_MASTER_KEY_FILE", moving.secrets.previous_master_key_file.as_ref().expect("a file"))
                .args(["keys", "rewrap", "--json"]),
        );
        assert_eq!((ran.code, &ran.json()["rewrapped"]), (0, &json!(2)), "{}", ran.errors);
        assert_eq!(house.run(app.keyring.rewrap(Author::command())).expect("done"), 0);
        let app = instance(house, &moved);
        house.run(app.keyring.check_seals()).expect("the new one is enough");
        assert_eq!(kid(&sign(house, &app.keyring, Algorithm::RS256)), kid(&before));
        assert!(verify(house, &app.keyring, &before).is_ok());
    }

    fn a_service_that_cannot_seal_the_audit_log_starts_and_says_so(house) {
        house.administrator();
        house.run(house.app.seal.run()).expect("sealed");
        let old_file = house.config.master_key_path();
        let new_file = old_file.with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = house.config.clone();
        moving.secrets.previous_master_key_file = Some(old_file);
        moving.secrets.master_key_file = Some(new_file);
        instance(house, &moving);
        moving.secrets.previous_master_key_file = None;
        let ran = binary::run(&moving, &["keys", "rotate", "--compromised"]);
        assert_eq!(ran.code, 0, "the old one is lost: {}", ran.errors);
        moving.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let told = binary::serve(&moving, printed.path()).output();
        for words in ["will not be sealed", "another master key", "previous_master_key_file"] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    fn a_service_whose_keys_are_under_another_master_key_does_not_start(house) {
        let new_file = house.config.master_key_path().with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = house.config.clone();
        moving.secrets.previous_master_key_file = Some(house.config.master_key_path());
        moving.secrets.master_key_file = Some(new_file);
        instance(house, &moving);
        moving.secrets.previous_master_key_file = None;
        let ran = binary::run(&moving, &["serve"]);
        assert_eq!(ran.code, 6, "{}", ran.errors);
        assert!(ran.errors.contains("previous_master_key_file"), "{}", ran.errors);
        let ran = binary::run(&moving, &["keys", "rotate", "--compromised"]);
        assert_eq!(ran.code, 0, "who lost the old one gives its keys up: {}", ran.errors);
        let app = instance(house, &moving);
        house.run(app.keyring.check_seals()).expect("new keys");
    }
}
