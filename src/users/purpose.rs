//! The purposes of single-use links.

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// A new user joins.
    Join,
    /// An existing user registers a new passkey. Their sessions end, because someone else may have the old passkey.
    Recover,
    /// A signed-in user adds another device.
    AddDevice,
}

impl LinkPurpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Recover => "recover",
            Self::AddDevice => "add_device",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "join" => Some(Self::Join),
            "recover" => Some(Self::Recover),
            "add_device" => Some(Self::AddDevice),
            _ => None,
        }
    }
}
