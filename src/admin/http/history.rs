//! `…/history`, and what `?as_of=` asks: how things stood, and who made them so.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::reach::{Reach, thing_in_path};
use super::{find_readable, roles};
use crate::access::{ResourceName, ResourceType, parse_instant};
use crate::admin::versions::{self, Entity, Past, PastItems, Sight, Version, VersionError};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, GrantId, PasskeyId, RoleId, UserId};
use crate::clients::Scope;
use crate::db::Database;
use crate::history::PastInstantError;
use crate::passkeys::Passkeys;
use crate::sessions::Caller;
use crate::users::Users;
use crate::users::http::delegate;
use crate::web::{Answer, Items, Page, Problem, only};

/// At most this many in one list.
const MOST: usize = 200;

macro_rules! histories {
    ($config:ident, $($path:literal => $handler:ident),+ $(,)?) => {
        $config$(.service(
            web::resource($path)
                .route(web::get().to($handler))
                .default_service(only("GET")),
        ))+
    };
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    histories!(config,
        "/v1/users/{user}/history" => list_user_history,
        "/v1/passkeys/{passkey}/history" => list_passkey_history,
        "/v1/roles/{role}/history" => list_role_history,
        "/v1/grants/{grant}/history" => list_grant_history,
        "/v1/clients/{client}/history" => list_client_history,
        "/v1/resources/{type}/{id}/history" => list_resource_history,
    );
}

/// At which instant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// RFC 3339: as it stood then, answered as `{item, as_of, settled}`.
    #[param(format = DateTime)]
    as_of: Option<String>,
}

impl AsOf {
    /// The instant that is asked about; `None`: now.
    pub(super) fn parse(&self) -> Result<Option<Timestamp>, Problem> {
        as_of(self.as_of.as_deref())
    }
}

/// The instant that a parameter `as_of` names, which is judged later; `None`: now.
pub(super) fn as_of(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let parse =
        |text| parse_instant(text).map_err(|fault| Problem::invalid_parameter("as_of", fault));
    text.map(parse).transpose()
}

/// A thing as it is, or with `as_of` as it stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NowOrThen<T> {
    /// As it is.
    Now(T),
    /// As it stood.
    Then(Past),
}

/// Several things as they are, or with `as_of` as they stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ItemsNowOrThen<T> {
    /// As they are.
    Now(Items<T>),
    /// As they stood.
    Then(PastItems),
}

/// How an entity stood.
pub(super) async fn answer_past(database: &Database, entity: Entity, at: Timestamp) -> Answer {
    let past: Past = versions::find_as_of(database, entity, at).await?;
    Ok(HttpResponse::Ok().json(past))
}

/// How a person stood, if the caller might read them then.
pub(super) async fn answer_past_user(
    caller: &Caller,
    users: &Users,
    database: &Database,
    user: UserId,
    at: Timestamp,
) -> Answer {
    let sight = sight_on(caller, users, user).await?;
    let past = versions::find_seen_as_of(database, user_entity(user), at, sight).await?;
    Ok(HttpResponse::Ok().json(past))
}

/// Which versions of a person somebody sees who may read them now. Of themself everybody sees all.
async fn sight_on(caller: &Caller, users: &Users, user: UserId) -> Result<Sight, Problem> {
    match delegate(caller).filter(|manager| *manager != user) {
        Some(manager) => Ok(Sight::Within(users.rights(manager).await?)),
        None => Ok(Sight::Everything),
    }
}

/// Which versions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListVersions {
    /// From 1 to 200; 50 where it is not given.
    limit: Option<usize>,
    /// The cursor of a page before.
    after: Option<String>,
}

impl ListVersions {
    fn parse(&self) -> Result<(Option<i64>, usize), Problem> {
        let no_cursor = || Problem::invalid_parameter("after", "not a cursor of this list");
        let parse = |text: &String| {
            let version = text.parse::<i64>().ok().filter(|version| *version > 0);
            version.ok_or_else(no_cursor)
        };
        let before = self.after.as_ref().map(parse).transpose()?;
        Ok((before, Page::<Version>::limit(self.limit, MOST)?))
    }
}

async fn answer(database: &Database, entity: Entity, query: &ListVersions) -> Answer {
    let (before, limit) = query.parse()?;
    let page = versions::list(database, entity, before, limit).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Every version of a person, newest first; for who manages the person by a role, those at which they might have managed them.
#[utoipa::path(
    get, path = "/v1/users/{user}/history", tag = "history",
    params(("user" = String, Path, description = "Id or username"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Not yours to read"),
        (status = 404, description = "There is nobody of this id or name"),
    )
)]
pub async fn list_user_history(
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    let user = find_readable(&caller, &users, &name, Scope::UsersRead).await?;
    let sight = sight_on(&caller, &users, user).await?;
    let page = versions::list_seen(&database, user_entity(user), query.parse()?, sight).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// How the passkeys of a person stood.
pub(super) async fn answer_past_passkeys(
    database: &Database,
    passkeys: &Passkeys,
    user: UserId,
    at: Timestamp,
) -> Answer {
    // None is ever deleted: those of then are among those of now.
    let known = passkeys.list(user, true).await?;
    let ids = known.iter().map(|passkey| passkey.id.uuid()).collect();
    let past = versions::list_as_of(database, "passkey", ids, at).await?;
    Ok(HttpResponse::Ok().json(past))
}

fn user_entity(user: UserId) -> Entity {
    Entity {
        kind: "user",
        id: user.uuid(),
    }
}

/// Every version of a passkey, newest first.
#[utoipa::path(
    get, path = "/v1/passkeys/{passkey}/history", tag = "history",
    params(("passkey" = uuid::Uuid, Path, description = "The passkey's id"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Not yours to read"),
        (status = 404, description = "There is no passkey of this id"),
    )
)]
pub async fn list_passkey_history(
    caller: Caller,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    database: web::Data<Database>,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    let id = PasskeyId::parse(&id);
    let owner = match id {
        Some(id) => passkeys.find_owner(id).await?,
        None => None,
    };
    let (Some(id), Some(owner)) = (id, owner) else {
        caller.require(Scope::PasskeysRead)?;
        return Err(Problem::not_found());
    };
    find_readable(&caller, &users, &owner.to_string(), Scope::PasskeysRead).await?;
    let entity = Entity {
        kind: "passkey",
        id: id.uuid(),
    };
    answer(&database, entity, &query).await
}

/// Every version of a role, newest first; one that was deleted says so.
#[utoipa::path(
    get, path = "/v1/roles/{role}/history", tag = "history",
    params(("role" = String, Path, description = "Its name"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Needs an administrator, somebody who manages something by a role, or `grants:read`"),
        (status = 404, description = "There never was a role of this name"),
    )
)]
pub async fn list_role_history(
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    roles::require_read(&users, &caller).await?;
    answer(&database, role_entity(&name), &query).await
}

pub(super) fn role_entity(name: &str) -> Entity {
    Entity {
        kind: "role",
        id: RoleId::of_name(&["role", name]).uuid(),
    }
}

/// Every version of a grant, newest first; one that was withdrawn has no roles.
#[utoipa::path(
    get, path = "/v1/grants/{grant}/history", tag = "history",
    params(("grant" = uuid::Uuid, Path, description = "The grant's id"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 400, description = "No thing can have this name"),
        (status = 403, description = "Needs an administrator, a role that manages grants on such things, or `grants:read`; everybody may read their own"),
        (status = 404, description = "There is no grant of this id"),
    )
)]
pub async fn list_grant_history(
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    let (before, limit) = query.parse()?;
    let id = GrantId::parse(&id).map(GrantId::uuid).unwrap_or_default();
    let entity = grant_entity(id);
    // Whose grant it is and on what kind of thing is the same in every version.
    let newest = match versions::list(&database, entity, None, 1).await {
        Err(VersionError::Unknown) => None,
        newest => newest?.items.pop(),
    };
    let member = |name: &str| {
        let version = newest.as_ref()?;
        version.data.get(name)?.as_str().map(str::to_owned)
    };
    let own = caller
        .own(Scope::GrantsRead)
        .map(|own| own.user_id.to_string());
    if own.is_none() || own != member("user_id") {
        let reach = Reach::to_read(&caller, &users).await?;
        let kind = member("resource_type").and_then(|kind| ResourceType::parse(&kind).ok());
        reach.require_of(kind.as_ref())?;
    }
    let page = versions::list(&database, entity, before, limit).await?;
    Ok(HttpResponse::Ok().json(page))
}

fn grant_entity(id: Uuid) -> Entity {
    Entity { kind: "grant", id }
}

/// How a grant stood, for a caller who reaches its type: the same in every version, and one that is not theirs is not there.
pub(super) async fn answer_past_grant(
    database: &Database,
    reach: &Reach,
    id: GrantId,
    at: Timestamp,
) -> Answer {
    let past: Past = versions::find_as_of(database, grant_entity(id.uuid()), at).await?;
    let kind = past.item.data.get("resource_type").and_then(Value::as_str);
    let kind = kind.and_then(|kind| ResourceType::parse(kind).ok());
    if !kind.is_some_and(|kind| reach.covers(&kind)) {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Ok().json(past))
}

/// Every version of a client, newest first; one that was deleted says so.
#[utoipa::path(
    get, path = "/v1/clients/{client}/history", tag = "history",
    params(("client" = uuid::Uuid, Path, description = "Its `client_id`"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Needs an administrator or `clients:read`"),
        (status = 404, description = "There never was a client of this id"),
    )
)]
pub async fn list_client_history(
    caller: Caller,
    database: web::Data<Database>,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    caller.require(Scope::ClientsRead)?;
    let id = ClientId::parse(&id).ok_or_else(Problem::not_found)?;
    answer(&database, client_entity(id), &query).await
}

pub(super) fn client_entity(id: ClientId) -> Entity {
    Entity {
        kind: "client",
        id: id.uuid(),
    }
}

/// Every version of what was known of a thing, newest first; where it was forgotten, it says so.
#[utoipa::path(
    get, path = "/v1/resources/{type}/{id}/history", tag = "history",
    params(
        ("type" = String, Path, description = "Of which kind"),
        ("id" = String, Path, description = "Which"),
        ListVersions,
    ),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 400, description = "No thing can have this name"),
        (status = 403, description = "Needs an administrator, a role that manages grants on such things, or `grants:read`"),
        (status = 404, description = "Nothing was ever registered under this name"),
    )
)]
pub async fn list_resource_history(
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    path: web::Path<(String, String)>,
    query: web::Query<ListVersions>,
) -> Answer {
    let reach = Reach::to_read(&caller, &users).await?;
    let name = thing_in_path(&path)?;
    reach.require(&name.kind)?;
    answer(&database, resource_entity(&name), &query).await
}

pub(super) fn resource_entity(name: &ResourceName) -> Entity {
    Entity {
        kind: "resource",
        id: name.key().uuid(),
    }
}

impl From<PastInstantError> for Problem {
    fn from(error: PastInstantError) -> Self {
        match error {
            PastInstantError::Future => Self::invalid_parameter("as_of", error),
            PastInstantError::Database(error) => error.into(),
        }
    }
}

impl From<VersionError> for Problem {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::Instant(error) => error.into(),
            VersionError::Unknown => Self::not_found(),
            VersionError::Database(error) => error.into(),
        }
    }
}
