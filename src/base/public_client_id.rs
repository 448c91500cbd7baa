//! The `client_id` used in OAuth requests, in tokens and by administrators: a UUID, or a text chosen by an administrator.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ids::ClientId;

const MAX_LEN: usize = 128;

/// The `client_id` of a client (RFC 6749 §2.2).
///
/// The database, revisions and the ephemeral store identify clients by a UUID, the [`ClientId`]. The UUID of a chosen text is
/// computed from the text (version 8, RFC 9562 §5.8), so that no lookup is needed to parse one, and no client is ever stored
/// under the UUID that belongs to another client's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicClientId {
    text: Box<str>,
    id: ClientId,
}

impl PublicClientId {
    /// Parses a presented `client_id`, which has one spelling: a UUID in its canonical form, or a text of 1 to 128 characters of
    /// `A-Z a-z 0-9 . _ ~ -`, beginning with a letter or digit.
    pub fn parse(text: &str) -> Option<Self> {
        let id = match ClientId::parse(text) {
            // A version 8 UUID is computed from a text, and that text is the client's `client_id`.
            Some(id) if id.uuid().get_version_num() == 8 => return None,
            Some(id) => id,
            None if Self::is_choosable(text) => ClientId::of_name(&["client_id", text]),
            None => return None,
        };
        Some(Self {
            text: text.into(),
            id,
        })
    }

    /// Whether a text may be chosen as a client ID: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, beginning with a letter or digit. These
    /// VSCHARs (RFC 6749 Appendix A.1) need no escaping in URLs, shells and logs, and no command takes them for an option.
    fn is_choosable(text: &str) -> bool {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        text.len() <= MAX_LEN
            && text.bytes().all(is_safe)
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
    }

    /// Returns the ID under which the client is stored.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Returns the text of the `client_id`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the `client_id` is a chosen text instead of the UUID under which the client is stored.
    pub fn is_text(&self) -> bool {
        self.id.uuid().get_version_num() == 8
    }
}

impl ClientId {
    /// Parses a client named by an administrator or in a path: its `client_id`, or the UUID under which it is stored.
    pub fn named(text: &str) -> Option<Self> {
        PublicClientId::parse(text).map_or_else(|| Self::parse(text), |public| Some(public.id))
    }

    /// Like [`Self::named`], for command-line arguments.
    pub fn from_argument(text: &str) -> Result<Self, String> {
        Self::named(text).ok_or_else(|| format!("{text:?} can't be a client ID"))
    }
}

impl From<ClientId> for PublicClientId {
    fn from(id: ClientId) -> Self {
        Self {
            text: id.to_string().into(),
            id,
        }
    }
}

impl fmt::Display for PublicClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for PublicClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PublicClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a client ID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_maps_to_its_own_uuid_that_is_not_a_client_id() {
        let chosen = PublicClientId::parse("grafana").expect("a client ID");
        assert!(chosen.is_text() && chosen.as_str() == "grafana");
        assert_eq!(PublicClientId::parse("grafana"), Some(chosen.clone()));
        let other = PublicClientId::parse("Grafana").expect("a client ID");
        assert_ne!(other.id(), chosen.id());
        let stored = chosen.id().to_string();
        assert_eq!(PublicClientId::parse(&stored), None);
        assert_eq!(ClientId::named(&stored), Some(chosen.id()));
        assert_eq!(ClientId::named("grafana"), Some(chosen.id()));
    }

    #[test]
    fn a_uuid_maps_to_itself() {
        let id = ClientId::random();
        let public = PublicClientId::parse(&id.to_string()).expect("a client ID");
        assert!(public.id() == id && !public.is_text());
        assert_eq!(public, id.into());
    }

    #[test]
    fn only_text_that_needs_no_escaping_is_an_id() {
        let longest = "a".repeat(128);
        for good in [
            "a",
            "7",
            "my-app_1.0~x",
            "0123456789abcdef0123456789abcdef",
            &longest,
        ] {
            assert!(PublicClientId::parse(good).is_some(), "{good}");
        }
        let too_long = "a".repeat(129);
        for bad in [
            "",
            ".",
            "..",
            "-rf",
            "~root",
            "_x",
            "a b",
            "a/b",
            "a:b",
            "a@b",
            "a%20b",
            "a+b",
            "a\"b",
            "a'b",
            "a$b",
            "a\nb",
            "ä",
            "a\0",
            "https://app.example",
            &too_long,
        ] {
            assert_eq!(PublicClientId::parse(bad), None, "{bad}");
        }
    }
}
