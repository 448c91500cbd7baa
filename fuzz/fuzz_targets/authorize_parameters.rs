//! The query of an authorization request.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::oidc::{Clients, read_authorization_request};

static CLIENTS: LazyLock<Clients> = LazyLock::new(Clients::new);

libfuzzer_sys::fuzz_target!(|query: &[u8]| read_authorization_request(&CLIENTS, query));
