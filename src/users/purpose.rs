//! The purposes of single-use links.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::text_enum::text_enum;

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// A new user joins.
    Join,
    /// An existing user registers a new passkey. Their sessions end, because someone else may have the old passkey.
    Recover,
    /// A signed-in user adds another device.
    AddDevice,
}

text_enum!(LinkPurpose { Join = "join", Recover = "recover", AddDevice = "add_device" });
