//! The parameters of a request, as a query or a form holds them: each once, in UTF-8, of bounded length.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Parameters by name. An empty one counts as left out (RFC 6749 §3.1).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<(String, String)>);

/// Why parameters can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// RFC 6749 §3.1: a parameter is not included more than once.
    #[error("a parameter is given twice: {0}")]
    Twice(String),
    /// Not UTF-8.
    #[error("the parameters are not UTF-8")]
    NotUtf8,
    /// Longer than any request needs.
    #[error("a parameter is too long: {0}")]
    TooLong(String),
    /// More than any request has.
    #[error("there are too many parameters")]
    TooMany,
}

/// RFC 8707 §2: the one that may be repeated.
const REPEATED: &str = "resource";
const MOST: usize = 60;

/// The longest value of a parameter, in bytes.
pub(super) fn longest(name: &str) -> usize {
    match name {
        "claims" | "id_token_hint" | "token" | "refresh_token" | "access_token" => 16_384,
        "state" | "nonce" | "redirect_uri" | "post_logout_redirect_uri" | "resource" => 2_048,
        _ => 4_096,
    }
}

/// Names alone: values may be codes, tokens and secrets.
impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

impl Parameters {
    /// Parses `application/x-www-form-urlencoded`, strictly.
    ///
    /// # Errors
    /// What is wrong, naming the parameter where there is one.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParametersError> {
        let mut parameters = Self::default();
        for pair in encoded.split(|byte| *byte == b'&') {
            if pair.is_empty() {
                continue;
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            parameters.add(name, value)?;
        }
        Ok(parameters)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), ParametersError> {
        if name.len() > 100 || value.len() > longest(&name) {
            let shown = name.chars().filter(char::is_ascii_graphic).take(40);
            return Err(ParametersError::TooLong(shown.collect()));
        }
        if name != REPEATED && self.0.iter().any(|(known, _)| *known == name) {
            let shown = name.chars().filter(char::is_ascii_graphic).take(40);
            return Err(ParametersError::Twice(shown.collect()));
        }
        if self.0.len() >= MOST {
            return Err(ParametersError::TooMany);
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// All values of the one that may be repeated.
    pub fn resources(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(name, value)| name == REPEATED && !value.is_empty())
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// Undoes form encoding of one name or value.
fn decode(encoded: &[u8]) -> Result<String, ParametersError> {
    if !encoded.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return as_text(encoded.to_owned());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => match hexadecimal(rest.as_slice()) {
                Some(decoded) => {
                    rest.nth(1);
                    decoded
                }
                // The URL standard leaves a percent sign that begins no byte as it is.
                None => b'%',
            },
            byte => *byte,
        };
        bytes.push(decoded);
    }
    as_text(bytes)
}

fn as_text(bytes: Vec<u8>) -> Result<String, ParametersError> {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(ParametersError::NotUtf8),
    }
}

fn hexadecimal(rest: &[u8]) -> Option<u8> {
    let [high, low, ..] = rest else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_parameter_once() {
        let read = Parameters::parse(b"a=1&b=x+y%2B%C3%A4&c=&resource=r&resource=s&d");
        let read = read.expect("parameters");
        assert_eq!((read.get("a"), read.get("b")), (Some("1"), Some("x y+ä")));
        assert_eq!(
            (read.get("c"), read.get("d"), read.get("e")),
            (None, None, None)
        );
        assert_eq!(read.resources(), ["r", "s"]);
        let twice = Parameters::parse(b"a=1&%61=2");
        assert_eq!(twice, Err(ParametersError::Twice("a".into())));
        let twice = Parameters::parse(b"a=&a=2");
        assert_eq!(twice, Err(ParametersError::Twice("a".into())));
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        let bad = [&b"a=%FF"[..], b"a=\xff", b"a=%00", b"%C3=1"];
        for bad in bad {
            assert_eq!(Parameters::parse(bad), Err(ParametersError::NotUtf8));
        }
        let long = format!("state={}", "x".repeat(10_000));
        let refused = Parameters::parse(long.as_bytes());
        assert_eq!(refused, Err(ParametersError::TooLong("state".into())));
        let many = (0..100).map(|n| format!("p{n}=1")).collect::<Vec<_>>();
        let many = many.join("&");
        assert_eq!(
            Parameters::parse(many.as_bytes()),
            Err(ParametersError::TooMany)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            Parameters::parse(&bytes).ok();
        }

        #[test]
        fn what_was_encoded_is_read_back(value in "[^\\x00]{1,80}") {
            let encoded: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("a", &value)
                .finish();
            let read = Parameters::parse(encoded.as_bytes()).expect("parameters");
            prop_assert_eq!(read.get("a"), Some(value.as_str()));
        }
    }
}
