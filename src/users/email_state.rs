//! Whether an email address is known to belong to its user.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether an email address is known to belong to its user. Others may rely on `ConfirmedByAdmin` and `Verified` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailState {
    /// Someone entered it; nothing more is known.
    #[default]
    Unverified,
    /// An administrator who signed in themselves confirmed that it belongs to the user.
    #[serde(rename = "vouched")]
    ConfirmedByAdmin,
    /// The user proved that they receive email at it.
    Verified,
}

impl EmailState {
    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::ConfirmedByAdmin => "vouched",
            Self::Verified => "verified",
        }
    }

    /// Parses the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Unverified, Self::ConfirmedByAdmin, Self::Verified];
        all.into_iter().find(|state| state.as_str() == text)
    }
}
