//! Refusals of the clients' rules as problem documents.

use actix_web::http::StatusCode;

use crate::base::secrets::Token;
use crate::clients::{ClientError, Fault};
use crate::standing::ChangePending;
use crate::web::{Problem, version_conflict};

/// 503 with the new secret: the change is committed, and the secret is in no other answer. Without `Retry-After`, because a
/// repeated request does not show it again.
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
            ClientError::Field(fault) if fault.fault == Fault::ClientIdTaken => Self::conflict("client-id-taken",
                "The client ID is taken",
                "Another client has it or had it, it is another client's audience, or a user's ID. Choose another one.",
            )
            .with("field", fault.field),
            ClientError::Field(fault) => Self::invalid_field(fault.field, fault),
            ClientError::AudienceTaken(audience) => Self::conflict("audience-taken",
                "The audience is another client's",
                "Each service is one client, who may introspect the tokens that are meant for it. Change that one, or choose \
                 another name.",
            )
            .with("field", "audiences")
            .with("audience", audience),
            ClientError::VersionIs(version) => version_conflict(version),
            ClientError::NoSecret => Self::conflict("no-secret",
                "A public client has no secret",
                "Give it another `token_endpoint_auth_method` first.",
            ),
            ClientError::Itself => {
                Self::forbidden("A client does not change itself. An administrator does.")
            }
            ClientError::HoldsMore => Self::forbidden(
                "That client may do more than yours, which therefore does not change it. An administrator does.",
            ),
            ClientError::NotManaged => Self::forbidden(
                "Your client neither registered that client nor manages it (managed_by). An administrator changes it, or \
                 grants your client its management.",
            ),
            ClientError::DisabledByOthers => Self::forbidden(
                "Others disabled that client, so yours does not change or enable it. An administrator enables it.",
            ),
            ClientError::NameTaken => Self::forbidden(
                "A client that others registered has that name, or one that reads like it. Choose another name, or ask an \
                 administrator.",
            )
            .with("field", "client_name"),
            ClientError::ProviderName => Self::forbidden(
                "This name is too similar to the name of this installation or to “Doorward”. Choose another name, or ask an administrator.",
            )
            .with("field", "client_name"),
            ClientError::NotHeldServices { field, values } => Self::forbidden(
                "A client gives only resources and audiences that it holds itself. An administrator gives the others.",
            )
            .with("field", field)
            .with("values", values.join(" ")),
            ClientError::NotHeldSetting(field) => Self::forbidden(
                "A client turns this setting on only when it registers another client, and only if it has the setting itself. Ask an administrator.",
            )
            .with("field", field),
            ClientError::ManagersInPerson => Self::forbidden(
                "Only an administrator in person grants or withdraws the management of a client (managed_by).",
            )
            .with("field", "managed_by"),
            ClientError::RegisteredInPerson => Self::forbidden(
                "`with_registered` is only for administrators in person. Leave it out, or ask an administrator.",
            )
            .with("field", "with_registered"),
            ClientError::ChosenInPerson(field) => Self::forbidden(
                "Only an administrator in person chooses a client's ID or secret. Leave it out: Doorward makes one.",
            )
            .with("field", field),
            ClientError::AlgorithmInPerson => Self::forbidden(
                "Only an administrator in person chooses an algorithm other than RS256: some verifiers reject all keys with one \
                 that they can't read.",
            )
            .with("field", "id_token_signed_response_alg"),
            ClientError::LongerInPerson { field, longest } => Self::forbidden(format!(
                "A service may set at most {longest} seconds here, and may only shorten the lifetime. Ask an administrator.",
            ))
            .with("field", field),
            ClientError::Approval => Self::forbidden(
                "Only an administrator in person registers or changes an app that asks no user for consent (require_consent).",
            ),
            ClientError::NotHeld(scopes) => Self::forbidden(
                "A client gives only scopes that it holds itself. An administrator gives the others.",
            )
            .with("field", "scope")
            .with("scope", scopes.to_text()),
            ClientError::Acting(error) => error.into(),
            ClientError::Pending(error) => error.into(),
            ClientError::Database(error) => error.into(),
        }
    }
}
