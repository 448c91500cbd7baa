//! `…/history`, and what `?as_of=` asks: how things stood, and who made them so.

mod asked;
mod view;

use actix_web::{HttpResponse, web};
use serde_json::Value;
use uuid::Uuid;

use super::reach::{Reach, thing_in_path};
use super::{find_readable, roles};
use crate::access::{ResourceName, ResourceType};
use crate::admin::versions::{self, Entity, Names, Past, Version, VersionError, View};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, GrantId, PasskeyId, RoleId, UserId};
use crate::clients::Scope;
use crate::db::Database;
use crate::history::PastInstantError;
use crate::passkeys::Passkeys;
use crate::sessions::Caller;
use crate::users::Users;
use crate::web::{Answer, Page, Problem, only};
pub(super) use asked::as_of;
pub use asked::{AsOf, ItemsNowOrThen, ListVersions, NowOrThen};
use view::{names_for, view_of};

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

/// How an entity stood.
pub(super) async fn answer_past(
    caller: &Caller,
    database: &Database,
    entity: Entity,
    at: Timestamp,
) -> Answer {
    let view = View::all(names_for(caller));
    let past: Past = versions::find_as_of(database, entity, at, view).await?;
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
    let view = view_of(caller, users, user).await?;
    let past = versions::find_as_of(database, user_entity(user), at, view).await?;
    Ok(HttpResponse::Ok().json(past))
}

async fn answer(database: &Database, entity: Entity, query: &ListVersions, view: View) -> Answer {
    let page = versions::list(database, entity, query.parse()?, view).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Every version of a person, newest first; for who manages the person by a role, those at which they might have managed them.
#[utoipa::path(
    get, path = "/v1/users/{user}/history", tag = "history",
    params(("user" = String, Path, description = "Id or username"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Not yours to read"),
        (status = 404, description = "No user has this ID or name"),
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
    let view = view_of(&caller, &users, user).await?;
    let page = versions::list(&database, user_entity(user), query.parse()?, view).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// How the passkeys of a person stood.
pub(super) async fn answer_past_passkeys(
    caller: &Caller,
    users: &Users,
    (database, passkeys): (&Database, &Passkeys),
    user: UserId,
    at: Timestamp,
) -> Answer {
    let view = view_of(caller, users, user).await?;
    // None is ever deleted: those of then are among those of now.
    let known = passkeys.list(user, true).await?;
    let ids = known.iter().map(|passkey| passkey.id.uuid()).collect();
    let past = versions::list_as_of(database, "passkey", ids, at, view).await?;
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
    let view = view_of(&caller, &users, owner).await?;
    answer(&database, entity, &query, view).await
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
    let view = View::all(names_for(&caller));
    answer(&database, role_entity(&name), &query, view).await
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
    let all = View::all(Names::Clients);
    let newest = match versions::list(&database, entity, (None, 1), all).await {
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
    let is_own = own.is_some() && own == member("user_id");
    if !is_own {
        let reach = Reach::to_read(&caller, &users).await?;
        let kind = member("resource_type").and_then(|kind| ResourceType::parse(&kind).ok());
        reach.require_of(kind.as_ref())?;
    }
    let names = if is_own {
        Names::All
    } else {
        names_for(&caller)
    };
    let page = versions::list(&database, entity, (before, limit), View::all(names)).await?;
    Ok(HttpResponse::Ok().json(page))
}

fn grant_entity(id: Uuid) -> Entity {
    Entity { kind: "grant", id }
}

/// How a grant stood, for a caller who reaches its type: the same in every version, and one that is not theirs is not there.
pub(super) async fn answer_past_grant(
    caller: &Caller,
    database: &Database,
    reach: &Reach,
    id: GrantId,
    at: Timestamp,
) -> Answer {
    let past: Past = versions::find_as_of(
        database,
        grant_entity(id.uuid()),
        at,
        View::all(names_for(caller)),
    )
    .await?;
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
    params(("client" = String, Path, description = "Its `client_id`"), ListVersions),
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
    let id = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    let view = View::all(names_for(&caller));
    answer(&database, client_entity(id), &query, view).await
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
    let view = View::all(names_for(&caller));
    answer(&database, resource_entity(&name), &query, view).await
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
