//! CPU time that the WebAuthn library alone needs to finish an assertion: the reference for logins.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustix::time::{ClockId, clock_gettime};
use webauthn_rs::WebauthnBuilder;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::population;

const ORIGIN: &str = "http://localhost:8080";
const ASSERTIONS: u32 = 500;

/// Returns the mean CPU time of one finish of an assertion, in microseconds.
pub fn assertion_finish_cpu() -> f64 {
    let key = Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"));
    let credential = population::credential(&[7; 32], &key);
    let origin = url::Url::parse(ORIGIN).expect("an origin");
    let builder = WebauthnBuilder::new("localhost", &origin).expect("a relying party ID");
    let webauthn = builder.build().expect("a relying party");
    let mut device = SoftAuthenticator::synced(ORIGIN);
    device.hold(vec![7; 32], vec![1; 16], &key);
    let mut total = 0;
    for _ in 0..ASSERTIONS {
        let (options, state) = webauthn
            .start_discoverable_authentication()
            .expect("options");
        let options = serde_json::to_value(options.public_key).expect("JSON");
        let assertion = device.get(&options, &Overrides::default());
        let assertion = serde_json::from_value(assertion).expect("an assertion");
        let start = thread_cpu_nanos();
        webauthn
            .finish_discoverable_authentication_v2(&assertion, state, &credential)
            .expect("a valid assertion");
        total += thread_cpu_nanos() - start;
    }
    total as f64 / f64::from(ASSERTIONS) / 1000.0
}

/// Returns the CPU time of this thread so far, in nanoseconds.
fn thread_cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("a positive time")
}
