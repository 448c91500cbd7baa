//! `/admin/clients/{client}`: shows a client, and saves the form that changes it.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::client_url;
use super::explain::explain;
use super::form::{ClientForm, SectionView};
use super::secret::{show_or_go_on, voided_text};
use crate::admin::pages::visitor::Administrator;
use crate::base::ids::ClientId;
use crate::clients::{Client, ClientError};
use crate::oidc::RecentRefusal;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, page, page_with_status, rendered_version,
};

#[derive(Deserialize)]
pub(in crate::admin::pages) struct ClientQuery {
    voided: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin_client.html")]
struct AdminClientPage {
    frame: Frame,
    client: Client,
    voided: Option<String>,
    registered_by: Option<String>,
    problem: Option<FieldProblem>,
    has_enabled_registered: bool,
    sections: Vec<SectionView>,
    refusals: Vec<RecentRefusal>,
}

impl AdminClientPage {
    fn new(frame: Frame, client: Client, form: &ClientForm, problem: Option<FieldProblem>) -> Self {
        Self {
            voided: None,
            registered_by: None,
            has_enabled_registered: false,
            refusals: Vec::new(),
            sections: form.sections(&frame, problem.as_ref()),
            problem,
            client,
            frame,
        }
    }
}

/// The client that a path names.
pub(super) async fn find(administrator: &Administrator, id: &str) -> Result<Client, Problem> {
    let id = ClientId::named(id).ok_or_else(Problem::not_found)?;
    Ok(administrator.clients.read(id).await?)
}

pub(in crate::admin::pages) async fn show_client(
    administrator: Administrator,
    id: web::Path<String>,
    query: web::Query<ClientQuery>,
) -> Answer {
    let client = find(&administrator, &id).await?;
    let refusals = administrator.oidc.list_refusals(client.id).await?;
    let form = ClientForm::of(&json!(client));
    let frame = administrator.frame();
    let registered_by = administrator.oidc.find_registrar(&client).await?;
    // For an enabled client, the page that disables it asks about the clients that it registered.
    let has_enabled_registered = !client.enabled
        && !administrator
            .clients
            .list_registered(client.id)
            .await?
            .is_empty();
    page(&AdminClientPage {
        has_enabled_registered,
        voided: voided_text(&frame, query.voided),
        registered_by,
        refusals,
        ..AdminClientPage::new(frame, client, &form, None)
    })
}

pub(in crate::admin::pages) async fn save_client(
    administrator: Administrator,
    id: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let client = find(&administrator, &id).await?;
    let sent = sent.into_inner();
    let version = sent.get("version").map(String::as_str);
    let expected = rendered_version(version.unwrap_or_default())?;
    let form = ClientForm::sent(sent);
    let change = form.to_change()?;
    let frame = administrator.frame();
    let Ok(permit) = administrator.permit() else {
        let values = [("name", client.name.as_str())];
        return StepUpPage::show(frame, "update_client", &values, client_url(client.id));
    };
    let (clients, acting) = (&administrator.clients, permit.acting);
    match clients
        .update(client.id, change, Some(expected), acting)
        .await
    {
        Ok(updated) => show_or_go_on(frame, updated, "saved"),
        Err(ClientError::VersionMismatch(_)) => {
            // The typed values would undo the other user's change, so the form shows the current ones.
            let now = administrator.clients.read(client.id).await?;
            let form = ClientForm::of(&json!(now));
            let problem = FieldProblem::new("", frame.text("admin_client.changed_meanwhile"));
            let template = AdminClientPage::new(frame, now, &form, Some(problem));
            page_with_status(StatusCode::CONFLICT, &template)
        }
        Err(error) => {
            let problem = explain(&frame, error)?;
            let template = AdminClientPage::new(frame, client, &form, Some(problem));
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
    }
}
