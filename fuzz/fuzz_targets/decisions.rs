//! What callers of decisions send: a request to the evaluation endpoint, and anything as what they say.

#![no_main]

use std::sync::LazyLock;

use doorward::access::fuzzing::Judge;
use serde_json::{Map, Value};

static JUDGE: LazyLock<Judge> = LazyLock::new(|| Judge::make().expect("policies"));

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) {
        JUDGE.read_request(&object);
        JUDGE.read_claims(&object);
    }
});
