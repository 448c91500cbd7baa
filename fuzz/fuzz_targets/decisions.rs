//! What callers of decisions send: a request to the evaluation endpoint, and anything as what they say.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::access::Decisions;
use serde_json::{Map, Value};

static DECISIONS: LazyLock<Decisions> = LazyLock::new(Decisions::new);

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) {
        DECISIONS.read_request(&object);
        DECISIONS.read_claims(&object);
    }
});
