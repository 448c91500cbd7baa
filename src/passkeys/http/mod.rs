//! The HTTP endpoints of the ceremonies: `/webauthn/{register,login,step-up}/{start,finish}`.

pub mod login;
mod problems;
pub mod register;
pub mod step_up;
mod well_known;

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::register::CeremonyStart;
use crate::base::ids::UserId;
use crate::web::only;
pub use well_known::routes as well_known_routes;

/// Registers the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    macro_rules! post {
        ($($path:literal => $handler:path),+ $(,)?) => {
            config$(.service(
                web::resource($path).route(web::post().to($handler)).default_service(only("POST")),
            ))+;
        };
    }
    post! {
        "/webauthn/register/start" => register::start_registration,
        "/webauthn/register/finish" => register::finish_registration,
        "/webauthn/login/start" => login::start_login,
        "/webauthn/login/finish" => login::finish_login,
        "/webauthn/step-up/start" => step_up::start_step_up,
        "/webauthn/step-up/finish" => step_up::finish_step_up,
    }
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
