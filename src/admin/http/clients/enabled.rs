//! `/v1/clients/{client}/disable` and `/enable`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClientView, answer, changeable, view};
use crate::admin::http::{Reason, parse_reason};
use crate::clients::{Client, Clients, Registered, RegisteredClient, Scope};
use crate::sessions::Caller;
use crate::web::{Answer, AnyCase, tagged};

/// How to disable a client.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DisableClient {
    /// For the audit log; at most 200 characters.
    reason: Option<String>,
    /// Whether the clients that it registered are disabled too. For administrators in person.
    with_registered: bool,
}

/// A client that was disabled.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisabledView {
    #[serde(flatten)]
    client: ClientView,
    /// The clients that it registered, itself or through others, and that were enabled until then. Without `with_registered` they
    /// still are. Empty for services.
    registered: Vec<RegisteredClient>,
}

/// Cuts a client off, with every token that it holds. The clients that it registered stay as they are, unless `with_registered` is
/// set; `registered` lists them.
#[utoipa::path(
    post, path = "/v1/clients/{client}/disable", tag = "clients", request_body = DisableClient,
    params(("client" = String, Path, description = "Its `client_id`")),
    responses(
        (status = 200, body = DisabledView),
        (status = 403, description = "As for changing it; `with_registered` needs an administrator in person"),
        (status = 404, description = "There is no client of this id"),
    )
)]
pub async fn disable_client(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    id: web::Path<String>,
    body: AnyCase<DisableClient>,
) -> Answer {
    let id = changeable(&caller, &id)?;
    let reason = parse_reason(body.0.reason.as_deref().unwrap_or_default())?;
    let registered = if body.0.with_registered {
        Registered::Disabled
    } else {
        Registered::Kept
    };
    let acting = caller.acting(&request, Scope::ClientsWrite);
    let disabled = clients.disable_with(id, registered, reason, acting).await?;
    let etag = disabled.client.etag();
    let view = DisabledView {
        client: view(disabled.client, None),
        registered: disabled.registered,
    };
    Ok(tagged(&request, HttpResponse::Ok(), &etag, view))
}

/// Lets a client in again. Tokens that it got on its own behalf before stay dead.
#[utoipa::path(
    post, path = "/v1/clients/{client}/enable", tag = "clients", request_body = Reason,
    params(("client" = String, Path, description = "Its `client_id`")),
    responses(
        (status = 200, body = Client),
        (status = 403, description = "As for changing it"),
        (status = 404, description = "There is no client of this id"),
    )
)]
pub async fn enable_client(
    request: HttpRequest,
    caller: Caller,
    clients: web::Data<Clients>,
    id: web::Path<String>,
    body: AnyCase<Reason>,
) -> Answer {
    let id = changeable(&caller, &id)?;
    let reason = body.0.parse()?;
    let acting = caller.acting(&request, Scope::ClientsWrite);
    let client = clients.enable(id, reason, acting).await?;
    Ok(answer(&request, HttpResponse::Ok(), client, None))
}
