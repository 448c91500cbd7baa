//! `/v1/role-assignments`: creates, updates and deletes role assignments, which are roles of a user on a single resource.

mod body;
mod problems;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AuditReason;
use super::history::{AsOf, CurrentOrAsOf, OptionalInstant, answer_past_role_assignment};
use crate::admin::commands::{Commands, TypeAccess};
use crate::assignments::{ResourceId, ResourceType, RoleAssignment, RoleAssignmentFilter};
use crate::base::ids::RoleAssignmentId;
use crate::history::PastInstant;
use crate::users::{LookupError, RoleName};
use crate::web::{
    Answer, JsonBody, Page, Problem, created, cursor, page_size, parameter, require_if_match,
    respond_with_version,
};

pub use body::{CreateRoleAssignment, UpdateRoleAssignment};
pub(super) use body::{description, title};

/// Filters and page of a list of role assignments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListRoleAssignments {
    /// Only assignments of this user: ID or username.
    user: Option<String>,
    /// Only assignments on resources of this type.
    resource_type: Option<String>,
    /// Only assignments on the resource with this ID; requires `resource_type`.
    resource_id: Option<String>,
    /// Only assignments with this role. Roles are not indexed: without `user` or `resource_id`, all assignments (of the type, if
    /// it is set) are scanned until the page is full, which is slow if there are many and few have the role.
    role: Option<String>,
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// A page of role assignments, now or at a past time.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleAssignmentPage {
    #[serde(flatten)]
    pub(super) page: Page<RoleAssignment>,
    #[serde(flatten)]
    #[schema(value_type = OptionalInstant)]
    pub(super) instant: Option<PastInstant>,
}

/// The part of a filter that selects resources, limited to the types that `access` covers.
pub(super) fn assignment_filter(
    resource_type: Option<&str>,
    resource_id: Option<&str>,
    after: Option<&str>,
    access: &TypeAccess,
) -> Result<RoleAssignmentFilter, Problem> {
    let resource_type = parameter("resource_type", resource_type, ResourceType::parse)?;
    let resource_id = parameter("resource_id", resource_id, ResourceId::parse)?;
    match &resource_type {
        Some(resource_type) => access.require(resource_type)?,
        None if resource_id.is_some() => {
            let fault = "needs resource_type";
            return Err(Problem::invalid_parameter("resource_id", fault));
        }
        None => {}
    }
    Ok(RoleAssignmentFilter {
        visible_types: access.types(),
        after: cursor(after, parse_cursor)?,
        resource_type,
        resource_id,
        ..RoleAssignmentFilter::default()
    })
}

/// Parses the cursor of a list of role assignments.
pub(in crate::admin) fn parse_cursor(after: &str) -> Option<Uuid> {
    // All IDs have the same syntax, whatever they identify.
    RoleAssignmentId::parse(after).map(RoleAssignmentId::uuid)
}

/// Lists the role assignments in force: all, or those on resource types that the caller manages.
#[utoipa::path(
    get, path = "/v1/role-assignments", tag = "role-assignments", params(ListRoleAssignments),
    responses(
        (status = 200, description = "A page of role assignments", body = Page<RoleAssignment>),
        (status = 403, description = "Needs an administrator, `role-assignments:read`, or a role that manages role assignments on the type"),
    )
)]
pub async fn list_role_assignments(
    commands: Commands,
    query: web::Query<ListRoleAssignments>,
) -> Answer {
    let access = commands.readable_types().await?;
    let limit = page_size(query.limit)?;
    let mut filter = assignment_filter(
        query.resource_type.as_deref(),
        query.resource_id.as_deref(),
        query.after.as_deref(),
        &access,
    )?;
    filter.role = parameter("role", query.role.as_deref(), RoleName::parse)?;
    if let Some(name) = &query.user {
        match commands.users.resolve(name).await {
            Ok(user) => filter.user = Some(user),
            Err(LookupError::Unknown) => {
                let (items, next) = (Vec::<RoleAssignment>::new(), None);
                return Ok(HttpResponse::Ok().json(Page { items, next }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(HttpResponse::Ok().json(commands.assignments.list(filter, limit).await?))
}

/// Assigns roles on a resource to a user. A deleted or expired assignment of the user on the resource is reused under its ID.
#[utoipa::path(
    post, path = "/v1/role-assignments", tag = "role-assignments",
    request_body(content = CreateRoleAssignment, example = json!({
        "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["OPERATOR"],
    })),
    responses(
        (status = 201, description = "The role assignment", body = RoleAssignment,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "URL of the new resource"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments on the type"),
        (status = 404, description = "No user has this ID or name"),
        (status = 409, description = "The user already has roles on this resource; `role_assignment` is the ID of that assignment"),
    )
)]
pub async fn create_role_assignment(
    request: HttpRequest,
    commands: Commands,
    body: JsonBody<CreateRoleAssignment>,
) -> Answer {
    let (access, permit) = commands.writable_types().await?;
    let (user, resource, terms) = body.0.parse()?;
    access.require(&resource.kind)?;
    let user = commands.users.resolve(&user).await?;
    let assignments = &commands.assignments;
    let assigned = assignments.assign(user, resource, terms, permit.acting);
    let assignment = assigned.await?;
    let response = created(&format!("/v1/role-assignments/{}", assignment.id));
    respond_with_version(&request, response, assignment.version, &assignment)
}

/// Returns a role assignment; with `as_of`, its state at that time.
#[utoipa::path(
    get, path = "/v1/role-assignments/{role_assignment}", tag = "role-assignments",
    params(
        ("role_assignment" = uuid::Uuid, Path, description = "ID of the role assignment"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The assignment, also an expired one; with `as_of`, its state at that time", body = CurrentOrAsOf<RoleAssignment>, headers(("ETag" = String, description = "The version; not with `as_of`"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "Needs an administrator, `role-assignments:read`, or a role that manages role assignments"),
        (status = 404, description = "The assignment does not exist, was deleted, or is on a resource type that the caller does not manage"),
    )
)]
pub async fn read_role_assignment(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let access = commands.readable_types().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    if let Some(at) = query.parse()? {
        return answer_past_role_assignment(&commands, &access, id, at).await;
    }
    let assignment = commands.find_assignment(id, &access).await?;
    let version = assignment.version;
    respond_with_version(&request, HttpResponse::Ok(), version, &assignment)
}

/// Updates a role assignment: send the `ETag` that you read as `If-Match`.
#[utoipa::path(
    patch, path = "/v1/role-assignments/{role_assignment}", tag = "role-assignments",
    request_body(content = UpdateRoleAssignment, example = json!({ "roles": ["OPERATOR", "AUDITOR"] })),
    params(
        ("role_assignment" = uuid::Uuid, Path, description = "ID of the role assignment"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The role assignment", body = RoleAssignment, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments"),
        (status = 404, description = "The assignment does not exist, was deleted, or is on a resource type that the caller does not manage"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_role_assignment(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: JsonBody<UpdateRoleAssignment>,
) -> Answer {
    let (_, permit) = commands.writable_types().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    let expected = Some(require_if_match(&request)?);
    let change = body.0.parse()?;
    let assignments = &commands.assignments;
    let updated = assignments
        .update(id, change, expected, permit.acting)
        .await?;
    respond_with_version(&request, HttpResponse::Ok(), updated.version, &updated)
}

/// The result of deleting a role assignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleAssignmentDeleted {
    #[schema(value_type = uuid::Uuid)]
    deleted: RoleAssignmentId,
    /// The roles that it had. Empty if the assignment had already been deleted.
    roles: Vec<String>,
}

/// Deletes a role assignment. All instances apply this to the next decision.
#[utoipa::path(
    delete, path = "/v1/role-assignments/{role_assignment}", tag = "role-assignments",
    params(("role_assignment" = uuid::Uuid, Path, description = "ID of the role assignment"), AuditReason),
    responses(
        (status = 200, description = "The roles that it had", body = RoleAssignmentDeleted),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments"),
        (status = 404, description = "The assignment never existed, or is on a resource type that the caller does not manage"),
    )
)]
pub async fn delete_role_assignment(
    commands: Commands,
    id: web::Path<String>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let (_, permit) = commands.writable_types().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    let reason = reason.parse()?;
    let before = commands.assignments.delete(id, None, reason, permit.acting);
    Ok(HttpResponse::Ok().json(RoleAssignmentDeleted {
        deleted: id,
        roles: before.await?.roles,
    }))
}
