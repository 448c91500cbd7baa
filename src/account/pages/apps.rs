//! `POST /account/apps/{client}/withdraw`: withdraws an app's access. Also the entries of the account page's list of apps.

use actix_web::{HttpRequest, web};

use super::visitor::SignedInVisitor;
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::oidc::Oidc;
use crate::oidc::consent::{AppAccess, WithdrawError};
use crate::oidc::pages::{host_of, scope_descriptions};
use crate::web::{Answer, Frame, Problem, redirect};

/// An app in the list on the account page.
pub(super) struct AppEntry {
    pub(super) id: ClientId,
    pub(super) name: String,
    /// Host of the app's first redirect URI.
    pub(super) host: Option<String>,
    /// What the app may do, one sentence for each scope.
    pub(super) permissions: Vec<String>,
    /// Time of the consent, or of the authorization if there is no consent.
    pub(super) since: Timestamp,
}

impl AppEntry {
    pub(super) fn new(frame: &Frame, access: AppAccess) -> Self {
        let client = access.client;
        Self {
            id: client.id,
            host: client
                .metadata
                .redirect_uris
                .first()
                .map(|uri| host_of(uri.as_str())),
            name: client.name.clone(),
            permissions: scope_descriptions(frame, &access.scopes),
            since: access.since,
        }
    }
}

pub(super) async fn withdraw_app(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    oidc: web::Data<Oidc>,
    id: web::Path<String>,
) -> Answer {
    let client = ClientId::named(&id).ok_or_else(Problem::not_found)?;
    let acting = visitor.acting(&request);
    match oidc.withdraw(visitor.user(), client, acting).await {
        // The result is the same if the form is submitted twice.
        Ok(()) | Err(WithdrawError::Unknown) => Ok(redirect("/account?notice=app_withdrawn")),
        Err(error) => Err(error.into()),
    }
}
