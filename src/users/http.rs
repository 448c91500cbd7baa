//! Lookups: who somebody is, whether they are active.

mod visitor;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    LastAdministrator, LookupError, User, UserCursor, UserFilter, UserPlace, UserView, Users,
};
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::sessions::{Caller, CallerError};
use crate::web::{Answer, Page, Problem, only, tagged};

pub use visitor::rights_of;

/// At most this many in one list.
const MOST: usize = 200;

/// The routes. What stands below `/v1/users/` is declared in `admin`, which also changes it, and knows of grants.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/users")
            .route(web::get().to(list_users))
            .default_service(only("GET")),
    );
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown => Self::not_found(),
            LookupError::Database(error) => error.into(),
        }
    }
}

impl From<LastAdministrator> for Problem {
    fn from(_: LastAdministrator) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "last-administrator",
            "This is the last administrator",
            "Nobody else could administer this place. Invite a second administrator first.",
        )
    }
}

/// The person that a path names, if the caller may read them: themself, an administrator or whoever manages them, a client with
/// `users:read`.
///
/// # Errors
/// `forbidden`, whether or not there is somebody.
pub async fn find_readable(users: &Users, caller: &Caller, name: &str) -> Result<User, Problem> {
    match own_id(caller, name, Scope::UsersRead) {
        Some(id) => Ok(users.find(&id.to_string()).await?),
        None => readable(users, caller, name, Scope::UsersRead).await,
    }
}

/// As [`find_readable`], of somebody else.
///
/// # Errors
/// `forbidden`, whether or not there is somebody.
pub async fn readable(
    users: &Users,
    caller: &Caller,
    name: &str,
    scope: Scope,
) -> Result<User, Problem> {
    let manager = delegate(caller);
    if manager.is_none() {
        caller.require(scope)?;
    }
    find_for(users, manager, name).await
}

/// The person that a name is of, among those whom `manager` may manage; `None`: among all.
///
/// # Errors
/// `forbidden` for whom they may not manage, whether or not there is somebody; `not-found` among all.
pub async fn find_for(users: &Users, manager: Option<UserId>, name: &str) -> Result<User, Problem> {
    let Some(manager) = manager else {
        return Ok(users.find(name).await?);
    };
    let person = users.find_managed(manager, name).await?;
    Ok(person.ok_or(CallerError::NotAdministrator)?)
}

/// The caller, if they are a person who may do no more than their roles let them. What an app holds for somebody is no such right.
pub fn delegate(caller: &Caller) -> Option<UserId> {
    match caller {
        Caller::Person(person) if !person.standing.is_administrator() => Some(person.session.user),
        Caller::Person(_) | Caller::Client(_) | Caller::Bearer(_) => None,
    }
}

/// The caller as [`delegate`] knows them, if they manage somebody; `None` for who may do what `scope` names for everybody.
///
/// # Errors
/// Who may not.
pub async fn require_manager(
    users: &Users,
    caller: &Caller,
    scope: Scope,
) -> Result<Option<UserId>, Problem> {
    let Some(manager) = delegate(caller) else {
        caller.require(scope)?;
        return Ok(None);
    };
    if users.rights(manager).await?.manages_nobody() {
        return Err(CallerError::NotAdministrator.into());
    }
    Ok(Some(manager))
}

/// The caller's own id, if a path names them by id or username. From then on the id is what counts: the name may be somebody
/// else's a moment later.
pub fn own_id(caller: &Caller, name: &str, scope: Scope) -> Option<UserId> {
    let person = caller.own(scope)?;
    let id = person.user_id;
    let is_own = UserId::parse(name) == Some(id) || person.username.eq_ignore_ascii_case(name);
    is_own.then_some(id)
}

/// A person with their entity tag; 304 where the caller has this version.
pub fn answer_user(request: &HttpRequest, user: User) -> HttpResponse {
    let etag = user.etag();
    tagged(request, HttpResponse::Ok(), &etag, UserView::from(user))
}

/// Whom to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    username: Option<String>,
    email: Option<String>,
    role: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// Lists users by display name, filtered by username, email address or role. Users who manage others by a role see only those users.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", params(ListUsers),
    responses(
        (status = 200, description = "A page of people", body = Page<UserView>),
        (status = 403, description = "Needs an administrator, somebody who manages people, or `users:read`"),
    )
)]
pub async fn list_users(
    caller: Caller,
    users: web::Data<Users>,
    query: web::Query<ListUsers>,
) -> Answer {
    let managed_by = require_manager(&users, &caller, Scope::UsersRead).await?;
    let ListUsers {
        username,
        email,
        role,
        limit,
        after,
    } = query.into_inner();
    let after = match after {
        None => UserPlace::Start,
        Some(after) => UserPlace::After(
            UserCursor::parse(&after)
                .ok_or_else(|| Problem::invalid_parameter("after", "not a cursor of this list"))?,
        ),
    };
    let limit = Page::<UserView>::limit(limit, MOST)?;
    let filter = UserFilter {
        username: username.map(|name| name.to_ascii_lowercase()),
        email,
        role,
        search: None,
        from: after,
        managed_by,
    };
    let found = users.list(filter, Page::<UserView>::fetch(limit)).await?;
    let page = Page::cut(found, limit, |user| UserCursor::of(user).to_text());
    Ok(HttpResponse::Ok().json(page.map(UserView::from)))
}
