//! Users whom benchmarks write into a database (`support/population.rs`) work like users who registered.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::population::{self, PopulationUser};
use crate::support::test_server::TestServer;
use crate::support::test_user;

fn fill(server: &TestServer, key: &EcdsaKeyPair, sample: u64) -> Vec<PopulationUser> {
    population::fill(&server.config, 10, key, sample)
}

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair")
}

on_both! {
    fn a_user_of_the_population_signs_in_with_each_passkey(server) {
        let key = Arc::new(key());
        let sample = fill(server, &key, 2);
        let names: Vec<&str> = sample.iter().map(|user| user.username.as_str()).collect();
        assert_eq!(names, ["person-0000000", "person-0000005"]);
        for user in &sample {
            assert_eq!(user.credentials.len(), 2);
            for credential in &user.credentials {
                let mut device = SoftAuthenticator::synced(server.origin());
                device.hold(credential.clone(), user.id.into_bytes().to_vec(), &key);
                let browser = server.browser();
                let answer = test_user::sign_in(&browser, &mut device, &Overrides::default());
                assert_eq!(answer.status, 200, "{}", answer.text());
                let session = browser.get("/v1/session").json();
                assert_eq!(session["user"]["username"], json!(user.username));
                assert_eq!(session["user"]["roles"], json!([user.role]));
            }
        }
    }

    fn an_administrator_sees_the_population(server) {
        let sample = fill(server, &key(), 10);
        let root = server.administrator();
        let listed = root.browser.get("/v1/users?role=seeded-3").json();
        assert_eq!(listed["items"][0]["username"], json!("person-0000003"));
        assert_eq!(listed["items"][0]["version"], json!(1));
        let found = root.browser.get("/v1/users?email=person-0000007@seeded.example").json();
        assert_eq!(found["items"][0]["username"], json!("person-0000007"));
        let id = sample[0].id;
        let passkeys = root.browser.get(&format!("/v1/users/{id}/passkeys")).json();
        assert_eq!(passkeys["items"].as_array().map(Vec::len), Some(2));
        let resource = &sample[0].resources[0];
        let assignments = root.browser.get(&format!("/v1/role-assignments?resource_type=order&resource_id={resource}"));
        assert_eq!(assignments.json()["items"].as_array().map(Vec::len), Some(4), "{}", assignments.text());
    }
}
