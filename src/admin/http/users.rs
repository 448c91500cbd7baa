//! `/v1/users` and `/v1/usernames`: lists, reads, changes, suspends and reactivates users, and releases usernames.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::AuditReason;
use super::history::{AsOf, CurrentOrAsOf, answer_past_user};
use super::problems::user_not_managed;
use crate::admin::commands::Commands;
use crate::clients::Scope;
use crate::users::http::answer_user;
use crate::users::{
    DisplayName, Email, ReleaseError, UpdateError, UserChange, UserCursor, UserFilter,
    UserListPosition, UserView, Username, UsernameView,
};
use crate::web::{
    Answer, Items, JsonBody, Page, Problem, SessionsEnded, cursor, field, page_size,
    require_if_match, rows_to_fetch, version_conflict,
};

/// Filters and page of a list of users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Only the user with exactly this username; upper and lower case are the same.
    username: Option<String>,
    /// Only users with exactly this email address.
    email: Option<String>,
    /// Only users with this global role.
    role: Option<String>,
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists users by display name, filtered by username, email address or role. Users who manage others by a role see only those users.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", params(ListUsers),
    responses(
        (status = 200, description = "A page of users", body = Page<UserView>),
        (status = 403, description = "Needs an administrator, a user who manages users, or `users:read`"),
    )
)]
pub async fn list_users(commands: Commands, query: web::Query<ListUsers>) -> Answer {
    let managed_by = commands.require_users_access(Scope::UsersRead).await?;
    let query = query.into_inner();
    let after = cursor(query.after.as_deref(), UserCursor::parse)?;
    let limit = page_size(query.limit)?;
    let filter = UserFilter {
        username: query.username.map(|name| name.to_ascii_lowercase()),
        email: query.email,
        role: query.role,
        search: None,
        from: after.map_or(UserListPosition::Start, UserListPosition::After),
        managed_by,
    };
    let found = commands.users.list(filter, rows_to_fetch(limit)).await?;
    let page = Page::from_rows(found, limit, |user| UserCursor::of(user).to_text());
    Ok(HttpResponse::Ok().json(page.map(UserView::from)))
}

/// Returns a user; with `as_of`, their state at that time.
#[utoipa::path(
    get, path = "/v1/users/{user}", tag = "users",
    params(
        ("user" = String, Path, description = "ID or username"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The user; with `as_of`, their state at that time", body = CurrentOrAsOf<UserView>, headers(("ETag" = String, description = "The version; not with `as_of`"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "The caller may not read this"),
        (status = 404, description = "The user does not exist, did not exist at that time, or was not managed by the caller then"),
    )
)]
pub async fn read_user(
    request: HttpRequest,
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let user = commands.read_user(&name).await?;
    match query.parse()? {
        Some(at) => answer_past_user(&commands, user.id, at).await,
        None => answer_user(&request, user),
    }
}

/// Changes to a user. Omitted members are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// New username.
    username: Option<String>,
    /// New display name.
    display_name: Option<String>,
    /// Email address; `null` removes it.
    #[serde(default, deserialize_with = "crate::web::explicit_null")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// Whether the email address is verified; only administrators in their own session may set it. Default for a new address: true
    /// if such an administrator enters it. An unchanged address keeps its state.
    email_verified: Option<bool>,
    /// Replaces all attributes: at most 16 KiB and 16 levels deep.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Map<String, Value>>,
    /// Replaces all global roles.
    roles: Option<Vec<String>>,
}

impl UpdateUser {
    fn parse(self) -> Result<UserChange, Problem> {
        let email = self
            .email
            .map(|email| field("email", email.as_deref(), Email::parse));
        Ok(UserChange {
            username: field("username", self.username.as_deref(), Username::parse)?,
            display_name: field(
                "display_name",
                self.display_name.as_deref(),
                DisplayName::parse,
            )?,
            email: email.transpose()?,
            email_verified: self.email_verified,
            attributes: self.attributes,
            roles: self.roles,
        })
    }
}

/// Changes a user: send the `ETag` that you read as `If-Match`.
#[utoipa::path(
    patch, path = "/v1/users/{user}", tag = "users", request_body = UpdateUser,
    params(
        ("user" = String, Path, description = "ID or username"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String, description = "The version"))),
        (status = 409, description = "The username is taken, or no administrator would be left"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_user(
    request: HttpRequest,
    commands: Commands,
    name: web::Path<String>,
    body: JsonBody<UpdateUser>,
) -> Answer {
    let (id, permit) = commands.user_to_change(&name, Scope::UsersWrite).await?;
    let expected = Some(require_if_match(&request)?);
    let change = body.0.parse()?;
    let updated = commands.users.update(id, change, expected, permit).await?;
    answer_user(&request, updated)
}

/// Suspends a user: all their sessions end, and their passkeys no longer sign in. Users may suspend themselves.
#[utoipa::path(
    post, path = "/v1/users/{user}/suspend", tag = "users", request_body = AuditReason,
    params(("user" = String, Path, description = "ID or username")),
    responses(
        (status = 200, description = "The user was suspended", body = SessionsEnded),
        (status = 409, description = "The only administrator can't be suspended"),
    )
)]
pub async fn suspend_user(
    commands: Commands,
    name: web::Path<String>,
    body: JsonBody<AuditReason>,
) -> Answer {
    let (id, permit) = commands.user_to_suspend(&name).await?;
    let ended = commands.users.suspend(id, body.0.parse()?, permit).await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}

/// Reactivates a suspended user.
#[utoipa::path(
    post, path = "/v1/users/{user}/reactivate", tag = "users", request_body = AuditReason,
    params(("user" = String, Path, description = "ID or username")),
    responses((status = 204, description = "Reactivated"))
)]
pub async fn reactivate_user(
    commands: Commands,
    name: web::Path<String>,
    body: JsonBody<AuditReason>,
) -> Answer {
    let (id, permit) = commands.user_to_change(&name, Scope::UsersWrite).await?;
    commands
        .users
        .reactivate(id, body.0.parse()?, permit)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the current and former usernames of a user. Each stays reserved for the user until it is released.
#[utoipa::path(
    get, path = "/v1/users/{user}/usernames", tag = "users",
    params(("user" = String, Path, description = "ID or username")),
    responses(
        (status = 200, description = "The usernames", body = Items<UsernameView>),
        (status = 403, description = "Needs an administrator or `users:read`"),
        (status = 404, description = "No user has this ID or name"),
    )
)]
pub async fn list_usernames(commands: Commands, name: web::Path<String>) -> Answer {
    commands.actor.require(Scope::UsersRead)?;
    let user = commands.users.find(&name).await?;
    let items = commands.users.list_usernames(user.id).await?;
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Releases a former username that was never used to sign in, so that anyone can be given it.
#[utoipa::path(
    delete, path = "/v1/usernames/{username}", tag = "users", security(("cookie" = [])),
    params(("username" = String, Path, description = "The name")),
    responses(
        (status = 204, description = "Released"),
        (status = 403, description = "Needs an administrator in their own session, with a recent sign-in"),
        (status = 404, description = "No user has or had this name"),
        (status = 409, description = "It is a user's current name, or a session was opened under it"),
    )
)]
pub async fn release_username(commands: Commands, name: web::Path<String>) -> Answer {
    let permit = commands.permit_release()?;
    let name = Username::parse(&name).map_err(|_| Problem::not_found())?;
    commands.users.release_username(name, permit).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Unknown => Self::not_found(),
            ReleaseError::NotPermitted => Self::forbidden(
                "Only administrators, in their own session, may release a username.",
            ),
            ReleaseError::Current => Self::conflict(
                "username-current",
                "The username is in use",
                "This is the current username of a user. Rename the user first.",
            ),
            ReleaseError::Used => Self::conflict(
                "username-used",
                "The username was used",
                "A user has signed in with this name, and apps may rely on it. It stays reserved for that user.",
            ),
            ReleaseError::Acting(error) => error.into(),
            ReleaseError::Database(error) => error.into(),
        }
    }
}

impl From<UpdateError> for Problem {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Unknown => Self::not_found(),
            UpdateError::VersionMismatch(version) => version_conflict(version),
            UpdateError::UsernameTaken => Self::conflict("username-taken",
                "The username is taken",
                "Another user has, or had, this username. Choose another one.",
            )
            .with("field", "username"),
            UpdateError::TooManyRenames => Self::conflict("too-many-renames",
                "Renamed too often",
                "This user was given too many new usernames recently. Wait, or ask an administrator.",
            )
            .with("field", "username"),
            UpdateError::UnknownRole(role) => {
                Self::invalid_field("roles", format!("no role is named {role}"))
            }
            UpdateError::TooManyAttributes => Self::invalid_field("attributes", error),
            UpdateError::LastAdministrator(error) => error.into(),
            UpdateError::NotPermitted => user_not_managed(),
            UpdateError::Acting(error) => error.into(),
            UpdateError::EmailVerificationNotPermitted => Self::forbidden(
                "Only administrators, in their own session, may set `email_verified`. Leave it out, or ask an administrator.",
            ),
            UpdateError::EmailMissing => Self::invalid_field("email_verified", error),
            UpdateError::Pending(error) => error.into(),
            UpdateError::Database(error) => error.into(),
        }
    }
}
