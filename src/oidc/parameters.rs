//! Parameters of a request from a query or a form: each at most once except `resource`, in UTF-8, of bounded length.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::OAuthError;

/// Parameters by name. An empty one counts as omitted (RFC 6749 §3.1).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<(String, String)>);

/// Why parameters can't be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// A parameter is included more than once (RFC 6749 §3.1). Contains its name.
    #[error("duplicate parameter: {0}")]
    Repeated(String),
    /// A name or value is not UTF-8, or contains a NUL character.
    #[error("the parameters are not UTF-8")]
    NotUtf8,
    #[error("{name} is too long: at most {limit} bytes")]
    TooLong {
        name: String,
        /// Maximum length of its value, in bytes.
        limit: usize,
    },
    #[error("a parameter name is too long: at most {MAX_NAME} bytes")]
    LongName,
    #[error("too many parameters: at most {MAX_PARAMETERS}")]
    TooMany,
}

impl ParametersError {
    /// Converts it to a refusal.
    pub fn refusal(&self) -> OAuthError {
        let (rule, registered) = match self {
            Self::Repeated(_) => ("parameter-repeated", String::new()),
            Self::NotUtf8 => ("parameters-not-utf8", String::new()),
            Self::TooLong { limit, .. } => ("parameter-too-long", format!("{limit} bytes")),
            Self::LongName => ("parameter-name-too-long", format!("{MAX_NAME} bytes")),
            Self::TooMany => ("too-many-parameters", MAX_PARAMETERS.to_string()),
        };
        let presented = match self {
            Self::Repeated(name) | Self::TooLong { name, .. } => name.as_str(),
            Self::NotUtf8 | Self::LongName | Self::TooMany => "",
        };
        OAuthError::invalid_request(self.to_string()).with_rule(rule, presented, &registered)
    }
}

/// The one parameter that may be repeated (RFC 8707 §2).
const REPEATED: &str = "resource";
const MAX_PARAMETERS: usize = 60;
/// Maximum length of a parameter's name, in bytes.
const MAX_NAME: usize = 100;
/// Maximum length of a parameter's value in bytes, unless [`LIMITS`] sets another.
const MAX_VALUE: usize = 4_096;
/// Maximum length of the values of some parameters, in bytes; docs/reference/limits.md lists them.
const LIMITS: [(&str, usize); 10] = [
    ("state", 16_384),
    ("nonce", 16_384),
    ("redirect_uri", 2_048),
    ("post_logout_redirect_uri", 2_048),
    ("resource", 2_048),
    ("claims", 16_384),
    ("id_token_hint", 16_384),
    ("token", 16_384),
    ("refresh_token", 16_384),
    ("access_token", 16_384),
];

/// Returns the maximum length of a parameter's value, in bytes.
pub(super) fn max_len(name: &str) -> usize {
    let own = LIMITS.iter().find(|(known, _)| *known == name);
    own.map_or(MAX_VALUE, |(_, limit)| *limit)
}

/// Shows names only, because values may be codes, tokens and secrets.
impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

impl Parameters {
    /// Parses `application/x-www-form-urlencoded`, strictly.
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
        if name.len() > MAX_NAME {
            return Err(ParametersError::LongName);
        }
        let limit = max_len(&name);
        if value.len() > limit {
            let shown = name.chars().filter(char::is_ascii_graphic).take(40);
            return Err(ParametersError::TooLong {
                name: shown.collect(),
                limit,
            });
        }
        if name != REPEATED && self.0.iter().any(|(known, _)| *known == name) {
            let shown = name.chars().filter(char::is_ascii_graphic).take(40);
            return Err(ParametersError::Repeated(shown.collect()));
        }
        if self.0.len() >= MAX_PARAMETERS {
            return Err(ParametersError::TooMany);
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Returns the value of a parameter; `None` if it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Returns all values of `resource`, the parameter that may be repeated.
    pub fn resources(&self) -> Vec<String> {
        self.0
            .iter()
            .filter(|(name, value)| name == REPEATED && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }
}

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
                // The URL standard leaves a percent sign without two hexadecimal digits as it is.
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
    fn a_repeated_parameter_is_refused() {
        let read = Parameters::parse(b"a=1&b=x+y%2B%C3%A4&c=&resource=r&resource=s&d");
        let read = read.expect("parameters");
        assert_eq!((read.get("a"), read.get("b")), (Some("1"), Some("x y+ä")));
        assert_eq!(
            (read.get("c"), read.get("d"), read.get("e")),
            (None, None, None)
        );
        assert_eq!(read.resources(), ["r", "s"]);
        let twice = Parameters::parse(b"a=1&%61=2");
        assert_eq!(twice, Err(ParametersError::Repeated("a".into())));
        let twice = Parameters::parse(b"a=&a=2");
        assert_eq!(twice, Err(ParametersError::Repeated("a".into())));
    }

    #[test]
    fn invalid_and_overlong_parameters_are_refused() {
        let bad = [&b"a=%FF"[..], b"a=\xff", b"a=%00", b"%C3=1"];
        for bad in bad {
            assert_eq!(Parameters::parse(bad), Err(ParametersError::NotUtf8));
        }
        let long = format!("{}=1", "x".repeat(101));
        let refused = Parameters::parse(long.as_bytes());
        assert_eq!(refused, Err(ParametersError::LongName));
        let many = (0..100).map(|n| format!("p{n}=1")).collect::<Vec<_>>();
        let many = many.join("&");
        assert_eq!(
            Parameters::parse(many.as_bytes()),
            Err(ParametersError::TooMany)
        );
    }

    #[test]
    fn every_limit_is_documented_and_named_where_it_is_exceeded() {
        let guide = include_str!("../../docs/reference/limits.md");
        let others = [
            ("scope", MAX_VALUE),
            ("login_hint", MAX_VALUE),
            ("code", MAX_VALUE),
        ];
        for (name, limit) in LIMITS.into_iter().chain(others) {
            let at = format!("{name}={}", "x".repeat(limit));
            assert!(Parameters::parse(at.as_bytes()).is_ok(), "{name}");
            let over = Parameters::parse(format!("{at}x").as_bytes()).expect_err("too long");
            let said = over.to_string();
            assert!(
                said.contains(name) && said.contains(&limit.to_string()),
                "{said}"
            );
            let row = guide
                .lines()
                .find(|line| line.contains(&format!("`{name}`")));
            assert!(
                row.is_some_and(|row| row.contains(&format!("| {limit} bytes"))),
                "{name}"
            );
        }
        for limit in [MAX_PARAMETERS, MAX_NAME, MAX_VALUE] {
            assert!(guide.contains(&format!("| {limit}")), "{limit}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            Parameters::parse(&bytes).ok();
        }

        #[test]
        fn encoded_parameters_round_trip(value in "[^\\x00]{1,80}") {
            let encoded: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("a", &value)
                .finish();
            let read = Parameters::parse(encoded.as_bytes()).expect("parameters");
            prop_assert_eq!(read.get("a"), Some(value.as_str()));
        }
    }
}
