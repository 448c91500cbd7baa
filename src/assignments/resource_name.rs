//! The name of a resource: its type and its ID.

use std::fmt;

use serde::Serialize;

use crate::base::ids::ResourceKey;
use crate::base::text_folding::is_unprintable;
use crate::base::text_type::{TextError, text_type};

text_type! {
    /// Type of a resource as policies write it: `order`, `Shop::Order`. Compared exactly, including case.
    ResourceType
}

/// Types that have a meaning of their own in policies.
const OWN: [&str; 5] = ["User", "Role", "Action", "Client", "ExternalSubject"];
/// Words that are reserved in policies (Cedar's grammar, `IDENT`).
const RESERVED: [&str; 10] = [
    "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar",
];

impl ResourceType {
    /// Parses words of letters, digits and `_`, separated by `::`, of at most 100 characters in total.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let is_word = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                && !RESERVED.contains(&word)
        };
        if text.len() > 100 || !text.split("::").all(is_word) {
            return Err(TextError(
                "a resource type may contain letters, digits and _, with :: between its parts, and must have at most 100 characters",
            ));
        }
        if OWN.contains(&text) || text.ends_with("::Action") {
            return Err(TextError(
                "User, Role, Action, Client and ExternalSubject are reserved types",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

text_type! {
    /// ID of a resource within its type: 1 to 256 printable characters, compared exactly.
    ResourceId
}

impl ResourceId {
    /// Checks the length and that every character is visible.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let is_invalid = text.chars().count() > 256 || text.is_empty();
        if is_invalid || text.chars().any(is_unprintable) {
            return Err(TextError(
                "a resource ID must have 1 to 256 visible characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Type and ID of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ResourceName {
    /// Type of the resource.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// ID of the resource within its type.
    pub id: ResourceId,
}

impl ResourceName {
    /// Parses the type and the ID.
    pub fn parse(kind: &str, id: &str) -> Result<Self, TextError> {
        Ok(Self {
            kind: ResourceType::parse(kind)?,
            id: ResourceId::parse(id)?,
        })
    }

    /// Formats the cursor of a list at this resource.
    pub fn to_cursor(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }

    /// Parses the text that [`Self::to_cursor`] returned: a type contains no `/`.
    pub fn parse_cursor(after: &str) -> Option<Self> {
        let (kind, id) = after.split_once('/')?;
        Self::parse(kind, id).ok()
    }

    /// Key of the resource in revisions and in the ephemeral store.
    pub fn key(&self) -> ResourceKey {
        ResourceKey::of_name(&["resource", self.kind.as_str(), self.id.as_str()])
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_type_is_a_policy_type_name_that_doorward_does_not_reserve() {
        for good in [
            "order",
            "Order",
            "_x",
            "Shop::order",
            "user",
            "a1",
            "Shop::User",
        ] {
            assert!(ResourceType::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(101);
        for bad in [
            "",
            " order",
            "1a",
            "a-b",
            "a:b",
            "a::",
            "::a",
            "if",
            "a::in",
            "User",
            "Role",
            "Action",
            "Client",
            "ExternalSubject",
            "Shop::Action",
            "__cedar",
            "__cedar::x",
            "ä",
            "a\"b",
            &long,
        ] {
            assert!(ResourceType::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_resource_id_is_1_to_256_printable_characters() {
        for good in ["1", "a b", "ä/ö", "\"", "x".repeat(256).as_str()] {
            assert!(ResourceId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a\0b",
            "a\nb",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{FEFF}",
            "x".repeat(257).as_str(),
        ] {
            assert!(ResourceId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn different_resources_have_different_keys() {
        let key = |kind, id| ResourceName::parse(kind, id).expect("a name").key();
        assert_eq!(key("order", "1"), key("order", "1"));
        assert_ne!(key("order", "1"), key("order", "2"));
        assert_ne!(key("a::b", "c"), key("a", "b:c"));
    }
}
