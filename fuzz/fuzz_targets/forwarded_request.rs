//! What a proxy tells of a request, as strangers choose it.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::access::Routes;

static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::new);

libfuzzer_sys::fuzz_target!(|text: &str| ROUTES.read_forwarded(text));
