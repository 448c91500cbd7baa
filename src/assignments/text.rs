//! Parses the texts that users enter for role assignments and resources.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text_folding::is_unprintable;
use crate::base::text_type::TextError;
use crate::users::RoleName;

macro_rules! optional_text {
    ($(#[$doc:meta])* $name:ident, $max:literal, $fault:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Trims and checks the text; returns `None` if it is empty.
            pub fn parse(text: &str) -> Result<Option<Self>, TextError> {
                let trimmed = text.trim();
                if trimmed.chars().count() > $max || trimmed.chars().any(is_unprintable) {
                    return Err(TextError($fault));
                }
                Ok(Some(Self(trimmed.to_owned())).filter(|text| !text.0.is_empty()))
            }

            /// Returns the text.
            pub fn into_text(self) -> String {
                self.0
            }
        }
    };
}

optional_text! {
    /// Title of a role assignment or a resource: one line of at most 200 characters.
    Title, 200, "a title must have at most 200 printable characters, on one line"
}

optional_text! {
    /// Description of a role assignment or a resource: one line of at most 2000 characters.
    Description, 2000, "a description must have at most 2000 printable characters, on one line"
}

const MAX_ROLES: usize = 64;

/// The roles of an assignment, sorted and without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AssignedRoles(Vec<String>);

impl AssignedRoles {
    /// Parses 1 to 64 role names.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, TextError> {
        let parsed = names.iter().map(|name| RoleName::parse(name.as_ref()));
        let names: BTreeSet<RoleName> = parsed.collect::<Result<_, _>>()?;
        if names.is_empty() || names.len() > MAX_ROLES {
            return Err(TextError("an assignment must have 1 to 64 roles"));
        }
        Ok(Self(names.iter().map(ToString::to_string).collect()))
    }

    /// Returns the role names.
    pub fn into_names(self) -> Vec<String> {
        self.0
    }
}

impl fmt::Display for AssignedRoles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(", "))
    }
}

/// Parses an RFC 3339 time within the years that both databases can store.
pub fn parse_instant(text: &str) -> Result<Timestamp, TextError> {
    const FAULT: TextError = TextError("must be an RFC 3339 time in the years 1970 to 9999");
    let at = Timestamp::parse(text).ok_or(FAULT)?;
    let last = Timestamp::parse("9999-12-31T23:59:59Z").ok_or(FAULT)?;
    let is_within = (Timestamp::from_micros(0)..=last).contains(&at);
    is_within.then_some(at).ok_or(FAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigned_roles_are_sorted_deduplicated_and_limited_to_64() {
        let roles = AssignedRoles::parse(&["b", "a", "b"]).expect("roles");
        assert_eq!(roles.into_names(), ["a", "b"]);
        let many: Vec<String> = (0..65).map(|number| format!("r{number}")).collect();
        assert!(AssignedRoles::parse(&many[..64]).is_ok());
        for bad in [&[][..], &["a b".to_owned()], &many] {
            assert!(AssignedRoles::parse(bad).is_err());
        }
    }

    #[test]
    fn texts_are_limited_in_length_and_printable() {
        assert_eq!(Title::parse("  "), Ok(None));
        assert!(Title::parse(&"ä".repeat(200)).is_ok());
        for bad in ["a\nb", "a\u{202E}b", "a\u{FEFF}b", &"x".repeat(201)] {
            assert!(Title::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Description::parse(&"x".repeat(2000)).is_ok());
        assert!(Description::parse(&"x".repeat(2001)).is_err());
    }

    #[test]
    fn an_instant_must_be_within_the_databases_range() {
        assert!(parse_instant("2026-11-23T08:00:00Z").is_ok());
        assert!(parse_instant("2026-11-23T08:00:00+02:00").is_ok());
        for bad in ["", "2026-11-23", "1969-12-31T23:59:59Z", "x"] {
            assert!(parse_instant(bad).is_err(), "{bad}");
        }
    }
}
