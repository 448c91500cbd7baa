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

/// An app that has access to the signed-in user's account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppView {
    #[schema(value_type = String)]
    client_id: PublicClientId,
    /// Name of the app.
    client_name: String,
    /// Granted scopes, separated by spaces.
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

/// Lists the apps that have access to the signed-in user's account.
#[utoipa::path(
    get, path = "/v1/me/apps", tag = "account", security(("cookie" = [])),
    responses((status = 200, description = "The apps", body = Items<AppView>))
)]
pub async fn list_apps(signed_in: SignedIn, oidc: web::Data<Oidc>) -> Answer {
    let found = oidc.list_apps(signed_in.session.user).await?;
    let items: Vec<AppView> = found.into_iter().map(AppView::from).collect();
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Revokes an app's access to the signed-in user's account. All tokens that it has for the user stop working immediately.
#[utoipa::path(
    delete, path = "/v1/me/apps/{client_id}", operation_id = "revoke_app_access", tag = "account", security(("cookie" = [])),
    params(("client_id" = String, Path, description = "ID of the app")),
    responses(
        (status = 204, description = "The access was revoked"),
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
