//! `/v1/me/apps`: the apps that have access to the user's account.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::Permission;
use crate::oidc::Oidc;
use crate::oidc::consent::AppAccess;
use crate::sessions::SignedIn;
use crate::web::{Answer, Items, Problem};

/// An app that one lets have something.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppView {
    #[schema(value_type = String)]
    client_id: PublicClientId,
    client_name: String,
    /// What it may have: scopes with spaces between them.
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<AppAccess> for AppView {
    fn from(access: AppAccess) -> Self {
        Self {
            client_id: access.client.public_id.clone(),
            client_name: access.client.name.clone(),
            scope: access.scopes.to_text(),
            since: access.since,
        }
    }
}

/// The apps that have access to one's own account.
#[utoipa::path(
    get, path = "/v1/me/apps", tag = "account", security(("cookie" = [])),
    responses((status = 200, body = Items<AppView>))
)]
pub async fn list_apps(signed_in: SignedIn, oidc: web::Data<Oidc>) -> Answer {
    let found = oidc.list_apps(signed_in.session.user).await?;
    let items: Vec<AppView> = found.into_iter().map(AppView::from).collect();
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Withdraws what an app may have. Every token that it holds of one is refused from then on.
#[utoipa::path(
    delete, path = "/v1/me/apps/{client_id}", tag = "account", security(("cookie" = [])),
    params(("client_id" = String, Path, description = "ID of the app")),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 404, description = "The app has no access"),
    )
)]
pub async fn withdraw_app(
    request: HttpRequest,
    signed_in: SignedIn,
    oidc: web::Data<Oidc>,
    id: web::Path<String>,
) -> Answer {
    let client = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    oidc.withdraw(user, client, acting).await?;
    Ok(HttpResponse::NoContent().finish())
}
