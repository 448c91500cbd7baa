//! Request objects (OpenID Connect Core §6.1, RFC 9101) are not supported. Only `response_mode` and `state` of a refused one are
//! read, so that the error reaches the client in the way that it expects.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::parameters::max_len;
use super::request::ResponseMode;

/// How the client expects the error. Nothing else in the refused object is read, and its signature is not verified: the sender
/// could choose both values as plain parameters, too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RequestObjectHints {
    pub(super) response_mode: Option<ResponseMode>,
    pub(super) state: Option<String>,
}

impl RequestObjectHints {
    /// Reads the payload of a JWS in compact serialization (RFC 7515 §7.1); the default for anything else, also if encrypted.
    pub(super) fn read(object: &str) -> Self {
        let Some(payload) = payload(object) else {
            return Self::default();
        };
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let is_usable = |state: &&str| {
            !state.is_empty() && !state.contains('\0') && state.len() <= max_len("state")
        };
        Self {
            response_mode: text("response_mode").and_then(ResponseMode::parse),
            state: text("state").filter(is_usable).map(str::to_owned),
        }
    }
}

fn payload(object: &str) -> Option<Map<String, Value>> {
    let mut parts = object.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(payload: &Value) -> String {
        format!("e30.{}.", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[test]
    fn only_the_response_mode_and_the_state_are_read() {
        let read = RequestObjectHints::read(&object(&json!({
            "response_mode": "form_post", "state": "a b", "redirect_uri": "https://evil.example/",
        })));
        let expected = RequestObjectHints {
            response_mode: Some(ResponseMode::FormPost),
            state: Some("a b".into()),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_unusable_request_object_yields_no_parameters() {
        let long = "s".repeat(max_len("state") + 1);
        for payload in [
            json!({ "response_mode": "jwt", "state": 1 }),
            json!({ "response_mode": ["query"], "state": "" }),
            json!({ "state": "a\0b" }),
            json!({ "state": long }),
            json!([{ "state": "x" }]),
            json!("x"),
        ] {
            let read = RequestObjectHints::read(&object(&payload));
            assert_eq!(read, RequestObjectHints::default(), "{payload}");
        }
        let good = object(&json!({ "state": "x" }));
        for object in ["", ".", "..", "a.b.c", &format!("{good}.x.y"), &good[4..]] {
            let read = RequestObjectHints::read(object);
            assert_eq!(read, RequestObjectHints::default(), "{object}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            RequestObjectHints::read(&text);
            RequestObjectHints::read(&format!("e30.{}.", URL_SAFE_NO_PAD.encode(&text)));
        }
    }
}
