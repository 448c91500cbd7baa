//! An instant as pages show it.

use crate::base::clock::Timestamp;

/// For `parts/time.html`: the instant for machines, and words for people whose browser runs no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339.
    pub at: String,
    /// In UTC, for people.
    pub text: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self {
            at: at.to_rfc3339(),
            text: at.to_plain_text(),
        }
    }
}
