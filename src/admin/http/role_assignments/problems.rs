//! Maps errors of role assignments and resources to problem documents.

use crate::admin::commands::TypeNotManaged;
use crate::assignments::{ResourceError, RoleAssignmentError, UserRolesError};
use crate::web::{Problem, version_conflict};

impl From<RoleAssignmentError> for Problem {
    fn from(error: RoleAssignmentError) -> Self {
        match error {
            RoleAssignmentError::UserUnknown | RoleAssignmentError::Unknown => Self::not_found(),
            RoleAssignmentError::Exists(id) => Self::conflict(
                "role-assignment-exists",
                "The user already has roles on this resource",
                "Change the existing assignment instead; `role_assignment` is its ID.",
            )
            .with("role_assignment", id.to_string()),
            RoleAssignmentError::VersionMismatch(version) => version_conflict(version),
            RoleAssignmentError::NotPermitted => TypeNotManaged.into(),
            RoleAssignmentError::Past => {
                Self::invalid_field("valid_until", "must be in the future")
            }
            RoleAssignmentError::Acting(error) => error.into(),
            RoleAssignmentError::Pending(error) => error.into(),
            RoleAssignmentError::Database(error) => error.into(),
        }
    }
}

impl From<ResourceError> for Problem {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Unknown => Self::not_found(),
            ResourceError::Exists(version) | ResourceError::VersionMismatch(version) => {
                version_conflict(version)
            }
            ResourceError::Overtaken => Self::conflict(
                "conflict",
                "Changed by another request",
                "Another request registered this resource at the same time. Read it, then repeat your request.",
            ),
            ResourceError::Attributes | ResourceError::NotInSchema(_) => {
                Self::invalid_field("attributes", error)
            }
            ResourceError::NotPermitted => TypeNotManaged.into(),
            ResourceError::Acting(error) => error.into(),
            ResourceError::Pending(error) => error.into(),
            ResourceError::Database(error) => error.into(),
        }
    }
}

impl From<UserRolesError> for Problem {
    fn from(error: UserRolesError) -> Self {
        match error {
            UserRolesError::UserUnknown => Self::not_found(),
            UserRolesError::Instant(error) => error.into(),
            UserRolesError::Database(error) => error.into(),
        }
    }
}
