//! Maps errors of clients to problem documents.

use actix_web::http::StatusCode;

use crate::account_state::ChangePending;
use crate::base::secrets::Token;
use crate::clients::{ClientError, FieldErrorKind};
use crate::web::{Problem, version_conflict};

/// 503 with the new secret: the change is committed, and no other response contains the secret. Without `Retry-After`, because
/// a repeated request would not show it again.
pub(super) fn secret_pending(error: &ChangePending, secret: &Token) -> Problem {
    tracing::error!(%error, "a client's new secret is committed but not yet in force");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "secret-pending",
        "Saved, but not yet in force everywhere",
        "The change is saved, and in force everywhere within seconds. Keep `client_secret` from this answer: it is not shown \
         again. If it is lost, make a new one.",
    )
    .with("client_secret", secret.expose())
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unknown => Self::not_found(),
            ClientError::Field(fault) if fault.kind == FieldErrorKind::ClientIdTaken => Self::conflict("client-id-taken",
                "The client ID is taken",
                "This ID is or was in use by another client, is another client's audience, or is a user's ID. Choose another one.",
            )
            .with("field", fault.field),
            ClientError::Field(fault) => Self::invalid_field(fault.field, fault),
            ClientError::AudienceTaken(audience) => Self::conflict("audience-taken",
                "The audience is taken",
                "Another client already has this audience. Update that client, or choose another audience.",
            )
            .with("field", "audiences")
            .with("audience", audience),
            ClientError::VersionMismatch(version) => version_conflict(version),
            ClientError::NoSecret => Self::conflict("no-secret",
                "Public clients can't have a secret",
                "Set another `token_endpoint_auth_method` first.",
            ),
            ClientError::SelfChange => {
                Self::forbidden("A client can't update itself. Ask an administrator.")
            }
            ClientError::ExceedsCaller => Self::forbidden(
                "That client has more permissions than yours, so yours can't update it. Ask an administrator.",
            ),
            ClientError::NotManaged => Self::forbidden(
                "Your client neither registered that client nor manages it (managed_by). Ask an administrator to update it, or to add your client to managed_by.",
            ),
            ClientError::DisabledByOthers => Self::forbidden(
                "That client was disabled by someone else, so yours can't update or enable it. Ask an administrator.",
            ),
            ClientError::NameTaken => Self::forbidden(
                "Another party's client has this name or a similar one. Choose another name, or ask an administrator.",
            )
            .with("field", "client_name"),
            ClientError::ProviderName => Self::forbidden(
                "This name is too similar to the name of this installation or to “Doorward”. Choose another name, or ask an administrator.",
            )
            .with("field", "client_name"),
            ClientError::ResourcesNotHeld { field, values } => Self::forbidden(
                "A client can only assign resources and audiences that it has itself. Ask an administrator for the others.",
            )
            .with("field", field)
            .with("values", values.join(" ")),
            ClientError::SettingNotHeld(field) => Self::forbidden(
                "A client can turn this setting on only when it registers another client, and only if it has the setting itself. Ask an administrator.",
            )
            .with("field", field),
            ClientError::ManagersNeedAdministrator => Self::forbidden(
                "Only administrators, in their own session, may change who manages a client (managed_by).",
            )
            .with("field", "managed_by"),
            ClientError::CascadeNeedsAdministrator => Self::forbidden(
                "Only administrators, in their own session, may use `with_registered`. Leave it out, or ask an administrator.",
            )
            .with("field", "with_registered"),
            ClientError::ChosenCredentialsNeedAdministrator(field) => Self::forbidden(
                "Only administrators, in their own session, may choose a client's ID or secret. Leave it out to get a random one.",
            )
            .with("field", field),
            ClientError::AlgorithmNeedsAdministrator => Self::forbidden(
                "Only administrators, in their own session, may choose an algorithm other than RS256, because some verifiers reject all keys if they can't read one.",
            )
            .with("field", "id_token_signed_response_alg"),
            ClientError::LongerLifetimeNeedsAdministrator { field, max } => Self::forbidden(format!(
                "A service may set at most {max} seconds here, and may only shorten the lifetime. Ask an administrator.",
            ))
            .with("field", field),
            ClientError::ConsentExempt => Self::forbidden(
                "Only administrators, in their own session, may create or update an app that does not ask for consent (require_consent).",
            ),
            ClientError::ScopeNotHeld(scopes) => Self::forbidden(
                "A client can only assign scopes that it has itself. Ask an administrator for the others.",
            )
            .with("field", "scope")
            .with("scope", scopes.to_text()),
            ClientError::Acting(error) => error.into(),
            ClientError::Pending(error) => error.into(),
            ClientError::Database(error) => error.into(),
        }
    }
}
