//! `/v1/roles`: the registry of roles. Clients read it and no more: a role says who manages whom.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Reason;
use super::history::{AsOf, NowOrThen, answer_past, role_entity};
use crate::access::ResourceType;
use crate::clients::Scope;
use crate::clients::{ActingAs, Permission};
use crate::db::Database;
use crate::sessions::{Caller, CallerError};
use crate::users::http::delegate;
use crate::users::{NewRole, Role, RoleChange, RoleDescription, RoleError, RoleName, Users};
use crate::web::{Answer, AnyCase, Page, Problem, only, require_version, tagged, version_conflict};

/// At most this many in one list.
const MOST: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/roles")
                .route(web::get().to(list_roles))
                .route(web::post().to(create_role))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/v1/roles/{role}")
                .route(web::get().to(read_role))
                .route(web::patch().to(update_role))
                .route(web::delete().to(delete_role))
                .default_service(only("GET, PATCH, DELETE")),
        );
}

/// A role to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// 1 to 64 of ASCII letters, digits and `_ - . :`, beginning with a letter. It never changes.
    name: String,
    /// What it is for; at most 200 characters.
    #[serde(default)]
    description: String,
    /// Roles of the registry (this one too, if wanted) whose holders its own may manage. At most 100.
    #[serde(default)]
    manages_roles: Vec<String>,
    /// Types of things on which its holders may manage grants. At most 100.
    #[serde(default)]
    manages_grants_on: Vec<String>,
}

/// What to change of a role; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRole {
    description: Option<String>,
    /// All anew.
    manages_roles: Option<Vec<String>>,
    /// All anew.
    manages_grants_on: Option<Vec<String>>,
}

fn parse_description(text: &str) -> Result<RoleDescription, Problem> {
    RoleDescription::parse(text).map_err(|fault| Problem::invalid_field("description", fault))
}

/// Checks that these are types of things.
fn parse_types(types: Vec<String>) -> Result<Vec<String>, Problem> {
    for text in &types {
        ResourceType::parse(text)
            .map_err(|fault| Problem::invalid_field("manages_grants_on", fault))?;
    }
    Ok(types)
}

impl CreateRole {
    fn parse(self) -> Result<NewRole, Problem> {
        Ok(NewRole {
            name: RoleName::parse(&self.name)
                .map_err(|fault| Problem::invalid_field("name", fault))?,
            description: parse_description(&self.description)?,
            manages_roles: self.manages_roles,
            manages_grants_on: parse_types(self.manages_grants_on)?,
        })
    }
}

impl UpdateRole {
    fn parse(self) -> Result<RoleChange, Problem> {
        Ok(RoleChange {
            description: self
                .description
                .as_deref()
                .map(parse_description)
                .transpose()?,
            manages_roles: self.manages_roles,
            manages_grants_on: self.manages_grants_on.map(parse_types).transpose()?,
        })
    }
}

/// Administrators, clients with `grants:read`, and whoever manages anything by a role.
pub(super) async fn require_read(users: &Users, caller: &Caller) -> Result<(), Problem> {
    let Some(manager) = delegate(caller) else {
        return Ok(caller.require(Scope::GrantsRead)?);
    };
    if users.rights(manager).await?.is_empty() {
        return Err(CallerError::NotAdministrator.into());
    }
    Ok(())
}

/// Administrators with a recent sign-in, themselves.
fn require_write(caller: &Caller, request: &HttpRequest) -> Result<ActingAs, Problem> {
    match caller {
        Caller::Person(person) if person.standing.is_administrator() => {
            person.require_fresh()?;
            Ok(person.acting(request, Permission::Administrator))
        }
        Caller::Person(_) => Err(CallerError::NotAdministrator.into()),
        Caller::Client(_) | Caller::Bearer(_) => Err(Problem::forbidden(
            "Roles are made and changed by administrators themselves: in the console, or with the command.",
        )),
    }
}

fn answer(request: &HttpRequest, response: HttpResponseBuilder, role: &Role) -> HttpResponse {
    tagged(request, response, &role.etag(), role)
}

/// Which roles to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListRoles {
    /// From 1 to 200; 50 where it is not given.
    limit: Option<usize>,
    /// The cursor of a page before.
    after: Option<String>,
}

/// All roles, by name.
#[utoipa::path(
    get, path = "/v1/roles", tag = "roles", params(ListRoles),
    responses(
        (status = 200, description = "A page of roles", body = Page<Role>),
        (status = 403, description = "Needs an administrator, somebody who manages something by a role, or `grants:read`"),
    )
)]
pub async fn list_roles(
    caller: Caller,
    users: web::Data<Users>,
    query: web::Query<ListRoles>,
) -> Answer {
    require_read(&users, &caller).await?;
    let ListRoles { limit, after } = query.into_inner();
    let limit = Page::<Role>::limit(limit, MOST)?;
    if after
        .as_deref()
        .is_some_and(|after| RoleName::parse(after).is_err())
    {
        return Err(Problem::invalid_parameter(
            "after",
            "not a cursor of this list",
        ));
    }
    let found = users.list_roles(after, Page::<Role>::fetch(limit)).await?;
    Ok(HttpResponse::Ok().json(Page::cut(found, limit, |role| role.name.clone())))
}

/// Makes a role.
#[utoipa::path(
    post, path = "/v1/roles", tag = "roles",
    request_body(content = CreateRole, example = json!({
        "name": "clerk", "description": "Works at the counter", "manages_roles": [], "manages_grants_on": [],
    })),
    responses(
        (status = 201, description = "The role", body = Role,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 409, description = "It is there already"),
    )
)]
pub async fn create_role(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    body: AnyCase<CreateRole>,
) -> Answer {
    let acting = require_write(&caller, &request)?;
    let wanted = body.0.parse()?;
    let role = users.create_role(wanted, acting).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/v1/roles/{}", role.name)));
    Ok(answer(&request, response, &role))
}

/// One role.
#[utoipa::path(
    get, path = "/v1/roles/{role}", tag = "roles",
    params(
        ("role" = String, Path, description = "Its name"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The role; with `as_of`, as it stood", body = NowOrThen<Role>, headers(("ETag" = String, description = "The version"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 403, description = "Needs an administrator, somebody who manages something by a role, or `grants:read`"),
        (status = 404, description = "There is, or was, no role of this name"),
    )
)]
pub async fn read_role(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    require_read(&users, &caller).await?;
    if let Some(at) = query.parse()? {
        return answer_past(&caller, &database, role_entity(&name), at).await;
    }
    let role = users.find_role(&name).await?;
    Ok(answer(&request, HttpResponse::Ok(), &role))
}

/// Changes a role: send the `ETag` that you read as `If-Match`. What its holders may manage is as it says from then on.
#[utoipa::path(
    patch, path = "/v1/roles/{role}", tag = "roles",
    request_body(content = UpdateRole, example = json!({ "description": "Works at the counter" })),
    params(
        ("role" = String, Path, description = "Its name"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The role", body = Role, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 404, description = "There is no role of this name"),
        (status = 409, description = "`admin` manages everything as it is"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn update_role(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    body: AnyCase<UpdateRole>,
) -> Answer {
    let acting = require_write(&caller, &request)?;
    let expected = require_version(&request)?;
    let change = body.0.parse()?;
    let role = users
        .update_role(&name, change, Some(expected), acting)
        .await?;
    Ok(answer(&request, HttpResponse::Ok(), &role))
}

/// Takes a role out of the registry, if nobody holds it and nothing names it.
#[utoipa::path(
    delete, path = "/v1/roles/{role}", tag = "roles",
    params(("role" = String, Path, description = "Its name"), Reason),
    responses(
        (status = 204, description = "It is there no more"),
        (status = 403, description = "Needs an administrator with a recent sign-in; never a client"),
        (status = 404, description = "There is no role of this name"),
        (status = 409, description = "It is needed: `holders`, `invitations` and `managed_by` say by whom; or it is `admin`"),
    )
)]
pub async fn delete_role(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    let acting = require_write(&caller, &request)?;
    let reason = reason.into_inner().parse()?;
    users.delete_role(&name, None, reason, acting).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::Unknown => Self::not_found(),
            RoleError::NotYours => CallerError::NotAdministrator.into(),
            RoleError::Acting(error) => error.into(),
            RoleError::Exists => Self::new(
                StatusCode::CONFLICT,
                "role-exists",
                "There is such a role",
                "The registry has a role of this name. Change that one, or choose another name.",
            )
            .with("field", "name"),
            RoleError::VersionIs(version) => version_conflict(version),
            RoleError::UnknownRole(_) | RoleError::ManagesAdministrators => {
                Self::invalid_field("manages_roles", error)
            }
            RoleError::TooMany(field) => Self::invalid_field(field, error),
            RoleError::BuiltIn => Self::new(
                StatusCode::CONFLICT,
                "role-built-in",
                "This role is built in",
                "The role admin can't be deleted, and it manages everything without saying so.",
            ),
            RoleError::InUse(needed) => Self::new(
                StatusCode::CONFLICT,
                "role-in-use",
                "This role is in use",
                format!("First take it away from everything that needs it ({needed})."),
            )
            .with("holders", needed.holders)
            .with("invitations", needed.invitations)
            .with("managed_by", needed.managed_by),
            RoleError::Database(error) => error.into(),
        }
    }
}
