//! `/v1/role-assignments`: creates, changes and withdraws role assignments, which are roles of a user on a single resource.

mod body;
mod problems;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Reason;
use super::history::{AsOf, CurrentOrAsOf, answer_past_role_assignment};
use crate::admin::commands::{AccessScope, Commands};
use crate::assignments::{ResourceId, ResourceType, RoleAssignment, RoleAssignmentFilter};
use crate::base::clock::Timestamp;
use crate::base::ids::RoleAssignmentId;
use crate::history::PastInstant;
use crate::users::{LookupError, RoleName};
use crate::web::{
    Answer, AnyCase, Page, Problem, created, cursor, parameter, require_if_match,
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
    /// The role assignments.
    items: Vec<RoleAssignment>,
    /// Cursor of the next page; `null` on the last page.
    next: Option<String>,
    /// The requested time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// Whether the response is final: repeating the request will return the same state.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<bool>,
}

impl RoleAssignmentPage {
    /// A page of an instant; `None` for now.
    pub(super) fn new(page: Page<RoleAssignment>, instant: Option<PastInstant>) -> Self {
        Self {
            items: page.items,
            next: page.next,
            as_of: instant.map(|instant| instant.at),
            settled: instant.map(|instant| instant.is_settled),
        }
    }
}

/// The part of a filter that selects resources, limited to the types in `scope`.
pub(super) fn assignment_filter(
    kind: Option<&str>,
    id: Option<&str>,
    after: Option<&str>,
    scope: &AccessScope,
) -> Result<RoleAssignmentFilter, Problem> {
    let kind = parameter("resource_type", kind, ResourceType::parse)?;
    let id = parameter("resource_id", id, ResourceId::parse)?;
    match &kind {
        Some(kind) => scope.require(kind)?,
        None if id.is_some() => {
            let fault = "needs resource_type";
            return Err(Problem::invalid_parameter("resource_id", fault));
        }
        None => {}
    }
    Ok(RoleAssignmentFilter {
        of_types: scope.types(),
        after: cursor(after, parse_cursor)?,
        kind,
        id,
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
    let scope = commands.read_scope().await?;
    let limit = Page::<RoleAssignment>::limit(query.limit)?;
    let mut filter = assignment_filter(
        query.resource_type.as_deref(),
        query.resource_id.as_deref(),
        query.after.as_deref(),
        &scope,
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

/// Assigns roles on a resource to a user. A removed or expired assignment of the user on the resource is reused under its ID.
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
    body: AnyCase<CreateRoleAssignment>,
) -> Answer {
    let (scope, permit) = commands.write_scope().await?;
    let (user, resource, terms) = body.0.parse()?;
    scope.require(&resource.kind)?;
    let user = commands.users.resolve(&user).await?;
    let given = commands
        .assignments
        .assign(user, resource, terms, permit.acting);
    let assignment = given.await?;
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
        (status = 404, description = "The assignment does not exist, was removed, or is on a resource type that the caller does not manage"),
    )
)]
pub async fn read_role_assignment(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let scope = commands.read_scope().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    if let Some(at) = query.parse()? {
        return answer_past_role_assignment(&commands, &scope, id, at).await;
    }
    let assignment = commands.find_assignment(id, &scope).await?;
    let version = assignment.version;
    respond_with_version(&request, HttpResponse::Ok(), version, &assignment)
}

/// Changes a role assignment: send the `ETag` that you read as `If-Match`.
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
        (status = 404, description = "The assignment does not exist, was removed, or is on a resource type that the caller does not manage"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_role_assignment(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: AnyCase<UpdateRoleAssignment>,
) -> Answer {
    let (_, permit) = commands.write_scope().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    let expected = Some(require_if_match(&request)?);
    let change = body.0.parse()?;
    let changed = commands
        .assignments
        .change(id, change, expected, permit.acting);
    let changed = changed.await?;
    respond_with_version(&request, HttpResponse::Ok(), changed.version, &changed)
}

/// The result of removing a role assignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleAssignmentWithdrawn {
    #[schema(value_type = uuid::Uuid)]
    withdrawn: RoleAssignmentId,
    /// The removed roles. Empty if the assignment had already been removed.
    roles: Vec<String>,
}

/// Removes a role assignment. All instances apply this to the next decision.
#[utoipa::path(
    delete, path = "/v1/role-assignments/{role_assignment}", operation_id = "delete_role_assignment", tag = "role-assignments",
    params(("role_assignment" = uuid::Uuid, Path, description = "ID of the role assignment"), Reason),
    responses(
        (status = 200, description = "The removed roles", body = RoleAssignmentWithdrawn),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments"),
        (status = 404, description = "The assignment never existed, or is on a resource type that the caller does not manage"),
    )
)]
pub async fn withdraw_role_assignment(
    commands: Commands,
    id: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    let (_, permit) = commands.write_scope().await?;
    let id = RoleAssignmentId::parse(&id).ok_or_else(Problem::not_found)?;
    let reason = reason.parse()?;
    let before = commands
        .assignments
        .withdraw(id, None, reason, permit.acting);
    Ok(HttpResponse::Ok().json(RoleAssignmentWithdrawn {
        withdrawn: id,
        roles: before.await?.roles,
    }))
}
