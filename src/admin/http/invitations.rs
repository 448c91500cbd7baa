//! `/v1/invitations`: creates, lists and revokes one-time links.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::AuditReason;
use super::problems::user_not_managed;
use crate::admin::commands::Commands;
use crate::base::ids::InvitationId;
use crate::clients::Scope;
use crate::sessions::CallerError;
use crate::users::{
    DisplayName, Email, InvitationError, InvitationFilter, InvitationLink, InvitationState,
    InvitationView, InviteError, NewInvitation, UpdateError, Username,
};
use crate::web::{Answer, JsonBody, Page, Problem, cursor, field, no_cursor, page_size, parameter};

/// A new invitation: for a new user, or with `user_id` a recovery link for an existing user who needs a new passkey.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    username: Option<String>,
    email: Option<String>,
    /// Whether the email address is verified; only administrators in their own session may set it. Default: true if such an
    /// administrator enters it.
    email_verified: Option<bool>,
    display_name: Option<String>,
    /// Roles that the new user will hold. A caller who manages users through a role must include at least one role that they
    /// manage.
    #[serde(default)]
    roles: Vec<String>,
    /// ID or username of an existing user. Only `expires_in` may be set with it.
    user_id: Option<String>,
    /// Seconds until the link expires. Default: 604800 (one week).
    expires_in: Option<u64>,
}

impl Invite {
    fn parse(self) -> Result<NewInvitation, Problem> {
        Ok(NewInvitation {
            username: field("username", self.username.as_deref(), Username::parse)?,
            email: field("email", self.email.as_deref(), Email::parse)?,
            email_verified: self.email_verified,
            display_name: field(
                "display_name",
                self.display_name.as_deref(),
                DisplayName::parse,
            )?,
            roles: self.roles,
            user: self.user_id,
            lifetime: self.expires_in.map(Duration::from_secs),
        })
    }
}

/// Creates an invitation link or a recovery link, which can be used once. No later response contains the link.
#[utoipa::path(
    post, path = "/v1/invitations", operation_id = "create_invitation", tag = "users", request_body = Invite,
    responses(
        (status = 201, description = "The link", body = InvitationLink),
        (status = 403, description = "Needs an administrator, a user who manages users, or `users:write`. With `user_id`, a client also needs `passkeys:enrol`, and the permission to assign every role of that user, on resources too (`role-assignments:write`)"),
        (status = 404, description = "No user has this `user_id`"),
        (status = 409, description = "The username is taken, or the user is suspended"),
    )
)]
pub async fn invite(commands: Commands, body: JsonBody<Invite>) -> Answer {
    let permit = commands.permit_invite(body.0.user_id.as_deref()).await?;
    let invited = commands.users.invite(body.0.parse()?, permit);
    Ok(HttpResponse::Created().json(invited.await?))
}

/// Filters and page of a list of invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListInvitations {
    /// Only invitations in this state: `open`, `used`, `expired` or `revoked`. Default: all.
    state: Option<String>,
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists invitations, newest first. Users who manage others by a role see only invitations that they created.
#[utoipa::path(
    get, path = "/v1/invitations", tag = "users", params(ListInvitations),
    responses(
        (status = 200, description = "A page of invitations, without their links", body = Page<InvitationView>),
        (status = 400, description = "Invalid parameter"),
        (status = 403, description = "Needs an administrator, a user who manages users, or `users:read`"),
    )
)]
pub async fn list_invitations(commands: Commands, query: web::Query<ListInvitations>) -> Answer {
    let created_by = commands.require_users_access(Scope::UsersRead).await?;
    let parse_state = |text: &str| {
        InvitationState::parse(text).ok_or("must be one of open, used, expired, revoked")
    };
    let filter = InvitationFilter {
        state: parameter("state", query.state.as_deref(), parse_state)?,
        created_by,
        after: cursor(query.after.as_deref(), InvitationId::parse)?,
    };
    let limit = page_size(query.limit)?;
    Ok(HttpResponse::Ok().json(commands.users.list_invitations(filter, limit).await?))
}

/// Revokes an unused invitation: its link stops working immediately.
#[utoipa::path(
    delete, path = "/v1/invitations/{invitation}", tag = "users",
    params(("invitation" = uuid::Uuid, Path, description = "ID of the invitation"), AuditReason),
    responses(
        (status = 204, description = "The link no longer works"),
        (status = 403, description = "Needs an administrator, its creator, a user who manages its user, or `users:write`"),
        (status = 404, description = "No invitation has this ID"),
        (status = 409, description = "It was used"),
    )
)]
pub async fn revoke_invitation(
    commands: Commands,
    id: web::Path<String>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let permit = commands.permit_invite(None).await?;
    let reason = reason.parse()?;
    commands.revoke_invitation(&id, reason, permit).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Unknown => Self::not_found(),
            InvitationError::UnknownCursor => no_cursor(),
            InvitationError::NotPermitted => user_not_managed(),
            InvitationError::Used => Self::conflict(
                "invitation-used",
                "The invitation was used",
                "The link can't be revoked any more. Suspend the user, or revoke the passkey that was registered with it.",
            ),
            InvitationError::Acting(error) => error.into(),
            InvitationError::Database(error) => error.into(),
        }
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::UsernameTaken => Self::conflict("username-taken",
                "The username is taken",
                "Another user has, or had, this username. To create a recovery link for that user, send their ID as `user_id`.",
            )
            .with("field", "username"),
            InviteError::UnknownRole(role) => {
                Self::invalid_field("roles", format!("no role is named {role}"))
            }
            InviteError::UserUnknown => Self::not_found(),
            InviteError::UserSuspended => Self::conflict("account-suspended",
                "This account is suspended",
                "Reactivate the user first, then create the link.",
            ),
            InviteError::ExtraFields => Self::invalid_field(
                "user_id",
                "only expires_in may be sent with user_id",
            ),
            InviteError::RoleNeeded => Self::invalid_field(
                "roles",
                "must contain at least one role that you manage; otherwise you could not manage the new user",
            ),
            InviteError::NotPermitted => user_not_managed(),
            InviteError::RecoveryScopeMissing => CallerError::ScopeMissing(Scope::PasskeysEnrol).into(),
            InviteError::EmailVerificationNotPermitted => {
                UpdateError::EmailVerificationNotPermitted.into()
            },
            InviteError::EmailMissing => Self::invalid_field("email_verified", error),
            InviteError::InvalidLifetime => {
                Self::invalid_field("expires_in", "must be from 60 to 2592000 seconds (30 days)")
            }
            InviteError::Acting(error) => error.into(),
            InviteError::Database(error) => error.into(),
        }
    }
}
