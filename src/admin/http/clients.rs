//! `/v1/clients`: apps and services, registered, changed, cut off.

pub mod enabled;
mod problems;

use enabled::{disable_client, enable_client};
use problems::secret_pending;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Reason;
use super::history::{AsOf, NowOrThen, answer_past, client_entity};
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::{
    Client, ClientChange, ClientError, ClientUpdate, Clients, GrantType, Scope, TypedSecret,
};
use crate::db::Database;
use crate::sessions::Caller;
use crate::users::Users;
use crate::web::{Answer, AnyCase, AnyCaseOrEmpty, Page, Problem, only, require_version, tagged};

/// At most this many in one list.
const MOST: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/clients")
                .route(web::get().to(list_clients))
                .route(web::post().to(register_client))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/v1/clients/{client}")
                .route(web::get().to(read_client))
                .route(web::patch().to(update_client))
                .route(web::delete().to(delete_client))
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(
            web::resource("/v1/clients/{client}/secret")
                .route(web::post().to(rotate_secret))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/v1/clients/{client}/disable")
                .route(web::post().to(disable_client))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/v1/clients/{client}/enable")
                .route(web::post().to(enable_client))
                .default_service(only("POST")),
        );
}

/// A client, with its secret where one was made just now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    #[serde(flatten)]
    client: Client,
    /// Shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// The response types that it may use; they follow from its grants.
    response_types: Vec<&'static str>,
    /// How many users consented before and are asked again, because the change loosened the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    consents_voided: Option<i64>,
}

fn answer(
    request: &HttpRequest,
    response: HttpResponseBuilder,
    client: Client,
    secret: Option<&Token>,
) -> HttpResponse {
    let etag = client.etag();
    tagged(request, response, &etag, view(client, secret))
}

fn view(client: Client, secret: Option<&Token>) -> ClientView {
    ClientView {
        response_types: response_types(&client),
        client,
        client_secret: secret.map(|secret| secret.expose().to_owned()),
        consents_voided: None,
    }
}

fn response_types(client: &Client) -> Vec<&'static str> {
    let uses_code = client.metadata.allows(GrantType::AuthorizationCode);
    uses_code.then_some("code").into_iter().collect()
}

fn answer_update(request: &HttpRequest, updated: ClientUpdate) -> Answer {
    if let (Some(pending), Some(secret)) = (updated.pending, &updated.secret) {
        return Err(secret_pending(&pending, secret));
    }
    let etag = updated.client.etag();
    let view = ClientView {
        response_types: response_types(&updated.client),
        client: updated.client,
        client_secret: updated.secret.map(|secret| secret.expose().to_owned()),
        consents_voided: Some(updated.voided_consents),
    };
    Ok(tagged(request, HttpResponse::Ok(), &etag, view))
}

/// Asks whether the caller may change clients: an administrator with a recent sign-in, or a client with the scope.
fn require_write(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::ClientsWrite)?;
    caller.require_fresh()
}

/// Whom a path names, for a caller who may change clients. It is asked before anything is looked up.
fn changeable(caller: &Caller, id: &str) -> Result<ClientId, Problem> {
    require_write(caller)?;
    ClientId::named(id).ok_or_else(Problem::not_found)
}

/// Filters and page of a list of clients.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListClients {
    /// From 1 to 200; 50 where it is not given.
    limit: Option<usize>,
    /// The cursor of a page before.
    after: Option<String>,
}

/// All clients, oldest first.
#[utoipa::path(
    get, path = "/v1/clients", tag = "clients", params(ListClients),
    responses(
        (status = 200, description = "A page of clients", body = Page<Client>),
        (status = 403, description = "Needs an administrator or `clients:read`"),
    )
)]
pub async fn list_clients(
    caller: Caller,
    clients: web::Data<Clients>,
    query: web::Query<ListClients>,
) -> Answer {
    caller.require(Scope::ClientsRead)?;
    let no_cursor = || Problem::invalid_parameter("after", "not a cursor of this list");
    let after = query.after.as_deref();
    let after = after
        .map(|after| ClientId::named(after).ok_or_else(no_cursor))
        .transpose()?;
    let limit = Page::<Client>::limit(query.limit, MOST)?;
    let found = match clients.list(after, Page::<Client>::fetch(limit)).await {
        Err(ClientError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let page = Page::cut(found, limit, |client| client.id.to_string());
    Ok(HttpResponse::Ok().json(page))
}

/// Registers a client. Its secret is in the answer, and nowhere else.
#[utoipa::path(
    post, path = "/v1/clients", tag = "clients",
    request_body(content = ClientChange, example = json!({
        "client_name": "An app", "redirect_uris": ["https://app.example/callback"], "scope": "openid profile",
    })),
    responses(
        (status = 201, description = "The client; `client_secret` unless it is public or its secret was chosen", body = ClientView,
            headers(("ETag" = String, description = "The version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator or `clients:write`; a client gives no scope, resource or audience that it does not hold"),
        (status = 409, description = "An audience is another client's, or the chosen `client_id` is taken"),
    )
)]
pub async fn register_client(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    users: web::Data<Users>,
    body: AnyCase<ClientChange>,
) -> Answer {
    require_write(&caller)?;
    users.require_allowed_roles(&body.0, &[]).await?;
    let (client, secret) = clients
        .register(body.0, caller.acting(&request, Scope::ClientsWrite))
        .await?;
    let mut response = HttpResponse::Created();
    response.insert_header((
        header::LOCATION,
        format!("/v1/clients/{}", client.public_id),
    ));
    Ok(answer(&request, response, client, secret.as_ref()))
}

/// One client.
#[utoipa::path(
    get, path = "/v1/clients/{client}", tag = "clients",
    params(
        ("client" = String, Path, description = "Its `client_id`"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have"),
        AsOf,
    ),
    responses(
        (status = 200, description = "The client; with `as_of`, as it stood", body = NowOrThen<Client>, headers(("ETag" = String, description = "The version"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
        (status = 403, description = "Needs an administrator or `clients:read`"),
        (status = 404, description = "There is, or was, no client of this id"),
    )
)]
pub async fn read_client(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    database: web::Data<Database>,
    id: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    caller.require(Scope::ClientsRead)?;
    let id = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    if let Some(at) = query.parse()? {
        return answer_past(&caller, &database, client_entity(id), at).await;
    }
    let client = clients.read(id).await?;
    Ok(answer(&request, HttpResponse::Ok(), client, None))
}

/// Changes a client: send the `ETag` that you read as `If-Match`. One that was public and is no more gets a secret; one that
/// becomes public loses its own. A client changes only those that it registered (`registered_by_client`) or was granted
/// (`managed_by`). Users who consented are asked again after a change that loosens the client; `consents_voided` counts them.
#[utoipa::path(
    patch, path = "/v1/clients/{client}", tag = "clients",
    request_body(content = ClientChange, example = json!({ "client_name": "Another name" })),
    params(
        ("client" = String, Path, description = "Its `client_id`"),
        ("If-Match" = String, Header, description = "The `ETag` that you read"),
    ),
    responses(
        (status = 200, description = "The client; `client_secret` if one was made", body = ClientView, headers(("ETag" = String, description = "The version"))),
        (status = 400, description = "A field can't be used; `field` names it"),
        (status = 403, description = "Needs an administrator or `clients:write`; a client changes only those that it manages, that hold no more than it does, and that ask users for consent"),
        (status = 404, description = "There is no client of this id"),
        (status = 409, description = "An audience is another client's"),
        (status = 412, description = "Changed since"),
        (status = 428, description = "`If-Match` is missing"),
        (status = 503, description = "With `client_secret` (`secret-pending`): saved, and in force everywhere within seconds"),
    )
)]
pub async fn update_client(
    request: HttpRequest,
    caller: Caller,
    (clients, users): (web::Data<Clients>, web::Data<Users>),
    id: web::Path<String>,
    body: AnyCase<ClientChange>,
) -> Answer {
    let id = changeable(&caller, &id)?;
    let expected = require_version(&request)?;
    if body.0.allowed_roles.is_some() {
        let before = clients.read(id).await?.metadata.allowed_roles;
        users.require_allowed_roles(&body.0, &before).await?;
    }
    let updated = clients
        .update(
            id,
            body.0,
            Some(expected),
            caller.acting(&request, Scope::ClientsWrite),
        )
        .await?;
    answer_update(&request, updated)
}

/// Takes a client away for good, with every token that it holds.
#[utoipa::path(
    delete, path = "/v1/clients/{client}", tag = "clients",
    params(("client" = String, Path, description = "Its `client_id`"), Reason),
    responses(
        (status = 204, description = "It is nobody from now on"),
        (status = 403, description = "As for changing it"),
        (status = 404, description = "There is no client of this id"),
    )
)]
pub async fn delete_client(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    id: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    let id = changeable(&caller, &id)?;
    let reason = reason.into_inner().parse()?;
    clients
        .delete(id, reason, caller.acting(&request, Scope::ClientsWrite))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A client's next secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewSecret {
    /// The secret, chosen by an administrator in person: 32 to 256 printable ASCII characters. Default: one that Doorward makes.
    #[schema(value_type = Option<String>)]
    client_secret: Option<TypedSecret>,
}

/// Gives a client a new secret; the old one is dead at once. The body may be empty.
#[utoipa::path(
    post, path = "/v1/clients/{client}/secret", tag = "clients", request_body = Option<NewSecret>,
    params(("client" = String, Path, description = "Its `client_id`")),
    responses(
        (status = 200, description = "With `client_secret`, shown this once, unless it was chosen", body = ClientView),
        (status = 400, description = "The chosen secret is not safe"),
        (status = 403, description = "As for changing it; only an administrator in person chooses a secret"),
        (status = 404, description = "There is no client of this id"),
        (status = 409, description = "A public client has no secret"),
        (status = 503, description = "With `client_secret` (`secret-pending`): saved, and in force everywhere within seconds"),
    )
)]
pub async fn rotate_secret(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    id: web::Path<String>,
    body: AnyCaseOrEmpty<NewSecret>,
) -> Answer {
    let id = changeable(&caller, &id)?;
    let acting = caller.acting(&request, Scope::ClientsWrite);
    let updated = match body.0.client_secret {
        Some(secret) => clients.set_secret(id, secret, acting).await?,
        None => clients.rotate_secret(id, acting).await?,
    };
    answer_update(&request, updated)
}
