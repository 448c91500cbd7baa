//! `/v1/roles`: the registry of roles. Roles decide which users manage which others, so clients may only read them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::AuditReason;
use super::history::{AsOf, CurrentOrAsOf, answer_past, role_entity};
use crate::admin::commands::Commands;
use crate::assignments::ResourceType;
use crate::sessions::CallerError;
use crate::users::{Role, RoleChange, RoleDescription, RoleError, RoleName};
use crate::web::{
    Answer, JsonBody, Page, Problem, created, cursor, field, page_size, require_if_match,
    respond_with_version, version_conflict,
};

/// A new role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// Name: 1 to 64 ASCII letters, digits and `_ - . :`, the first a letter. It can't be changed.
    name: String,
    /// Purpose of the role; at most 200 characters.
    #[serde(default)]
    description: String,
    /// Roles that holders of this role can manage, which may include this role: they manage users who hold only these roles. At
    /// most 100.
    #[serde(default)]
    manages_roles: Vec<String>,
    /// Resource types on which holders of this role can assign roles. At most 100.
    #[serde(default)]
    manages_assignments_on: Vec<String>,
}

/// Changes to a role. Omitted members are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRole {
    description: Option<String>,
    /// Replaces the list.
    manages_roles: Option<Vec<String>>,
    /// Replaces the list.
    manages_assignments_on: Option<Vec<String>>,
}

/// Checks that these are valid resource types.
fn parse_types(types: Vec<String>) -> Result<Vec<String>, Problem> {
    for text in &types {
        ResourceType::parse(text)
            .map_err(|fault| Problem::invalid_field("manages_assignments_on", fault))?;
    }
    Ok(types)
}

impl CreateRole {
    fn parse(self) -> Result<(RoleName, RoleChange), Problem> {
        let name = RoleName::parse(&self.name);
        let name = name.map_err(|fault| Problem::invalid_field("name", fault))?;
        let fields = UpdateRole {
            description: Some(self.description),
            manages_roles: Some(self.manages_roles),
            manages_assignments_on: Some(self.manages_assignments_on),
        };
        Ok((name, fields.parse()?))
    }
}

impl UpdateRole {
    fn parse(self) -> Result<RoleChange, Problem> {
        Ok(RoleChange {
            description: field(
                "description",
                self.description.as_deref(),
                RoleDescription::parse,
            )?,
            manages_roles: self.manages_roles,
            manages_assignments_on: self.manages_assignments_on.map(parse_types).transpose()?,
        })
    }
}

/// Page of a list of roles.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListRoles {
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists the roles, ordered by name.
#[utoipa::path(
    get, path = "/v1/roles", tag = "roles", params(ListRoles),
    responses(
        (status = 200, description = "A page of roles", body = Page<Role>),
        (status = 403, description = "Needs an administrator, a user who manages users or resources by a role, or `role-assignments:read`"),
    )
)]
pub async fn list_roles(commands: Commands, query: web::Query<ListRoles>) -> Answer {
    commands.require_roles_read().await?;
    let limit = page_size(query.limit)?;
    let after = cursor(query.after.as_deref(), parse_cursor)?;
    Ok(HttpResponse::Ok().json(commands.users.list_roles(after, limit).await?))
}

/// Parses the cursor of a list of roles: the name of a role.
pub(in crate::admin) fn parse_cursor(after: &str) -> Option<String> {
    RoleName::parse(after).is_ok().then(|| after.to_owned())
}

/// Creates a role.
#[utoipa::path(
    post, path = "/v1/roles", tag = "roles",
    request_body(content = CreateRole, example = json!({
        "name": "clerk", "description": "Works at the counter", "manages_roles": [], "manages_assignments_on": [],
    })),
    responses(
        (status = 201, description = "The role", body = Role,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "URL of the new resource"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 409, description = "A role with this name exists"),
    )
)]
pub async fn create_role(
    request: HttpRequest,
    commands: Commands,
    body: JsonBody<CreateRole>,
) -> Answer {
    let permit = commands.permit_roles()?;
    let (name, fields) = body.0.parse()?;
    let role = commands
        .users
        .create_role(name, fields, permit.acting)
        .await?;
    let response = created(&format!("/v1/roles/{}", role.name));
    respond_with_version(&request, response, role.version, &role)
}

/// Returns a role; with `as_of`, its state at that time.
#[utoipa::path(
    get, path = "/v1/roles/{role}", tag = "roles",
    params(
        ("role" = String, Path, description = "Name of the role"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The role; with `as_of`, its state at that time", body = CurrentOrAsOf<Role>, headers(("ETag" = String, description = "The version"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 403, description = "Needs an administrator, a user who manages users or resources by a role, or `role-assignments:read`"),
        (status = 404, description = "No role has, or at that time had, this name"),
    )
)]
pub async fn read_role(
    request: HttpRequest,
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    commands.require_roles_read().await?;
    if let Some(at) = query.parse()? {
        return answer_past(&commands, role_entity(&name), at).await;
    }
    let role = commands.users.find_role(&name).await?;
    respond_with_version(&request, HttpResponse::Ok(), role.version, &role)
}

/// Changes a role: send the `ETag` that you read as `If-Match`. What holders of the role can manage changes immediately.
#[utoipa::path(
    patch, path = "/v1/roles/{role}", tag = "roles",
    request_body(content = UpdateRole, example = json!({ "description": "Works at the counter" })),
    params(
        ("role" = String, Path, description = "Name of the role"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The role", body = Role, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 404, description = "No role has this name"),
        (status = 409, description = "`admin` can't be changed"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_role(
    request: HttpRequest,
    commands: Commands,
    name: web::Path<String>,
    body: JsonBody<UpdateRole>,
) -> Answer {
    let permit = commands.permit_roles()?;
    let expected = Some(require_if_match(&request)?);
    let change = body.0.parse()?;
    let role = commands
        .users
        .update_role(&name, change, expected, permit.acting)
        .await?;
    respond_with_version(&request, HttpResponse::Ok(), role.version, &role)
}

/// Deletes a role that is not in use.
#[utoipa::path(
    delete, path = "/v1/roles/{role}", tag = "roles",
    params(("role" = String, Path, description = "Name of the role"), AuditReason),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 404, description = "No role has this name"),
        (status = 409, description = "The role is in use (`holders`, `invitations` and `managed_by` say where), or it is `admin`"),
    )
)]
pub async fn delete_role(
    commands: Commands,
    name: web::Path<String>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let permit = commands.permit_roles()?;
    let reason = reason.parse()?;
    commands
        .users
        .delete_role(&name, None, reason, permit.acting)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::Unknown => Self::not_found(),
            RoleError::NotPermitted => CallerError::NotPermitted.into(),
            RoleError::Acting(error) => error.into(),
            RoleError::Exists => Self::conflict(
                "role-exists",
                "The role exists",
                "A role with this name exists. Update that one, or choose another name.",
            )
            .with("field", "name"),
            RoleError::VersionMismatch(version) => version_conflict(version),
            RoleError::UnknownRole(_) | RoleError::ManagesAdministrators => {
                Self::invalid_field("manages_roles", error)
            }
            RoleError::TooMany(field) => Self::invalid_field(field, error),
            RoleError::BuiltIn => Self::conflict(
                "role-built-in",
                "This role is built in",
                "The role admin can't be changed or deleted.",
            ),
            RoleError::InUse(needed) => Self::conflict(
                "role-in-use",
                "This role is in use",
                format!("Remove the role from what uses it first: {needed}."),
            )
            .with("holders", needed.holders)
            .with("invitations", needed.invitations)
            .with("managed_by", needed.managed_by),
            RoleError::Database(error) => error.into(),
        }
    }
}
