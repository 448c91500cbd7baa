//! `/v1/resources`: the registered resources, and who holds roles on a resource.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::AuditReason;
use super::history::{AsOf, CurrentOrAsOf, answer_past, as_of, resource_entity};
use super::resource_path::{parse_path, path_of};
use super::role_assignments::{RoleAssignmentPage, assignment_filter, description, title};
use crate::admin::commands::Commands;
use crate::assignments::{
    Expected, NewResource, ResourceError, ResourceFilter, ResourceName, ResourceType, ResourceView,
};
use crate::web::{
    Answer, JsonBody, Page, created, cursor, if_match_version, page_size, parameter,
    require_if_match, respond_with_version,
};

/// Filter and page of a list of resources.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListResources {
    /// Only resources of this type.
    r#type: Option<String>,
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists the registered resources, ordered by type and ID.
#[utoipa::path(
    get, path = "/v1/resources", tag = "resources", params(ListResources),
    responses(
        (status = 200, description = "A page of resources", body = Page<ResourceView>),
        (status = 403, description = "Needs an administrator, `role-assignments:read`, or a role that manages role assignments on the type"),
    )
)]
pub async fn list_resources(commands: Commands, query: web::Query<ListResources>) -> Answer {
    let access = commands.readable_types().await?;
    let limit = page_size(query.limit)?;
    let resource_type = parameter("type", query.r#type.as_deref(), ResourceType::parse)?;
    if let Some(resource_type) = &resource_type {
        access.require(resource_type)?;
    }
    let filter = ResourceFilter {
        resource_type,
        visible_types: access.types(),
        after: cursor(query.after.as_deref(), ResourceName::parse_cursor)?,
    };
    Ok(HttpResponse::Ok().json(commands.assignments.list_resources(filter, limit).await?))
}

/// The details of a resource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutResource {
    /// Title for display; at most 200 characters.
    title: Option<String>,
    /// Description for display; at most 2000 characters.
    description: Option<String>,
    /// Attributes that policies can read: at most 16 KiB and 16 levels deep.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
}

/// Registers a resource, or replaces all its details. To replace them, send the `ETag` that you read as `If-Match`.
#[utoipa::path(
    put, path = "/v1/resources/{type}/{id}", tag = "resources",
    request_body(content = PutResource, example = json!({ "title": "Order 17", "attributes": { "owner": "ada" } })),
    params(
        ("type" = String, Path, description = "Resource type, as in policies"),
        ("id" = String, Path, description = "Resource ID; percent-encoded, including `/`"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you read, to change it"),
        ("If-None-Match" = Option<String>, Header, description = "`*`, to register the resource (the default)"),
    ),
    responses(
        (status = 200, description = "Changed", body = ResourceView, headers(("ETag" = String, description = "The version"))),
        (status = 201, description = "Registered", body = ResourceView,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "URL of the new resource"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments on the type"),
        (status = 404, description = "`If-Match` is set, but the resource is not registered"),
        (status = 409, description = "Another request registered the resource at the same time"),
        (status = 412, description = "Changed since, or already registered"),
        (status = 428, description = "Already registered, and `If-Match` is missing"),
    )
)]
pub async fn put_resource(
    request: HttpRequest,
    commands: Commands,
    path: web::Path<(String, String)>,
    body: JsonBody<PutResource>,
) -> Answer {
    let (access, permit) = commands.writable_types().await?;
    let name = parse_path(&path)?;
    access.require(&name.kind)?;
    let version = if_match_version(&request)?;
    let expected = version.map_or(Expected::Absent, Expected::Version);
    let new = NewResource {
        title: title(body.0.title.as_deref())?,
        description: description(body.0.description.as_deref())?,
        attributes: body.0.attributes,
    };
    let put = commands
        .assignments
        .put_resource(name, new, expected, permit.acting);
    let put = match put.await {
        // The resource exists. Without `If-None-Match`, a missing `If-Match` is the error (428).
        Err(ResourceError::Exists(version)) if !wants_new(&request) => {
            return Err(require_if_match(&request)
                .err()
                .unwrap_or_else(|| ResourceError::VersionMismatch(version).into()));
        }
        put => put?,
    };
    let resource = put.resource;
    let response = if put.is_new {
        created(&path_of(&resource.name()))
    } else {
        HttpResponse::Ok()
    };
    respond_with_version(&request, response, resource.version, &resource)
}

fn wants_new(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::IF_NONE_MATCH)
}

/// Returns a registered resource; with `as_of`, its state at that time.
#[utoipa::path(
    get, path = "/v1/resources/{type}/{id}", tag = "resources",
    params(
        ("type" = String, Path, description = "Resource type"),
        ("id" = String, Path, description = "Resource ID; percent-encoded, including `/`"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The resource; with `as_of`, its state at that time", body = CurrentOrAsOf<ResourceView>, headers(("ETag" = String, description = "The version; not with `as_of`"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "Needs an administrator, `role-assignments:read`, or a role that manages role assignments on the type"),
        (status = 404, description = "No resource with this name is, or at that time was, registered"),
    )
)]
pub async fn read_resource(
    request: HttpRequest,
    commands: Commands,
    path: web::Path<(String, String)>,
    query: web::Query<AsOf>,
) -> Answer {
    let access = commands.readable_types().await?;
    let name = parse_path(&path)?;
    access.require(&name.kind)?;
    if let Some(at) = query.parse()? {
        return answer_past(&commands, resource_entity(&name), at).await;
    }
    let resource = commands.assignments.read_resource(name).await?;
    respond_with_version(&request, HttpResponse::Ok(), resource.version, &resource)
}

/// Deletes a registered resource. Role assignments on it are kept.
#[utoipa::path(
    delete, path = "/v1/resources/{type}/{id}", tag = "resources",
    params(
        ("type" = String, Path, description = "Resource type"),
        ("id" = String, Path, description = "Resource ID; percent-encoded, including `/`"),
        ("If-Match" = Option<String>, Header, description = "Delete only if the version is still this one"),
        AuditReason,
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "Needs an administrator, `role-assignments:write`, or a role that manages role assignments on the type"),
        (status = 404, description = "No resource with this name is registered"),
        (status = 412, description = "Changed since"),
    )
)]
pub async fn delete_resource(
    request: HttpRequest,
    commands: Commands,
    path: web::Path<(String, String)>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let (access, permit) = commands.writable_types().await?;
    let name = parse_path(&path)?;
    access.require(&name.kind)?;
    let expected = if_match_version(&request)?;
    let reason = reason.parse()?;
    commands
        .assignments
        .delete_resource(name, expected, reason, permit.acting)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Time and page of a list of role assignments on a resource.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListResourceRoleAssignments {
    /// Return the state at this time (RFC 3339).
    #[param(format = DateTime)]
    as_of: Option<String>,
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists the role assignments on a resource, registered or not, now or at a past time. A page of the past may contain fewer items
/// than `limit` although more pages follow.
#[utoipa::path(
    get, path = "/v1/resources/{type}/{id}/role-assignments", tag = "resources",
    params(
        ("type" = String, Path, description = "Resource type"),
        ("id" = String, Path, description = "Resource ID; percent-encoded, including `/`"),
        ListResourceRoleAssignments,
    ),
    responses(
        (status = 200, description = "A page of role assignments", body = RoleAssignmentPage),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "Needs an administrator, `role-assignments:read`, or a role that manages role assignments on the type"),
    )
)]
pub async fn list_resource_role_assignments(
    commands: Commands,
    path: web::Path<(String, String)>,
    query: web::Query<ListResourceRoleAssignments>,
) -> Answer {
    let access = commands.readable_types().await?;
    let name = parse_path(&path)?;
    let (kind, id) = (Some(name.kind.as_str()), Some(name.id.as_str()));
    let filter = assignment_filter(kind, id, query.after.as_deref(), &access)?;
    let limit = page_size(query.limit)?;
    let (page, instant) = match as_of(query.as_of.as_deref())? {
        None => (commands.assignments.list(filter, limit).await?, None),
        Some(at) => {
            let (page, instant) = commands.assignments.list_as_of(filter, at, limit).await?;
            (page, Some(instant))
        }
    };
    Ok(HttpResponse::Ok().json(RoleAssignmentPage { page, instant }))
}
