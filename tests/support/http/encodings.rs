//! Encodings used in requests of OAuth clients and pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Returns the `Authorization` value of HTTP Basic for an OAuth client (RFC 6749 §2.3.1).
pub fn basic(client_id: &str, secret: &str) -> String {
    let pair = format!("{}:{}", form_encoded(client_id), form_encoded(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

/// Encodes as `application/x-www-form-urlencoded`: escapes everything except letters, digits and `*-._`; a space becomes a plus.
pub fn form_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
