//! How far a mail address is known to be the user's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a mail address is known to be the user's. Only `Vouched` and `Verified` are facts that others may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailState {
    /// Somebody entered it; nothing more is known.
    #[default]
    Unverified,
    /// An administrator in person said that it is the user's.
    Vouched,
    /// The user proved that they read mail there.
    Verified,
}

impl EmailState {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Vouched => "vouched",
            Self::Verified => "verified",
        }
    }

    /// Parses what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Unverified, Self::Vouched, Self::Verified];
        all.into_iter().find(|state| state.as_str() == text)
    }
}
