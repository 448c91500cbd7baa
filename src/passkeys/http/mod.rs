//! The HTTP endpoints of the ceremonies: `/webauthn/{register,login,step-up}/{start,finish}`.

pub mod login;
mod problems;
pub mod register;
pub mod step_up;
mod well_known;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ceremony::CeremonyStart;
use crate::base::ids::UserId;
pub use well_known::routes as well_known_routes;

crate::web::routes! {
    "/webauthn/register/start" => post register::start_registration;
    "/webauthn/register/finish" => post register::finish_registration;
    "/webauthn/login/start" => post login::start_login;
    "/webauthn/login/finish" => post login::finish_login;
    "/webauthn/step-up/start" => post step_up::start_step_up;
    "/webauthn/step-up/finish" => post step_up::finish_step_up;
}

/// A WebAuthn ceremony that was started.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedCeremony {
    /// Identifier to send back with the credential.
    ceremony: String,
    /// Options for `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, to be passed unchanged.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    mediation: Option<&'static str>,
}

impl From<CeremonyStart> for StartedCeremony {
    fn from(started: CeremonyStart) -> Self {
        Self {
            ceremony: started.ceremony.expose().to_owned(),
            public_key: started.public_key,
            mediation: None,
        }
    }
}

/// The authenticator's response.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishCeremony {
    /// Identifier of the ceremony, from the response that started it.
    ceremony: String,
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
    #[schema(value_type = Object)]
    credential: Value,
    /// Name of the new passkey.
    name: Option<String>,
}

/// Summary of a user, for their own pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserSummary {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    username: String,
    display_name: String,
    roles: Vec<String>,
}
