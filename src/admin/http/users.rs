//! Changing people: `/v1/users/{user}`, `…/suspend`, `…/reactivate`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::history::{AsOf, NowOrThen, answer_past_user};
use super::{Reason, authority, find_changeable};
use crate::clients::Scope;
use crate::db::Database;
use crate::sessions::Caller;
use crate::users::http::{answer_user, find_readable, own_id};
use crate::users::{
    Authority, DisplayName, Email, ReleaseError, SuspendError, UpdateError, UserChange, UserView,
    Username, UsernameView, Users,
};
use crate::web::{Answer, AnyCase, Items, Problem, only, require_version, version_conflict};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/users/{user}")
                .route(web::get().to(read_user))
                .route(web::patch().to(update_user))
                .default_service(only("GET, PATCH")),
        )
        .service(
            web::resource("/v1/users/{user}/suspend")
                .route(web::post().to(suspend_user))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/v1/users/{user}/reactivate")
                .route(web::post().to(reactivate_user))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/v1/users/{user}/usernames")
                .route(web::get().to(list_usernames))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/v1/usernames/{username}")
                .route(web::delete().to(release_username))
                .default_service(only("DELETE")),
        );
}

/// One person; with `as_of`, as they stood.
#[utoipa::path(
    get, path = "/v1/users/{user}", tag = "users",
    params(
        ("user" = String, Path, description = "Id or username"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The person; with `as_of`, as they stood", body = NowOrThen<UserView>, headers(("ETag" = String, description = "The version; not with `as_of`"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 400, description = "`as_of` is no instant, or in the future"),
        (status = 403, description = "Not yours to read"),
        (status = 404, description = "No user has this ID or name, or had it then; or the caller did not manage the user then"),
    )
)]
pub async fn read_user(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let user = find_readable(&users, &caller, &name).await?;
    match query.parse()? {
        Some(at) => answer_past_user(&caller, &users, &database, user.id, at).await,
        None => Ok(answer_user(&request, user)),
    }
}

/// What to change about a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    username: Option<String>,
    display_name: Option<String>,
    /// `null` takes the address away.
    #[serde(default, deserialize_with = "crate::web::given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// For administrators in person: whether the email address is verified. By default, a new address counts as verified if an
    /// administrator in person enters it, and not if a client or another manager does; an unchanged address keeps its state.
    email_verified: Option<bool>,
    /// All attributes anew: 16384 bytes and 16 levels at most.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Map<String, Value>>,
    /// All roles anew.
    roles: Option<Vec<String>>,
}

impl UpdateUser {
    fn parse(self) -> Result<UserChange, Problem> {
        let username = self
            .username
            .map(|text| Username::parse(&text))
            .transpose()
            .map_err(|fault| Problem::invalid_field("username", fault))?;
        let display_name = self
            .display_name
            .map(|text| DisplayName::parse(&text))
            .transpose()
            .map_err(|fault| Problem::invalid_field("display_name", fault))?;
        let email = self
            .email
            .map(|email| email.map(|text| Email::parse(&text)).transpose())
            .transpose()
            .map_err(|fault| Problem::invalid_field("email", fault))?;
        Ok(UserChange {
            username,
            display_name,
            email,
            email_verified: self.email_verified,
            attributes: self.attributes,
            roles: self.roles,
        })
    }
}

/// Changes a person: send the `ETag` that you read as `If-Match`.
#[utoipa::path(
    patch, path = "/v1/users/{user}", tag = "users", request_body = UpdateUser,
    params(
        ("user" = String, Path, description = "Id or username"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, body = UserView, headers(("ETag" = String, description = "The version"))),
        (status = 409, description = "The username is taken, or nobody could administer the place"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_user(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    body: AnyCase<UpdateUser>,
) -> Answer {
    let id = find_changeable(&caller, &users, &name, Scope::UsersWrite).await?;
    let expected = require_version(&request)?;
    let change = body.0.parse()?;
    let acting = caller.acting(&request, Scope::UsersWrite);
    let changed = users
        .update(id, change, Some(expected), authority(&caller), acting)
        .await?;
    Ok(answer_user(&request, changed))
}

/// What a suspension cut.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suspended {
    sessions_ended: usize,
}

/// Suspends a person: every session ends, no passkey signs in. Everybody may suspend themself.
#[utoipa::path(
    post, path = "/v1/users/{user}/suspend", tag = "users", request_body = Reason,
    params(("user" = String, Path, description = "Id or username")),
    responses(
        (status = 200, body = Suspended),
        (status = 409, description = "The last administrator stays"),
    )
)]
pub async fn suspend_user(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    body: AnyCase<Reason>,
) -> Answer {
    // One locks one's own account oneself, not through an app.
    let own = own_id(&caller, &name, Scope::UsersWrite);
    let own = own.filter(|_| matches!(caller, Caller::Person(_)));
    let (id, authority) = match own {
        Some(id) => (id, Authority::Administrator),
        None => {
            let id = find_changeable(&caller, &users, &name, Scope::UsersWrite).await?;
            (id, authority(&caller))
        }
    };
    let reason = body.0.parse()?;
    let ended = users
        .suspend(
            id,
            reason,
            authority,
            caller.acting(&request, Scope::UsersWrite),
        )
        .await?;
    Ok(HttpResponse::Ok().json(Suspended {
        sessions_ended: ended.sessions,
    }))
}

/// Lets a suspended person in again.
#[utoipa::path(
    post, path = "/v1/users/{user}/reactivate", tag = "users", request_body = Reason,
    params(("user" = String, Path, description = "Id or username")),
    responses((status = 204, description = "They may sign in"))
)]
pub async fn reactivate_user(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    body: AnyCase<Reason>,
) -> Answer {
    let id = find_changeable(&caller, &users, &name, Scope::UsersWrite).await?;
    let reason = body.0.parse()?;
    users
        .reactivate(
            id,
            reason,
            authority(&caller),
            caller.acting(&request, Scope::UsersWrite),
        )
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the current and former usernames of a user. Each stays reserved for the user until it is released.
#[utoipa::path(
    get, path = "/v1/users/{user}/usernames", tag = "users",
    params(("user" = String, Path, description = "Id or username")),
    responses(
        (status = 200, body = Items<UsernameView>),
        (status = 403, description = "Needs an administrator or `users:read`"),
        (status = 404, description = "No user has this ID or name"),
    )
)]
pub async fn list_usernames(
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    caller.require(Scope::UsersRead)?;
    let user = users.find(&name).await?;
    let items = users.list_usernames(user.id).await?;
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Releases a former username that was never used to sign in, so that anyone can be given it.
#[utoipa::path(
    delete, path = "/v1/usernames/{username}", tag = "users", security(("cookie" = [])),
    params(("username" = String, Path, description = "The name")),
    responses(
        (status = 204, description = "Released"),
        (status = 403, description = "Needs an administrator in person, with a recent sign-in"),
        (status = 404, description = "No user has or had this name"),
        (status = 409, description = "It is a user's current name, or a session was opened under it"),
    )
)]
pub async fn release_username(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let Caller::Person(person) = &caller else {
        return Err(ReleaseError::NotYours.into());
    };
    if !person.standing.is_administrator() {
        return Err(ReleaseError::NotYours.into());
    }
    caller.require_fresh()?;
    let name = Username::parse(&name).map_err(|_| Problem::not_found())?;
    let acting = caller.acting(&request, Scope::UsersWrite);
    users
        .release_username(name, authority(&caller), acting)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Unknown => Self::not_found(),
            ReleaseError::NotYours => {
                Self::forbidden("Only an administrator in person may release a username. Ask one.")
            }
            ReleaseError::Current => Self::new(
                StatusCode::CONFLICT,
                "username-current",
                "The username is in use",
                "It is the current name of a user. Rename the user first.",
            ),
            ReleaseError::Used => Self::new(
                StatusCode::CONFLICT,
                "username-used",
                "The username was used",
                "A user has signed in with this name, and others may trust it. It stays reserved for that user.",
            ),
            ReleaseError::Acting(error) => error.into(),
            ReleaseError::Database(error) => error.into(),
        }
    }
}

impl From<SuspendError> for Problem {
    fn from(error: SuspendError) -> Self {
        match error {
            SuspendError::Unknown => Self::not_found(),
            SuspendError::LastAdministrator(error) => error.into(),
            SuspendError::NotYours => not_yours(),
            SuspendError::Acting(error) => error.into(),
            SuspendError::Pending(error) => error.into(),
            SuspendError::Database(error) => error.into(),
        }
    }
}

impl From<UpdateError> for Problem {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Unknown => Self::not_found(),
            UpdateError::VersionIs(version) => version_conflict(version),
            UpdateError::UsernameTaken => Self::new(
                StatusCode::CONFLICT,
                "username-taken",
                "The username is taken",
                "Somebody has, or had, this name. Choose another.",
            )
            .with("field", "username"),
            UpdateError::TooManyRenames => Self::new(
                StatusCode::CONFLICT,
                "too-many-renames",
                "Renamed too often",
                "This user was given too many new usernames recently. Wait, or ask an administrator.",
            )
            .with("field", "username"),
            UpdateError::UnknownRole(role) => {
                Self::invalid_field("roles", format!("there is no role {role}"))
            }
            UpdateError::TooManyAttributes => Self::invalid_field("attributes", error),
            UpdateError::LastAdministrator(error) => error.into(),
            UpdateError::NotYours => not_yours(),
            UpdateError::Acting(error) => error.into(),
            UpdateError::NotVouched => Self::forbidden(
                "Only an administrator in person may say whether an address is verified. Leave `email_verified` out, or ask one.",
            ),
            UpdateError::NoAddress => Self::invalid_field("email_verified", error),
            UpdateError::Pending(error) => error.into(),
            UpdateError::Database(error) => error.into(),
        }
    }
}

pub(super) fn not_yours() -> Problem {
    Problem::forbidden(
        "Their roles, or those that you give or take, are not yours to manage. Ask an administrator.",
    )
}
