//! Maps errors of the commands to problem documents.

use crate::admin::commands::{CommandError, TypeNotManaged};
use crate::web::Problem;

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(error) => error.into(),
            CommandError::TypeNotManaged(error) => error.into(),
            CommandError::RolesNeedUserSession => Self::forbidden(
                "Only administrators, in their own session, may create and change roles: in the admin pages, or with `doorward role`.",
            ),
            CommandError::Release(error) => error.into(),
            CommandError::StepUpRequired(error) => error.into(),
            CommandError::NotFound => Self::not_found(),
            CommandError::Lookup(error) => error.into(),
            CommandError::Database(error) => error.into(),
        }
    }
}

impl From<TypeNotManaged> for Problem {
    fn from(_: TypeNotManaged) -> Self {
        Self::forbidden(
            "None of your roles lets you manage resources of this type. Ask an administrator.",
        )
    }
}

/// 403: the actor does not manage the user's roles, or the roles to add or remove.
pub(super) fn user_not_managed() -> Problem {
    Problem::forbidden(
        "You can't manage this user's roles, or the roles that you add or remove. Ask an administrator.",
    )
}
