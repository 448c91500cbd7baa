//! `…/history` and `?as_of=`: versions of records, and who made them.

mod parameters;

use actix_web::{HttpResponse, web};
use serde_json::Value;
use uuid::Uuid;

use super::resource_path::parse_path;
use crate::admin::commands::{Commands, TypeAccess};
use crate::admin::versions::{self, Entity, NameVisibility, Past, Version, VersionError, View};
use crate::assignments::{ResourceName, ResourceType};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, PasskeyId, RoleAssignmentId, RoleId, UserId};
use crate::clients::Scope;
use crate::history::PastInstantError;
use crate::passkeys::PasskeyFilter;
use crate::web::{Answer, Page, Problem};
pub(super) use parameters::as_of;
pub use parameters::{AsOf, CurrentOrAsOf, ItemsCurrentOrAsOf, ListVersions, OptionalInstant};

/// Responds with an entity as it was at an instant.
pub(super) async fn answer_past(commands: &Commands, entity: Entity, at: Timestamp) -> Answer {
    let view = View::all(commands.visible_names());
    let past: Past = versions::find_as_of(&commands.database, entity, at, view).await?;
    Ok(HttpResponse::Ok().json(past))
}

/// Responds with a user as they were at an instant, if the actor may see that version.
pub(super) async fn answer_past_user(commands: &Commands, user: UserId, at: Timestamp) -> Answer {
    let view = commands.view_of(user).await?;
    let past = versions::find_as_of(&commands.database, user_entity(user), at, view).await?;
    Ok(HttpResponse::Ok().json(past))
}

async fn answer(commands: &Commands, entity: Entity, query: &ListVersions, view: View) -> Answer {
    let page = versions::list(&commands.database, entity, query.parse()?, view).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Lists the versions of a user, newest first. Users who manage the user through a role see only versions in which they could
/// have managed the user.
#[utoipa::path(
    get, path = "/v1/users/{user}/history", tag = "history",
    params(("user" = String, Path, description = "ID or username"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "The caller may not read this"),
        (status = 404, description = "No user has this ID or name"),
    )
)]
pub async fn list_user_history(
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    let user = commands.readable_user(&name, Scope::UsersRead).await?;
    let view = commands.view_of(user).await?;
    answer(&commands, user_entity(user), &query, view).await
}

/// Responds with the passkeys of a user as they were at an instant.
pub(super) async fn answer_past_passkeys(
    commands: &Commands,
    user: UserId,
    at: Timestamp,
) -> Answer {
    let view = commands.view_of(user).await?;
    // Passkeys are never deleted, so every earlier one is still in the list.
    let known = commands.passkeys.list(user, PasskeyFilter::All).await?;
    let ids = known.iter().map(|passkey| passkey.id.uuid()).collect();
    let past = versions::list_as_of(&commands.database, "passkey", ids, at, view).await?;
    Ok(HttpResponse::Ok().json(past))
}

fn user_entity(user: UserId) -> Entity {
    Entity::new("user", user.uuid())
}

/// Lists the versions of a passkey, newest first.
#[utoipa::path(
    get, path = "/v1/passkeys/{passkey}/history", tag = "history",
    params(("passkey" = uuid::Uuid, Path, description = "ID of the passkey"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "The caller may not read this"),
        (status = 404, description = "No passkey has this ID"),
    )
)]
pub async fn list_passkey_history(
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    let id = PasskeyId::parse(&id);
    let owner = match id {
        Some(id) => commands.passkeys.find_owner(id).await?,
        None => None,
    };
    let (Some(id), Some(owner)) = (id, owner) else {
        commands.actor.require(Scope::PasskeysRead)?;
        return Err(Problem::not_found());
    };
    commands
        .readable_user(&owner.to_string(), Scope::PasskeysRead)
        .await?;
    let entity = Entity::new("passkey", id.uuid());
    let view = commands.view_of(owner).await?;
    answer(&commands, entity, &query, view).await
}

/// Lists the versions of a role, newest first. A deletion is a version with `deleted`.
#[utoipa::path(
    get, path = "/v1/roles/{role}/history", tag = "history",
    params(("role" = String, Path, description = "Name of the role"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Needs an administrator, a user who manages users or resources by a role, or `role-assignments:read`"),
        (status = 404, description = "No role has or had this name"),
    )
)]
pub async fn list_role_history(
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    commands.require_roles_read().await?;
    let view = View::all(commands.visible_names());
    answer(&commands, role_entity(&name), &query, view).await
}

pub(super) fn role_entity(name: &str) -> Entity {
    Entity::new("role", RoleId::of_name(&["role", name]).uuid())
}

/// Lists the versions of a role assignment, newest first. A version without roles means that the assignment was deleted.
#[utoipa::path(
    get, path = "/v1/role-assignments/{role_assignment}/history", tag = "history",
    params(("role_assignment" = uuid::Uuid, Path, description = "ID of the assignment"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 400, description = "Not a valid resource name"),
        (status = 403, description = "Needs an administrator, a role that manages assignments on this resource type, or `role-assignments:read`; users may read their own"),
        (status = 404, description = "No assignment has this ID"),
    )
)]
pub async fn list_role_assignment_history(
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    query.parse()?;
    let id = RoleAssignmentId::parse(&id)
        .map(RoleAssignmentId::uuid)
        .unwrap_or_default();
    let entity = role_assignment_entity(id);
    // The user and the resource type of a role assignment are the same in every version.
    let all = View::all(NameVisibility::Clients);
    let newest = match versions::list(&commands.database, entity, (None, 1), all).await {
        Err(VersionError::Unknown) => None,
        newest => newest?.items.pop(),
    };
    let member = |name: &str| {
        let version = newest.as_ref()?;
        version.data.get(name)?.as_str().map(str::to_owned)
    };
    let own = commands.actor.own_account_state(Scope::RoleAssignmentsRead);
    let own = own.map(|own| own.user_id.to_string());
    let names = if own.is_some() && own == member("user_id") {
        NameVisibility::All
    } else {
        let access = commands.readable_types().await?;
        let resource_type = member("resource_type");
        let resource_type = resource_type.and_then(|text| ResourceType::parse(&text).ok());
        access.require_of(resource_type.as_ref())?;
        commands.visible_names()
    };
    answer(&commands, entity, &query, View::all(names)).await
}

fn role_assignment_entity(id: Uuid) -> Entity {
    Entity::new("grant", id)
}

/// Responds with a role assignment as it was at an instant, if the actor may read assignments on its resource type, which is the
/// same in every version.
pub(super) async fn answer_past_role_assignment(
    commands: &Commands,
    access: &TypeAccess,
    id: RoleAssignmentId,
    at: Timestamp,
) -> Answer {
    let view = View::all(commands.visible_names());
    let entity = role_assignment_entity(id.uuid());
    let past: Past = versions::find_as_of(&commands.database, entity, at, view).await?;
    let resource_type = past.item.data.get("resource_type").and_then(Value::as_str);
    let resource_type = resource_type.and_then(|text| ResourceType::parse(text).ok());
    if !resource_type.is_some_and(|known| access.covers(&known)) {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Ok().json(past))
}

/// Lists the versions of a client, newest first. A deletion is a version with `deleted`.
#[utoipa::path(
    get, path = "/v1/clients/{client}/history", tag = "history",
    params(("client" = String, Path, description = "Its `client_id`"), ListVersions),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 403, description = "Needs an administrator or `clients:read`"),
        (status = 404, description = "No client has or had this ID"),
    )
)]
pub async fn list_client_history(
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<ListVersions>,
) -> Answer {
    commands.actor.require(Scope::ClientsRead)?;
    let id = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    let view = View::all(commands.visible_names());
    answer(&commands, client_entity(id), &query, view).await
}

pub(super) fn client_entity(id: ClientId) -> Entity {
    Entity::new("client", id.uuid())
}

/// Lists the versions of a resource, newest first. A deletion is a version with `deleted`.
#[utoipa::path(
    get, path = "/v1/resources/{type}/{id}/history", tag = "history",
    params(
        ("type" = String, Path, description = "Resource type"),
        ("id" = String, Path, description = "Resource ID; percent-encoded, including `/`"),
        ListVersions,
    ),
    responses(
        (status = 200, description = "A page of versions", body = Page<Version>),
        (status = 400, description = "Not a valid resource name"),
        (status = 403, description = "Needs an administrator, a role that manages assignments on this resource type, or `role-assignments:read`"),
        (status = 404, description = "No resource with this name was ever registered"),
    )
)]
pub async fn list_resource_history(
    commands: Commands,
    path: web::Path<(String, String)>,
    query: web::Query<ListVersions>,
) -> Answer {
    let access = commands.readable_types().await?;
    let name = parse_path(&path)?;
    access.require(&name.kind)?;
    let view = View::all(commands.visible_names());
    answer(&commands, resource_entity(&name), &query, view).await
}

pub(super) fn resource_entity(name: &ResourceName) -> Entity {
    Entity::new("resource", name.key().uuid())
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
