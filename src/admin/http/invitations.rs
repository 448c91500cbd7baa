//! `POST /v1/invitations`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::authority;
use super::users::not_yours;
use crate::clients::Scope;
use crate::sessions::{Caller, CallerError};
use crate::users::http::require_manager;
use crate::users::{
    DisplayName, Email, InvitationLink, InviteError, NewInvitation, Username, Users,
};
use crate::web::{Answer, AnyCase, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/invitations")
            .route(web::post().to(invite))
            .default_service(only("POST")),
    );
}

/// Whom to invite: a new person, or with `user_id` an existing one who needs a new passkey.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    username: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
    /// The roles that a new person will hold. Whoever manages people by a role of theirs gives at least one that they manage.
    #[serde(default)]
    roles: Vec<String>,
    /// Id or username of an existing person; then nothing else but `expires_in`.
    user_id: Option<String>,
    /// Seconds until the link dies; 604800 (a week) if left out.
    expires_in: Option<u64>,
}

impl Invite {
    fn parse(self) -> Result<NewInvitation, Problem> {
        Ok(NewInvitation {
            username: self
                .username
                .map(|text| Username::parse(&text))
                .transpose()
                .map_err(|fault| Problem::invalid_field("username", fault))?,
            email: self
                .email
                .map(|text| Email::parse(&text))
                .transpose()
                .map_err(|fault| Problem::invalid_field("email", fault))?,
            display_name: self
                .display_name
                .map(|text| DisplayName::parse(&text))
                .transpose()
                .map_err(|fault| Problem::invalid_field("display_name", fault))?,
            roles: self.roles,
            user: self.user_id,
            life: self.expires_in.map(Duration::from_secs),
        })
    }
}

/// Makes a one-use link. It is shown this once.
#[utoipa::path(
    post, path = "/v1/invitations", tag = "users", request_body = Invite,
    responses(
        (status = 201, body = InvitationLink),
        (status = 404, description = "There is nobody of this `user_id`"),
        (status = 409, description = "The username is taken, or the person is suspended"),
    )
)]
pub async fn invite(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    body: AnyCase<Invite>,
) -> Answer {
    let wanted = body.0;
    match (
        require_manager(&users, &caller, Scope::UsersWrite).await?,
        &wanted.user_id,
    ) {
        // Nobody learns by an invitation who there is.
        (Some(manager), Some(name)) if users.find_managed(manager, name).await?.is_none() => {
            return Err(CallerError::NotAdministrator.into());
        }
        _ => caller.require_fresh()?,
    }
    let wanted = wanted.parse()?;
    let link = users
        .invite(
            wanted,
            authority(&caller),
            caller.acting(&request, Scope::UsersWrite),
        )
        .await?;
    Ok(HttpResponse::Created().json(link))
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::UsernameTaken => Self::new(
                StatusCode::CONFLICT,
                "username-taken",
                "The username is taken",
                "Somebody has, or had, this name. For a new link for them, send their id as `user_id`.",
            )
            .with("field", "username"),
            InviteError::UnknownRole(role) => {
                Self::invalid_field("roles", format!("there is no role {role}"))
            }
            InviteError::UserUnknown => Self::not_found(),
            InviteError::UserSuspended => Self::new(
                StatusCode::CONFLICT,
                "account-suspended",
                "This account is locked",
                "Reactivate the person first, then make the link.",
            ),
            InviteError::NothingElse => Self::invalid_field(
                "user_id",
                "for an existing person nothing else may be given but expires_in",
            ),
            InviteError::RoleNeeded => Self::invalid_field(
                "roles",
                "give at least one role that you manage: by it you manage the new person",
            ),
            InviteError::NotYours => not_yours(),
            InviteError::Life => {
                Self::invalid_field("expires_in", "from 60 seconds to 2592000 (30 days)")
            }
            InviteError::Acting(error) => error.into(),
            InviteError::Database(error) => error.into(),
        }
    }
}
