//! What a client may ask.

use serde::{Deserialize, Serialize};

/// A permission of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Look people up: identity, status, roles.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Invite, change, suspend, reactivate people.
    #[serde(rename = "users:write")]
    UsersWrite,
    /// List anybody's sessions.
    #[serde(rename = "sessions:read")]
    SessionsRead,
    /// End anybody's sessions.
    #[serde(rename = "sessions:revoke")]
    SessionsRevoke,
    /// List anybody's passkeys.
    #[serde(rename = "passkeys:read")]
    PasskeysRead,
    /// Revoke anybody's passkeys.
    #[serde(rename = "passkeys:revoke")]
    PasskeysRevoke,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::SessionsRead,
        Self::SessionsRevoke,
        Self::PasskeysRead,
        Self::PasskeysRevoke,
        Self::AuditRead,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::SessionsRead => "sessions:read",
            Self::SessionsRevoke => "sessions:revoke",
            Self::PasskeysRead => "passkeys:read",
            Self::PasskeysRevoke => "passkeys:revoke",
            Self::AuditRead => "audit:read",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|scope| scope.as_str()).collect();
                format!("no such scope; there are {}", known.join(" "))
            })
    }
}
