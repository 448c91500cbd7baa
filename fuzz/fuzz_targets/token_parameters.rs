//! A token request: the first line is its `Authorization`, empty for none; the rest its form.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::oidc::read_token_request;
use doorward_fuzz::tokens::Readers;

static READERS: LazyLock<Readers> = LazyLock::new(Readers::new);

libfuzzer_sys::fuzz_target!(|request: &[u8]| {
    let mut parts = request.splitn(2, |byte| *byte == b'\n');
    let header = parts.next().unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    // The handler takes a header that is no visible ASCII for a question mark.
    let is_text = header
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let header = if is_text {
        str::from_utf8(header).unwrap_or("?")
    } else {
        "?"
    };
    let header = Some(header).filter(|header| !header.is_empty());
    read_token_request(&READERS, header, body);
});
