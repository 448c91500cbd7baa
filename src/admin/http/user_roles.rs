//! The roles of users: `/v1/users/{user}/roles` and `/v1/users/lookup`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::history::{OptionalInstant, as_of};
use super::role_assignments::assignment_filter;
use crate::admin::commands::{Commands, TypeAccess};
use crate::assignments::{RoleAssignment, UserRolesQuery};
use crate::clients::Scope;
use crate::history::PastInstant;
use crate::users::UserView;
use crate::web::{Answer, JsonBody, MAX_PAGE_SIZE, Page, Problem, page_size};

/// Filters, time and page of a user's roles.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReadRoles {
    /// Only role assignments on resources of this type.
    resource_type: Option<String>,
    /// Only the role assignment on the resource with this ID; requires `resource_type`.
    resource_id: Option<String>,
    /// Return the state at this time (RFC 3339).
    #[param(format = DateTime)]
    as_of: Option<String>,
    /// Maximum number of role assignments: 1 to 200. Default: 200.
    limit: Option<usize>,
    /// Cursor from the previous page of role assignments.
    after: Option<String>,
}

impl ReadRoles {
    /// Whether the request selects role assignments: a caller who may not see any is refused then, instead of getting the
    /// global roles only.
    fn selects_assignments(&self) -> bool {
        [&self.resource_type, &self.resource_id, &self.after]
            .iter()
            .any(|given| given.is_some())
            || self.limit.is_some()
    }
}

/// A user's global roles and role assignments.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRolesResponse {
    /// Global roles. Omitted if the caller may read role assignments only, or did not manage the user at the requested time.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    /// Role assignments on resources that the caller may read. Omitted if the caller may read global roles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_assignments: Option<Vec<RoleAssignment>>,
    /// Cursor of the next page of role assignments; `null` on the last page.
    next: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = OptionalInstant)]
    instant: Option<PastInstant>,
}

/// Returns a user's global roles and role assignments, now or at a past time.
#[utoipa::path(
    get, path = "/v1/users/{user}/roles", operation_id = "read_user_roles", tag = "users",
    params(("user" = String, Path, description = "ID or username"), ReadRoles),
    responses(
        (status = 200, description = "The user's roles and assignments", body = UserRolesResponse),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "The caller may not read this: `roles` need `users:read` or a role that manages the user, `role_assignments` need `role-assignments:read` or a role that manages them"),
        (status = 404, description = "The user does not exist, did not exist at that time, or may not be seen by the caller"),
    )
)]
pub async fn read_roles(
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<ReadRoles>,
) -> Answer {
    let actor = &commands.actor;
    let own_id = actor.own_id(&name, Scope::UsersRead);
    let managed_by = actor.delegate().filter(|_| own_id.is_none());
    let own_assignments = actor.own_id(&name, Scope::RoleAssignmentsRead);
    let access = match own_assignments {
        Some(_) => Ok(TypeAccess::All),
        None => commands.readable_types().await,
    };
    let access = match access.map_err(Problem::from) {
        Ok(access) => Some(access),
        // A part is left out only if the caller may not see it, never because of a server error.
        Err(problem) if query.selects_assignments() || problem.status.is_server_error() => {
            return Err(problem);
        }
        Err(_) => None,
    };
    let readable = commands.readable_user(&name, Scope::UsersRead).await;
    let readable = readable.map_err(Problem::from);
    if let Err(problem) = &readable
        && problem.status.is_server_error()
    {
        return Err(problem.clone());
    }
    let sees_roles = readable.is_ok();
    // From here on only the ID is used: the name may belong to another user a moment later.
    let user = match (readable, own_assignments) {
        (Ok(id), _) | (Err(_), Some(id)) => id,
        (Err(_), None) if access.is_some() => commands.users.resolve(&name).await?,
        (Err(problem), None) => return Err(problem),
    };
    let limit = page_size(query.limit.or(Some(MAX_PAGE_SIZE)))?;
    let as_of = as_of(query.as_of.as_deref())?;
    let filter = |access: &TypeAccess| {
        assignment_filter(
            query.resource_type.as_deref(),
            query.resource_id.as_deref(),
            query.after.as_deref(),
            access,
        )
    };
    let roles_query = UserRolesQuery {
        role_assignments: access.as_ref().map(filter).transpose()?,
        limit,
        as_of,
        managed_by,
    };
    let held = commands.assignments.roles_of(user, roles_query).await?;
    // A caller who manages role assignments but not the user must not learn that a user without such assignments exists.
    let sees_all = sees_roles || own_assignments.is_some() || access == Some(TypeAccess::All);
    let is_empty = |page: &Page<RoleAssignment>| page.items.is_empty() && page.next.is_none();
    if !sees_all && held.role_assignments.as_ref().is_none_or(is_empty) {
        return Err(Problem::not_found());
    }
    let (role_assignments, next) = held
        .role_assignments
        .map_or((None, None), |page| (Some(page.items), page.next));
    Ok(HttpResponse::Ok().json(UserRolesResponse {
        roles: held.roles.filter(|_| sees_roles),
        role_assignments,
        next,
        instant: held.instant,
    }))
}

/// A batch of users.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// IDs or usernames; at most 200.
    ids: Vec<String>,
    /// Return the state at this time (RFC 3339).
    #[schema(format = DateTime)]
    as_of: Option<String>,
}

/// The users of the batch that were found.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupResult {
    items: Vec<UserView>,
    #[serde(flatten)]
    #[schema(value_type = OptionalInstant)]
    instant: Option<PastInstant>,
}

/// Returns the identity and the roles of many users, now or at a past time. Users who do not exist, did not exist at that time,
/// or may not be read by the caller are omitted.
#[utoipa::path(
    post, path = "/v1/users/lookup", tag = "users", request_body = Lookup,
    responses(
        (status = 200, description = "The users that exist", body = LookupResult),
        (status = 400, description = "Too many IDs, or `as_of` is not a time, or in the future"),
        (status = 403, description = "Needs an administrator, a user who manages users, or `users:read`"),
    )
)]
pub async fn lookup_users(commands: Commands, body: JsonBody<Lookup>) -> Answer {
    let managed_by = commands.require_users_access(Scope::UsersRead).await?;
    let Lookup { ids, as_of: at } = body.0;
    if ids.len() > MAX_PAGE_SIZE {
        return Err(Problem::invalid_field(
            "ids",
            "must have at most 200 entries",
        ));
    }
    let (found, instant): (_, Option<PastInstant>) = match as_of(at.as_deref())? {
        None => (commands.find_users(ids).await?, None),
        Some(at) => {
            let found = commands.assignments.find_users_as_of(ids, at, managed_by);
            let (found, instant) = found.await?;
            (found, Some(instant))
        }
    };
    Ok(HttpResponse::Ok().json(LookupResult {
        items: found.into_iter().map(UserView::from).collect(),
        instant,
    }))
}
