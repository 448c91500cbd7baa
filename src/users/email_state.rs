//! Whether an email address is known to belong to its user.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::text_enum::text_enum;

/// Whether an email address is known to belong to its user. Others may rely on `ConfirmedByAdmin` and `Verified` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailState {
    /// Someone entered it; nothing more is known.
    #[default]
    Unverified,
    /// An administrator confirmed in their own session that it belongs to the user.
    #[serde(rename = "vouched")]
    ConfirmedByAdmin,
    /// The user proved that they receive email at it.
    Verified,
}

text_enum!(EmailState { Unverified = "unverified", ConfirmedByAdmin = "vouched", Verified = "verified" });
