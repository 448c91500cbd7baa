//! Maps errors of role assignments and resources to problem documents.

use crate::access::{GrantError, RolesHeldError, ThingError};
use crate::admin::commands::NotYourType;
use crate::web::{Problem, version_conflict};

impl From<GrantError> for Problem {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::UserUnknown | GrantError::Unknown => Self::not_found(),
            GrantError::Exists(id) => Self::conflict(
                "grant-exists",
                "The user already has roles on this resource",
                "Change the existing assignment instead; `grant` is its ID.",
            )
            .with("grant", id.to_string()),
            GrantError::VersionIs(version) => version_conflict(version),
            GrantError::NotYours => NotYourType.into(),
            GrantError::Past => Self::invalid_field("valid_until", "must be in the future"),
            GrantError::Acting(error) => error.into(),
            GrantError::Pending(error) => error.into(),
            GrantError::Database(error) => error.into(),
        }
    }
}

impl From<ThingError> for Problem {
    fn from(error: ThingError) -> Self {
        match error {
            ThingError::Unknown => Self::not_found(),
            ThingError::Exists(version) | ThingError::VersionIs(version) => {
                version_conflict(version)
            }
            ThingError::Overtaken => Self::conflict(
                "conflict",
                "Changed by another request",
                "Another request registered this resource at the same time. Read it, then repeat your request.",
            ),
            ThingError::Attributes | ThingError::NotInSchema(_) => {
                Self::invalid_field("attributes", error)
            }
            ThingError::NotYours => NotYourType.into(),
            ThingError::Acting(error) => error.into(),
            ThingError::Pending(error) => error.into(),
            ThingError::Database(error) => error.into(),
        }
    }
}

impl From<RolesHeldError> for Problem {
    fn from(error: RolesHeldError) -> Self {
        match error {
            RolesHeldError::UserUnknown => Self::not_found(),
            RolesHeldError::Instant(error) => error.into(),
            RolesHeldError::Database(error) => error.into(),
        }
    }
}
