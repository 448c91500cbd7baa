//! `doorward dev seed` makes people who are as good as those who joined, and only where nobody is.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::binary;
use crate::support::house::House;
use crate::support::person;

const SEED: [&str; 5] = ["dev", "seed", "--json", "--users", "10"];

fn seed(house: &House, more: &[&str]) -> Value {
    let ran = binary::run(&house.config, &[&SEED, more].concat());
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(ran.errors.contains("100 %"), "progress: {}", ran.errors);
    ran.json()
}

on_both! {
    fn a_seeded_person_signs_in_with_the_key_that_was_given(house) {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair");
        let point = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let told = seed(house, &["--public-key", &point, "--sample", "2", "--sessions-per-user", "1"]);
        let (users, passkeys) = (&told["users"], &told["passkeys"]);
        assert_eq!((users, passkeys, &told["grants"]), (&json!(10), &json!(20), &json!(20)));
        let key = Arc::new(key);
        for (place, name) in [(0, "person-0000000"), (1, "person-0000005")] {
            let told = &told["sample"][place];
            assert_eq!(told["username"], json!(name));
            let credentials = told["credentials"].as_array().expect("credentials");
            assert_eq!(credentials.len(), 2);
            for credential in credentials {
                let user = uuid::Uuid::parse_str(told["user"].as_str().expect("an id"));
                let handle = user.expect("an id").into_bytes().to_vec();
                let credential = URL_SAFE_NO_PAD.decode(credential.as_str().expect("a text"));
                let mut device = SoftAuthenticator::synced(house.origin());
                device.hold(credential.expect("base64url"), handle, &key);
                let browser = house.browser();
                let answer = person::sign_in(&browser, &mut device, &Overrides::default());
                assert_eq!(answer.status, 200, "{}", answer.text());
                let session = browser.get("/v1/session").json();
                assert_eq!(session["user"]["username"], json!(name));
                let role = format!("seeded-{}", place * 5);
                assert_eq!(session["user"]["roles"], json!([role]));
            }
        }
    }

    fn without_a_key_nobody_signs_in_and_an_administrator_sees_everybody(house) {
        let told = seed(house, &["--passkeys-per-user", "1", "--sample", "1"]);
        assert_eq!(told["sample"][0]["grants"].as_array().map(Vec::len), Some(2));
        let root = house.administrator();
        let listed = root.browser.get("/v1/users?role=seeded-3").json();
        assert_eq!(listed["items"][0]["username"], json!("person-0000003"));
        assert_eq!(listed["items"][0]["version"], json!(1));
        let id = told["sample"][0]["user"].as_str().expect("an id");
        let passkeys = root.browser.get(&format!("/v1/users/{id}/passkeys")).json();
        assert_eq!(passkeys["items"].as_array().map(Vec::len), Some(1));
    }

    fn where_somebody_is_nobody_is_made_up(house) {
        house.administrator();
        let ran = binary::run(&house.config, &SEED);
        assert_eq!(ran.code, 4, "{}", ran.output);
        assert!(ran.errors.contains("has people already"), "{}", ran.errors);
    }

    fn what_is_seeded_once_is_not_seeded_again(house) {
        seed(house, &[]);
        assert_eq!(binary::run(&house.config, &SEED).code, 4);
        let bad = binary::run(&house.config, &["dev", "seed", "--users", "1", "--public-key", "AAAA"]);
        assert_eq!(bad.code, 2);
    }
}
