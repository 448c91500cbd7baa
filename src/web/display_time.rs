//! Points in time as pages show them.

use crate::base::clock::Timestamp;

/// Point in time for `parts/time.html`: machine-readable, and as text for browsers that run no scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayTime {
    /// Time in RFC 3339 format.
    pub at: String,
    /// Time in UTC as readable text.
    pub text: String,
}

impl From<Timestamp> for DisplayTime {
    fn from(at: Timestamp) -> Self {
        Self {
            at: at.to_rfc3339(),
            text: at.to_plain_text(),
        }
    }
}
