//! `/v1/grants`: roles of people on single things, given, changed, withdrawn.

mod body;
mod problems;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Reason;
use super::history::{AsOf, NowOrThen, answer_past_grant};
use super::reach::{Reach, parameter};
use crate::access::{Access, Grant, GrantFilter, ResourceId, ResourceType};
use crate::base::clock::Timestamp;
use crate::base::ids::GrantId;
use crate::clients::Scope;
use crate::db::Database;
use crate::history::PastInstant;
use crate::sessions::Caller;
use crate::users::{LookupError, RoleName, Users};
use crate::web::{Answer, AnyCase, Page, Problem, only, require_version, tagged};

pub use body::{ChangeGrant, GiveGrant};
pub(super) use body::{description, title};

/// At most this many in one list.
pub(super) const MOST: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/grants")
                .route(web::get().to(list_grants))
                .route(web::post().to(give_grant))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/v1/grants/{grant}")
                .route(web::get().to(read_grant))
                .route(web::patch().to(change_grant))
                .route(web::delete().to(withdraw_grant))
                .default_service(only("GET, PATCH, DELETE")),
        );
}

/// Which grants to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListGrants {
    /// Of this person: id or username.
    user: Option<String>,
    /// On things of this type.
    resource_type: Option<String>,
    /// On the thing of this id; needs `resource_type`.
    resource_id: Option<String>,
    /// With this role. No index leads to it: without `user` or `resource_id` beside it, all grants (of the type, if one is given) are
    /// looked at until the page is full, which takes long where they are many and few have the role.
    role: Option<String>,
    /// From 1 to 200; 50 where it is not given.
    limit: Option<usize>,
    /// The cursor of a page before.
    after: Option<String>,
}

/// A page of grants, and of when.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantPage {
    /// What is on it.
    items: Vec<Grant>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
    /// The instant that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// Whether the answer can't change any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<bool>,
}

impl GrantPage {
    /// A page with the instant that it is of; `None`: now.
    pub(super) fn new(page: Page<Grant>, instant: Option<PastInstant>) -> Self {
        Self {
            items: page.items,
            next: page.next,
            as_of: instant.map(|instant| instant.at),
            settled: instant.map(|instant| instant.is_settled),
        }
    }
}

/// The part of a filter that names things.
pub(super) fn things_filter(
    kind: Option<&str>,
    id: Option<&str>,
    after: Option<&str>,
    reach: &Reach,
) -> Result<GrantFilter, Problem> {
    let kind = kind
        .map(|kind| parameter("resource_type", kind, ResourceType::parse))
        .transpose()?;
    let id = id
        .map(|id| parameter("resource_id", id, ResourceId::parse))
        .transpose()?;
    match &kind {
        Some(kind) => reach.require(kind)?,
        None if id.is_some() => {
            let fault = "give resource_type too";
            return Err(Problem::invalid_parameter("resource_id", fault));
        }
        None => {}
    }
    Ok(GrantFilter {
        of_types: reach.types(),
        after: after.map(cursor).transpose()?,
        kind,
        id,
        ..GrantFilter::default()
    })
}

/// The cursor of a list of grants.
fn cursor(after: &str) -> Result<Uuid, Problem> {
    // Ids have one spelling, whatever they are of.
    let id = GrantId::parse(after);
    id.map(GrantId::uuid)
        .ok_or_else(|| Problem::invalid_parameter("after", "not a cursor of this list"))
}

fn answer(request: &HttpRequest, response: HttpResponseBuilder, grant: &Grant) -> HttpResponse {
    tagged(request, response, &grant.etag(), grant)
}

/// Grants that count now: all, or those on things of the types that the caller manages.
#[utoipa::path(
    get, path = "/v1/grants", tag = "grants", params(ListGrants),
    responses(
        (status = 200, description = "A page of grants", body = Page<Grant>),
        (status = 403, description = "Needs an administrator, `grants:read`, or a role that manages grants on the type"),
    )
)]
pub async fn list_grants(
    caller: Caller,
    access: web::Data<Access>,
    users: web::Data<Users>,
    query: web::Query<ListGrants>,
) -> Answer {
    let reach = Reach::to_read(&caller, &users).await?;
    let ListGrants {
        user,
        resource_type,
        resource_id,
        role,
        limit,
        after,
    } = query.into_inner();
    let limit = Page::<Grant>::limit(limit, MOST)?;
    let mut filter = things_filter(
        resource_type.as_deref(),
        resource_id.as_deref(),
        after.as_deref(),
        &reach,
    )?;
    let role = role.map(|role| RoleName::parse(&role)).transpose();
    filter.role = role.map_err(|fault| Problem::invalid_parameter("role", fault))?;
    if let Some(name) = user {
        match users.resolve(&name).await {
            Ok(user) => filter.user = Some(user),
            Err(LookupError::Unknown) => {
                let (items, next) = (Vec::<Grant>::new(), None);
                return Ok(HttpResponse::Ok().json(Page { items, next }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(HttpResponse::Ok().json(access.list(filter, limit).await?))
}

/// Gives a person roles on a thing. What was withdrawn, or has ended, goes on as the same grant.
#[utoipa::path(
    post, path = "/v1/grants", tag = "grants",
    request_body(content = GiveGrant, example = json!({
        "user": "ada", "resource_type": "order", "resource_id": "17", "roles": ["OPERATOR"],
    })),
    responses(
        (status = 201, description = "The grant", body = Grant,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator, `grants:write`, or a role that manages grants on the type"),
        (status = 404, description = "No user has this ID or name"),
        (status = 409, description = "The person holds roles on this thing already; `grant` is the one to change"),
    )
)]
pub async fn give_grant(
    request: HttpRequest,
    caller: Caller,
    access: web::Data<Access>,
    users: web::Data<Users>,
    body: AnyCase<GiveGrant>,
) -> Answer {
    let reach = Reach::to_write(&caller, &users).await?;
    let (user, resource, terms) = body.0.parse()?;
    reach.require(&resource.kind)?;
    let user = users.resolve(&user).await?;
    let acting = caller.acting(&request, Scope::GrantsWrite);
    let grant = access.give(user, resource, terms, acting).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/v1/grants/{}", grant.id)));
    Ok(answer(&request, response, &grant))
}

/// One grant; with `as_of`, as it stood.
#[utoipa::path(
    get, path = "/v1/grants/{grant}", tag = "grants",
    params(
        ("grant" = uuid::Uuid, Path, description = "Its id"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The grant, also one that has ended; with `as_of`, as it stood", body = NowOrThen<Grant>, headers(("ETag" = String, description = "The version; not with `as_of`"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 400, description = "`as_of` is no instant, or in the future"),
        (status = 403, description = "Needs an administrator, `grants:read`, or a role that manages grants"),
        (status = 404, description = "There is, or was, no such grant, it was withdrawn, or it is on a thing of a type that is not yours"),
    )
)]
pub async fn read_grant(
    request: HttpRequest,
    caller: Caller,
    access: web::Data<Access>,
    users: web::Data<Users>,
    database: web::Data<Database>,
    id: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let reach = Reach::to_read(&caller, &users).await?;
    let id = GrantId::parse(&id).ok_or_else(Problem::not_found)?;
    if let Some(at) = query.parse()? {
        return answer_past_grant(&caller, &database, &reach, id, at).await;
    }
    let grant = access.read(id).await?;
    if !reach.covers(&grant.resource_type) {
        return Err(Problem::not_found());
    }
    Ok(answer(&request, HttpResponse::Ok(), &grant))
}

/// Changes a grant: send the `ETag` that you read as `If-Match`.
#[utoipa::path(
    patch, path = "/v1/grants/{grant}", tag = "grants",
    request_body(content = ChangeGrant, example = json!({ "roles": ["OPERATOR", "AUDITOR"] })),
    params(
        ("grant" = uuid::Uuid, Path, description = "Its id"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The grant", body = Grant, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator, `grants:write`, or a role that manages grants"),
        (status = 404, description = "There is no such grant, it was withdrawn, or it is on a thing of a type that is not yours"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
    )
)]
pub async fn change_grant(
    request: HttpRequest,
    caller: Caller,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    body: AnyCase<ChangeGrant>,
) -> Answer {
    Reach::to_write(&caller, &users).await?;
    let id = GrantId::parse(&id).ok_or_else(Problem::not_found)?;
    let expected = require_version(&request)?;
    let change = body.0.parse()?;
    let acting = caller.acting(&request, Scope::GrantsWrite);
    let grant = access.change(id, change, Some(expected), acting).await?;
    Ok(answer(&request, HttpResponse::Ok(), &grant))
}

/// What a withdrawal cut.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantWithdrawn {
    #[schema(value_type = uuid::Uuid)]
    withdrawn: GrantId,
    /// The roles that are gone; none, if it had been withdrawn before.
    roles: Vec<String>,
}

/// Withdraws a grant: it counts no more from the next question on, in every instance.
#[utoipa::path(
    delete, path = "/v1/grants/{grant}", tag = "grants",
    params(("grant" = uuid::Uuid, Path, description = "Its id"), Reason),
    responses(
        (status = 200, body = GrantWithdrawn),
        (status = 403, description = "Needs an administrator, `grants:write`, or a role that manages grants"),
        (status = 404, description = "There never was such a grant, or it is on a thing of a type that is not yours"),
    )
)]
pub async fn withdraw_grant(
    request: HttpRequest,
    caller: Caller,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    Reach::to_write(&caller, &users).await?;
    let id = GrantId::parse(&id).ok_or_else(Problem::not_found)?;
    let reason = reason.into_inner().parse()?;
    let before = access
        .withdraw(
            id,
            None,
            reason,
            caller.acting(&request, Scope::GrantsWrite),
        )
        .await?;
    Ok(HttpResponse::Ok().json(GrantWithdrawn {
        withdrawn: id,
        roles: before.roles,
    }))
}
