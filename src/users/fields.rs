//! Parsers of the text fields of users and roles: usernames, display names, email addresses, role names and descriptions.

use crate::base::ids::UserId;
use crate::base::text_folding::is_unprintable;
use crate::base::text_type::{TextError, text_type};

text_type! {
    /// A unique username: 1 to 64 of `a-z 0-9 . _ - + @`, beginning with a letter or digit. It never has the form of an ID,
    /// because parameters accept IDs and usernames alike.
    Username
}

impl Username {
    /// Trims and lower-cases the text, and checks it. `me` and `lookup` are reserved, because they are segments of API paths.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let folded = text.trim().to_ascii_lowercase();
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if folded.is_empty() || folded.len() > 64 {
            return Err(TextError("a username must have 1 to 64 characters"));
        }
        if !folded.starts_with(is_plain)
            || !folded
                .chars()
                .all(|letter| is_plain(letter) || "._-+@".contains(letter))
        {
            return Err(TextError(
                "a username may contain a-z, 0-9 and . _ - + @, and must start with a letter or digit",
            ));
        }
        if UserId::parse(&folded).is_some() || matches!(folded.as_str(), "me" | "lookup") {
            return Err(TextError("this name is reserved; choose another one"));
        }
        Ok(Self(folded))
    }
}

text_type! {
    /// A user's display name: 1 to 100 characters in any script.
    DisplayName
}

impl DisplayName {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let trimmed = text.trim();
        let is_short = (1..=100).contains(&trimmed.chars().count());
        if !is_short || trimmed.chars().any(is_unprintable) {
            return Err(TextError(
                "a display name must have 1 to 100 printable characters",
            ));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

text_type! {
    /// An email address as users write it. Its form is checked, not whether mail arrives.
    Email
}

impl Email {
    /// Trims the text, lower-cases the domain, and checks the form.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const FAULT: TextError = TextError("not an email address");
        let trimmed = text.trim();
        let (local, domain) = trimmed.rsplit_once('@').ok_or(FAULT)?;
        let is_bad = |letter: char| {
            letter.is_whitespace() || is_unprintable(letter) || "<>,;:\"()[]\\".contains(letter)
        };
        if local.len() > 64 || trimmed.len() > 254 {
            return Err(TextError(
                "an email address must have at most 254 characters, and at most 64 before the @",
            ));
        }
        if local.is_empty() || domain.is_empty() {
            return Err(FAULT);
        }
        if local.contains('@')
            || trimmed.chars().any(is_bad)
            || domain.starts_with('.')
            || domain.ends_with('.')
        {
            return Err(FAULT);
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }
}

text_type! {
    /// A role's name: 1 to 64 of ASCII letters, digits and `_ - . :`, beginning with a letter. Case-sensitive. It may be part of a
    /// comma-separated list and of a header.
    RoleName
}

impl RoleName {
    /// Checks the text, which is neither trimmed nor lower-cased.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let is_plain = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':')
        };
        let is_valid = text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(is_plain);
        if !is_valid {
            return Err(TextError(
                "a role must have 1 to 64 letters, digits and _ - . : and start with a letter",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

text_type! {
    /// A role's description, at most 200 characters; may be empty.
    #[derive(Default)]
    RoleDescription
}

impl RoleDescription {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let trimmed = text.trim();
        if trimmed.chars().count() > 200 || trimmed.chars().any(is_unprintable) {
            return Err(TextError(
                "a description must have at most 200 printable characters",
            ));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_folded_and_plain() {
        assert_eq!(
            Username::parse(" Ada.Lovelace ").map(|name| name.0),
            Ok("ada.lovelace".into())
        );
        for bad in [
            "",
            " ",
            "-x",
            "a b",
            "ä",
            "a/b",
            "me",
            &"a".repeat(65),
            &UserId::random().to_string(),
        ] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn display_names_allow_every_script_but_no_deceptive_characters() {
        assert!(DisplayName::parse("Ада Лавлейс 🦊").is_ok());
        for bad in [
            "",
            "  ",
            "a\u{0}b",
            "a\u{202E}b",
            "a\u{200B}b",
            &"x".repeat(101),
        ] {
            assert!(DisplayName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn email_addresses_are_validated() {
        assert_eq!(
            Email::parse("Ada@Example.COM").map(|email| email.0),
            Ok("Ada@example.com".into())
        );
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b@c",
            "<a@b>",
            "a@.b",
            "a\u{202E}@b",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn role_names_fit_into_lists_and_headers() {
        for good in ["admin", "OPERATOR", "shop:clerk", "a-b_c.d1"] {
            assert!(RoleName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a b", "a,b", "a\n", "ä", " a", &"a".repeat(65)] {
            assert!(RoleName::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_is_idempotent(text in "\\PC*") {
            if let Ok(name) = Username::parse(&text) {
                proptest::prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
            if let Ok(email) = Email::parse(&text) {
                proptest::prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
