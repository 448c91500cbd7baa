//! What is presented as a token. The first byte says what the rest is: a token as a stranger writes it, or the payload of a
//! genuine one, which only a thief of the keys could choose; behind the signature the parsers are asked all the same.

#![no_main]

use std::sync::LazyLock;

use doorward_fuzz::oidc::read_id_token_hint;
use doorward_fuzz::tokens::Readers;

static READERS: LazyLock<Readers> = LazyLock::new(Readers::new);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    match kind {
        b'a' => READERS.read_genuine(rest),
        b'i' => read_id_token_hint(&READERS, rest),
        b'r' => READERS.reread_refresh_token(i64::from(*kind), &String::from_utf8_lossy(rest)),
        _ => READERS.refuse(&String::from_utf8_lossy(rest)),
    }
});
