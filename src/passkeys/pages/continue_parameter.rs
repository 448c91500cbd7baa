//! The continuation of a user who comes from a client: an opaque ID that each page passes on to the next.

use serde::Deserialize;

use crate::base::secrets::Token;

/// The parameter of a page, or the field of its form.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ContinueParameter {
    r#continue: Option<String>,
}

impl ContinueParameter {
    /// The ID, unless it doesn't have the form of one.
    pub(super) fn id(&self) -> Option<&str> {
        let id = self.r#continue.as_deref();
        id.filter(|id| Token::parse(id).is_some())
    }

    /// Adds the ID to a path of this server.
    pub(super) fn to(&self, path: &str) -> String {
        match self.id() {
            Some(id) => format!("{path}?continue={id}"),
            None => path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_id_is_passed_on() {
        let id = Token::generate().expose().to_owned();
        let with = |text: &str| ContinueParameter {
            r#continue: Some(text.to_owned()),
        };
        assert_eq!(with(&id).to("/login"), format!("/login?continue={id}"));
        for other in ["", "https://evil.example/", "//evil.example", "a&b=c"] {
            assert_eq!(with(other).to("/login"), "/login");
        }
        assert_eq!(ContinueParameter::default().to("/login"), "/login");
    }
}
