//! A client's secret as the client shows it, and one that an administrator chose.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::fault::{Fault, FieldFault};
use crate::base::secrets::TokenHash;

/// Lengths of a secret in characters. Only its SHA-256 is stored, without a salt or a slow function: that protects secrets that
/// nobody can guess, and only those. The secrets that Doorward makes have 43 characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=256;
/// The fewest different characters of a chosen secret: hexadecimal digits have 16, `aaaa…` has one.
const MIN_DISTINCT: usize = 8;

/// A secret that an administrator typed, not yet checked. Never printed.
#[derive(Clone, Debug, Deserialize)]
pub struct TypedSecret(SecretString);

impl From<String> for TypedSecret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for TypedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("redacted")
    }
}

/// A client's secret: 32 to 256 of the VSCHARs of RFC 6749 Appendix A.2.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    text: String,
    /// As it stood in the `Authorization` header, where that differs: some programs don't form-encode it (RFC 6749 §2.3.1).
    unencoded: Option<String>,
}

impl ClientSecret {
    /// Parses a presented secret.
    pub fn parse(text: &str) -> Option<Self> {
        is_possible(text).then(|| Self {
            text: text.to_owned(),
            unencoded: None,
        })
    }

    /// Parses a secret from HTTP Basic credentials, as it was sent and decoded.
    pub(super) fn parse_header(sent: &str, decoded: Option<&str>) -> Option<Self> {
        match decoded.filter(|decoded| is_possible(decoded)) {
            Some(decoded) => Some(Self {
                text: decoded.to_owned(),
                unencoded: Some(sent.to_owned())
                    .filter(|sent| sent != decoded && is_possible(sent)),
            }),
            None => Self::parse(sent),
        }
    }

    /// Checks a secret that an administrator chose.
    ///
    /// # Errors
    /// It is too short, too uniform, or has characters that can't be sent.
    pub(super) fn choose(typed: &TypedSecret) -> Result<Self, FieldFault> {
        let fault = || FieldFault::new("client_secret", Fault::Secret);
        let secret = Self::parse(typed.0.expose_secret()).ok_or_else(fault)?;
        let mut bytes: Vec<u8> = secret.text.bytes().collect();
        bytes.sort_unstable();
        bytes.dedup();
        let has_outer_space = secret.text.trim() != secret.text;
        if bytes.len() < MIN_DISTINCT || has_outer_space {
            return Err(fault());
        }
        Ok(secret)
    }

    /// The hash, which is stored.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.as_bytes())
    }

    /// Whether this hash is of the secret (compared in constant time).
    pub(super) fn matches(&self, stored: TokenHash) -> bool {
        let unencoded = self.unencoded.as_ref();
        self.hash() == stored
            || unencoded.is_some_and(|text| TokenHash::of(text.as_bytes()) == stored)
    }
}

/// RFC 6749 Appendix A.2: `VSCHAR = %x20-7E`.
fn is_possible(text: &str) -> bool {
    LENGTHS.contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_secret_is_long_varied_and_printable() {
        let choose = |text: &str| ClientSecret::choose(&text.to_owned().into()).is_ok();
        assert!(choose("0123456789abcdef0123456789abcdef"));
        assert!(choose("p%ss+word with \"spaces\" & more of it"));
        assert!(choose(&"abcdefgh".repeat(32)));
        for bad in [
            "",
            "0123456789abcdef0123456789abcde",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            " 0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef\n",
            "0123456789abcdef\t0123456789abcdef",
            "0123456789abcdef0123456789abcdé!",
            &"abcdefgh".repeat(33),
        ] {
            assert!(!choose(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_in_a_header_counts_as_it_was_sent_and_decoded() {
        let sent = "0123456789abcdef%2B0123456789abcdef";
        let secret = ClientSecret::parse_header(sent, Some("0123456789abcdef+0123456789abcdef"));
        let secret = secret.expect("a secret");
        let hash = |text: &str| TokenHash::of(text.as_bytes());
        assert!(secret.matches(hash(sent)));
        assert!(secret.matches(hash("0123456789abcdef+0123456789abcdef")));
        assert!(!secret.matches(hash("0123456789abcdef 0123456789abcdef")));
    }
}
