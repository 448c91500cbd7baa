//! What the WebAuthn library needs for the finish of an assertion, and nothing else: the measure of a login.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustix::time::{ClockId, clock_gettime};
use webauthn_rs::WebauthnBuilder;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::population;

const ORIGIN: &str = "http://localhost:8080";
const TIMES: u32 = 500;

/// Microseconds of CPU for each.
pub fn finish_alone() -> f64 {
    let key = Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"));
    let credential = population::credential(&[7; 32], &key);
    let origin = url::Url::parse(ORIGIN).expect("an origin");
    let builder = WebauthnBuilder::new("localhost", &origin).expect("a name");
    let webauthn = builder.build().expect("a relying party");
    let mut device = SoftAuthenticator::synced(ORIGIN);
    device.hold(vec![7; 32], vec![1; 16], &key);
    let mut used = 0;
    for _ in 0..TIMES {
        let (options, state) = webauthn
            .start_discoverable_authentication()
            .expect("options");
        let options = serde_json::to_value(options.public_key).expect("a document");
        let answer = device.get(&options, &Overrides::default());
        let answer = serde_json::from_value(answer).expect("an assertion");
        let before = nanoseconds();
        webauthn
            .finish_discoverable_authentication_v2(&answer, state, &credential)
            .expect("a good assertion");
        used += nanoseconds() - before;
    }
    used as f64 / f64::from(TIMES) / 1000.0
}

/// What this thread has used of the processor.
fn nanoseconds() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = used.tv_sec * 1_000_000_000 + used.tv_nsec;
    u64::try_from(nanoseconds).expect("a time that passes")
}
