//! Client secrets: as clients present them, as administrators choose them, and as they are stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::invalid_field::{FieldErrorKind, InvalidField};
use crate::base::ids::ClientId;
use crate::base::seal::{OpenError, Sealer};
use crate::base::secrets::{Token, TokenHash};

/// Allowed lengths of a secret in characters. Secrets that Doorward generates have 43.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=256;
/// Minimum number of different characters in a chosen secret: hexadecimal digits have 16, `aaaa…` has one.
const MIN_DISTINCT: usize = 8;

/// A secret that an administrator entered, not yet checked. Never printed.
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

/// A client secret: 32 to 256 of the VSCHARs of RFC 6749 Appendix A.2.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    text: String,
    /// The secret as sent in the `Authorization` header, if decoding changed it: some programs don't encode it (RFC 6749 §2.3.1).
    unencoded: Option<String>,
}

impl ClientSecret {
    /// Parses a secret that a client presented.
    pub fn parse(text: &str) -> Option<Self> {
        is_possible(text).then(|| Self {
            text: text.to_owned(),
            unencoded: None,
        })
    }

    /// Parses a secret from HTTP Basic credentials, given as it was sent and as decoded.
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

    /// Checks that a chosen secret is long and varied enough and that all its characters can be sent.
    pub(super) fn choose(typed: &TypedSecret) -> Result<Self, InvalidField> {
        let fault = || FieldErrorKind::Secret.of("client_secret");
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

    fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.as_bytes())
    }

    /// Whether this is the secret's hash (compared in constant time).
    pub(super) fn matches(&self, stored: TokenHash) -> bool {
        let unencoded = self.unencoded.as_ref();
        self.hash() == stored
            || unencoded.is_some_and(|text| TokenHash::of(text.as_bytes()) == stored)
    }
}

/// The stored form of a secret, in the database and the ephemeral store: the SHA-256 of a generated secret, or the SHA-256 of a
/// chosen secret, sealed under a key that is derived from the master key. A chosen secret may be guessable; sealing prevents
/// guesses from being tested with the database alone.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StoredSecret(pub(super) Vec<u8>);

impl StoredSecret {
    /// The stored form of a secret that Doorward generated from 256 random bits.
    pub(super) fn made(secret: &Token) -> Self {
        Self(secret.hash().as_bytes().to_vec())
    }

    /// The stored form of a secret that was chosen for this client.
    pub(super) fn chosen(secret: &ClientSecret, client: ClientId, sealer: &Sealer) -> Self {
        Self(sealer.seal(secret.hash().as_bytes(), client.uuid().as_bytes()))
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().map(Self)
    }

    pub(super) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Whether the secret was chosen: sealed bytes are longer than a hash.
    pub(super) fn is_sealed(&self) -> bool {
        TokenHash::from_bytes(&self.0).is_none()
    }

    /// Returns the SHA-256 of the secret. It can't be opened if it is sealed under a master key that is not configured.
    pub(super) fn open(&self, client: ClientId, sealer: &Sealer) -> Result<TokenHash, OpenError> {
        if let Some(hash) = TokenHash::from_bytes(&self.0) {
            return Ok(hash);
        }
        let hash = sealer.open(&self.0, client.uuid().as_bytes())?;
        TokenHash::from_bytes(&hash).ok_or(OpenError::Malformed)
    }

    /// Seals the secret under the current master key; `None` if it already is, or is not sealed at all.
    pub(super) fn rewrap(
        &self,
        client: ClientId,
        sealer: &Sealer,
    ) -> Result<Option<Self>, OpenError> {
        if !self.is_sealed() || sealer.is_current(&self.0) {
            return Ok(None);
        }
        let hash = self.open(client, sealer)?;
        let bytes = sealer.seal(hash.as_bytes(), client.uuid().as_bytes());
        Ok(Some(Self(bytes)))
    }
}

/// RFC 6749 Appendix A.2: `VSCHAR = %x20-7E`.
fn is_possible(text: &str) -> bool {
    LENGTHS.contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

crate::base::secrets::redacted!(ClientSecret);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secrets::MasterKey;

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
    fn a_chosen_secret_is_encrypted_for_its_client_and_re_encrypted_under_a_new_master_key() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let before = Sealer::new(&old, None, "tests");
        let moving = Sealer::new(&new, Some(&old), "tests");
        let after = Sealer::new(&new, None, "tests");
        let secret = ClientSecret::parse(&"abcdefgh".repeat(4)).expect("a secret");
        let (client, other) = (ClientId::random(), ClientId::random());
        let stored = StoredSecret::chosen(&secret, client, &before);
        assert!(stored.is_sealed());
        let text = StoredSecret::from_text(&stored.to_text()).expect("text");
        assert_eq!(text.open(client, &before), Ok(secret.hash()));
        assert_eq!(stored.open(other, &before), Err(OpenError::Altered));
        assert_eq!(stored.open(client, &after), Err(OpenError::UnknownKey));
        assert_eq!(
            stored.rewrap(client, &before).map(|new| new.is_some()),
            Ok(false)
        );
        let moved = stored
            .rewrap(client, &moving)
            .expect("opened")
            .expect("moved");
        assert_eq!(moved.open(client, &after), Ok(secret.hash()));
        let made = Token::generate();
        let stored = StoredSecret::made(&made);
        assert!(!stored.is_sealed() && stored.open(client, &after) == Ok(made.hash()));
        assert_eq!(
            stored.rewrap(client, &after).map(|new| new.is_some()),
            Ok(false)
        );
    }

    #[test]
    fn a_secret_in_a_header_is_accepted_raw_and_form_decoded() {
        let sent = "0123456789abcdef%2B0123456789abcdef";
        let secret = ClientSecret::parse_header(sent, Some("0123456789abcdef+0123456789abcdef"));
        let secret = secret.expect("a secret");
        let hash = |text: &str| TokenHash::of(text.as_bytes());
        assert!(secret.matches(hash(sent)));
        assert!(secret.matches(hash("0123456789abcdef+0123456789abcdef")));
        assert!(!secret.matches(hash("0123456789abcdef 0123456789abcdef")));
    }
}
