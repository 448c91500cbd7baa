//! What one-use links are for.

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new person joins.
    Join,
    /// A known person gets a new passkey from an administrator; their sessions end, for the old passkey may be in other hands.
    Recover,
    /// A signed-in person adds another device of theirs.
    AddDevice,
}

impl Purpose {
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
