//! The query of an authorization request.

#![no_main]

use std::sync::LazyLock;

use doorward::oidc::fuzzing::{Clients, read_authorization_request};

static CLIENTS: LazyLock<Clients> = LazyLock::new(|| Clients::make().expect("clients"));

libfuzzer_sys::fuzz_target!(|query: &[u8]| read_authorization_request(&CLIENTS, query));
