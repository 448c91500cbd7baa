//! One thing that is wrong with the configuration.

/// A key that can't be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `section.key`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}
