//! A fault in the configuration.

/// A key with an invalid value, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The key, as `section.key`.
    pub key: String,
    /// What is wrong, and what would be valid.
    pub reason: String,
}
