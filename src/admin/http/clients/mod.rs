//! `/v1/clients`: registers, changes, disables and deletes apps and services.

mod problems;

use problems::secret_pending;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::history::{AsOf, CurrentOrAsOf, answer_past, client_entity};
use super::{AuditReason, parse_reason};
use crate::admin::commands::Commands;
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::{
    Cascade, Client, ClientChange, ClientError, ClientUpdate, GrantType, RegisteredClient, Scope,
    TypedSecret,
};
use crate::web::{
    Answer, JsonBody, JsonBodyOrEmpty, Page, Problem, created, cursor, no_cursor, page_size,
    require_if_match, respond_with_version, rows_to_fetch,
};

/// A client, with its secret if the request generated one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    #[serde(flatten)]
    client: Client,
    /// The new secret. No later response contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Response types that the client may use; they follow from its grant types.
    response_types: Vec<&'static str>,
    /// Number of users who must consent again, because the change gives the client more access or lets more parties receive its
    /// data.
    #[serde(skip_serializing_if = "Option::is_none")]
    consents_voided: Option<i64>,
}

fn answer(
    request: &HttpRequest,
    response: HttpResponseBuilder,
    client: Client,
    secret: Option<&Token>,
) -> Answer {
    let version = client.version;
    respond_with_version(request, response, version, view(client, secret))
}

fn view(client: Client, secret: Option<&Token>) -> ClientView {
    let uses_code = client.metadata.allows(GrantType::AuthorizationCode);
    ClientView {
        response_types: uses_code.then_some("code").into_iter().collect(),
        client,
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        consents_voided: None,
    }
}

fn answer_update(request: &HttpRequest, updated: ClientUpdate) -> Answer {
    if let (Some(pending), Some(secret)) = (updated.pending, &updated.secret) {
        return Err(secret_pending(&pending, secret));
    }
    let version = updated.client.version;
    let view = ClientView {
        consents_voided: Some(updated.voided_consents),
        ..view(updated.client, updated.secret.as_ref())
    };
    respond_with_version(request, HttpResponse::Ok(), version, view)
}

/// Filters and page of a list of clients.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListClients {
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

/// Lists the clients, oldest first.
#[utoipa::path(
    get, path = "/v1/clients", tag = "clients", params(ListClients),
    responses(
        (status = 200, description = "A page of clients", body = Page<Client>),
        (status = 403, description = "Needs an administrator or `clients:read`"),
    )
)]
pub async fn list_clients(commands: Commands, query: web::Query<ListClients>) -> Answer {
    commands.actor.require(Scope::ClientsRead)?;
    let after = cursor(query.after.as_deref(), ClientId::named)?;
    let limit = page_size(query.limit)?;
    let found = match commands.clients.list(after, rows_to_fetch(limit)).await {
        Err(ClientError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let page = Page::from_rows(found, limit, |client| client.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}

/// Registers a client. No later response contains its secret.
#[utoipa::path(
    post, path = "/v1/clients", tag = "clients",
    request_body(content = ClientChange, example = json!({
        "client_name": "An app", "redirect_uris": ["https://app.example/callback"], "scope": "openid profile",
    })),
    responses(
        (status = 201, description = "The client; `client_secret` unless it is public or its secret was chosen", body = ClientView,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "URL of the new resource"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator or `clients:write`; a client can only assign scopes, resources and audiences that it has itself"),
        (status = 409, description = "An audience is another client's, or the chosen `client_id` is taken"),
    )
)]
pub async fn register_client(
    request: HttpRequest,
    commands: Commands,
    body: JsonBody<ClientChange>,
) -> Answer {
    let permit = commands.permit_clients()?;
    let (client, secret) = commands.clients.register(body.0, permit.acting).await?;
    let response = created(&format!("/v1/clients/{}", client.public_id));
    answer(&request, response, client, secret.as_ref())
}

/// Returns a client; with `as_of`, its state at that time.
#[utoipa::path(
    get, path = "/v1/clients/{client}", tag = "clients",
    params(
        ("client" = String, Path, description = "The `client_id`"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The client; with `as_of`, its state at that time", body = CurrentOrAsOf<Client>, headers(("ETag" = String, description = "The version"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 403, description = "Needs an administrator or `clients:read`"),
        (status = 404, description = "No client has, or at that time had, this ID"),
    )
)]
pub async fn read_client(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    commands.actor.require(Scope::ClientsRead)?;
    let id = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    if let Some(at) = query.parse()? {
        return answer_past(&commands, client_entity(id), at).await;
    }
    let client = commands.clients.read(id).await?;
    answer(&request, HttpResponse::Ok(), client, None)
}

/// Changes a client: send the `ETag` that you read as `If-Match`. A public client that becomes confidential gets a secret; a
/// confidential client that becomes public loses its secret. A client may change only clients that it registered
/// (`registered_by_client`) or that list it in `managed_by`. Users must consent again after a change that gives the client more
/// access or lets more parties receive its data; `consents_voided` is their number.
#[utoipa::path(
    patch, path = "/v1/clients/{client}", tag = "clients",
    request_body(content = ClientChange, example = json!({ "client_name": "Another name" })),
    params(
        ("client" = String, Path, description = "The `client_id`"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The client; `client_secret` if one was made", body = ClientView, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "Invalid field; `field` names it"),
        (status = 403, description = "Needs an administrator or `clients:write`; a client changes only those that it manages, that hold no more than it does, and that ask users for consent"),
        (status = 404, description = "No client has this ID"),
        (status = 409, description = "An audience is another client's"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
        (status = 503, description = "With `client_secret` (`secret-pending`): saved, and in force everywhere within seconds"),
    )
)]
pub async fn update_client(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: JsonBody<ClientChange>,
) -> Answer {
    let (id, permit) = commands.client_to_change(&id)?;
    let expected = require_if_match(&request)?;
    let updated = commands
        .clients
        .update(id, body.0, Some(expected), permit.acting);
    answer_update(&request, updated.await?)
}

/// Deletes a client permanently. All its tokens stop working.
#[utoipa::path(
    delete, path = "/v1/clients/{client}", tag = "clients",
    params(("client" = String, Path, description = "The `client_id`"), AuditReason),
    responses(
        (status = 204, description = "Deleted"),
        (status = 403, description = "As for updating the client"),
        (status = 404, description = "No client has this ID"),
    )
)]
pub async fn delete_client(
    commands: Commands,
    id: web::Path<String>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let (id, permit) = commands.client_to_change(&id)?;
    let reason = reason.parse()?;
    commands.clients.delete(id, reason, permit.acting).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The next secret of a client.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewSecret {
    /// The secret: 32 to 256 printable ASCII characters; only administrators in their own session may set it. Default: a
    /// generated secret.
    #[schema(value_type = Option<String>)]
    client_secret: Option<TypedSecret>,
}

/// Replaces a client's secret. The previous secret stops working immediately. The request body may be empty.
#[utoipa::path(
    post, path = "/v1/clients/{client}/secret", tag = "clients", request_body = Option<NewSecret>,
    params(("client" = String, Path, description = "The `client_id`")),
    responses(
        (status = 200, description = "With `client_secret`, shown only once, unless it was chosen", body = ClientView),
        (status = 400, description = "The chosen secret is not safe"),
        (status = 403, description = "As for updating the client; only administrators, in their own session, may choose a secret"),
        (status = 404, description = "No client has this ID"),
        (status = 409, description = "Public clients can't have a secret"),
        (status = 503, description = "With `client_secret` (`secret-pending`): saved, and in force everywhere within seconds"),
    )
)]
pub async fn rotate_secret(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: JsonBodyOrEmpty<NewSecret>,
) -> Answer {
    let (id, permit) = commands.client_to_change(&id)?;
    let chosen = body.0.client_secret;
    let updated = commands
        .clients
        .rotate_secret(id, chosen, permit.acting)
        .await?;
    answer_update(&request, updated)
}

/// How to disable a client.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DisableClient {
    /// Reason for the audit log; at most 200 characters.
    reason: Option<String>,
    /// Whether the clients that it registered are disabled too; only administrators in their own session may set it.
    with_registered: bool,
}

/// A client that was disabled.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisabledView {
    #[serde(flatten)]
    client: ClientView,
    /// Clients that it registered, directly or through others, and that were enabled until this request. They remain enabled
    /// unless `with_registered` was set. Empty if a client made the request.
    registered: Vec<RegisteredClient>,
}

/// Disables a client. All its tokens stop working. The clients that it registered are unchanged unless `with_registered` is set;
/// `registered` lists them.
#[utoipa::path(
    post, path = "/v1/clients/{client}/disable", tag = "clients", request_body = DisableClient,
    params(("client" = String, Path, description = "The `client_id`")),
    responses(
        (status = 200, description = "The disabled client", body = DisabledView),
        (status = 403, description = "As for updating the client; `with_registered` needs an administrator in their own session"),
        (status = 404, description = "No client has this ID"),
    )
)]
pub async fn disable_client(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: JsonBody<DisableClient>,
) -> Answer {
    let (id, permit) = commands.client_to_change(&id)?;
    let reason = parse_reason(body.0.reason.as_deref().unwrap_or_default())?;
    let registered = if body.0.with_registered {
        Cascade::Disable
    } else {
        Cascade::None
    };
    let disabled = commands
        .clients
        .disable_cascading(id, registered, reason, permit.acting)
        .await?;
    let version = disabled.client.version;
    let view = DisabledView {
        client: view(disabled.client, None),
        registered: disabled.registered,
    };
    respond_with_version(&request, HttpResponse::Ok(), version, view)
}

/// Enables a client. Tokens that it got on its own behalf before it was disabled remain invalid.
#[utoipa::path(
    post, path = "/v1/clients/{client}/enable", tag = "clients", request_body = AuditReason,
    params(("client" = String, Path, description = "The `client_id`")),
    responses(
        (status = 200, description = "The client", body = Client),
        (status = 403, description = "As for updating the client"),
        (status = 404, description = "No client has this ID"),
    )
)]
pub async fn enable_client(
    request: HttpRequest,
    commands: Commands,
    id: web::Path<String>,
    body: JsonBody<AuditReason>,
) -> Answer {
    let (id, permit) = commands.client_to_change(&id)?;
    let reason = body.0.parse()?;
    let client = commands.clients.enable(id, reason, permit.acting).await?;
    answer(&request, HttpResponse::Ok(), client, None)
}
