//! The parameter `claims` of an authorization request.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::oidc::{Clients, read_claims_parameter};

static CLIENTS: LazyLock<Clients> = LazyLock::new(Clients::new);

libfuzzer_sys::fuzz_target!(|text: &str| read_claims_parameter(&CLIENTS, text));
