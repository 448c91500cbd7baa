//! `/admin/clients/{client}`: one client on one screen, and the form that changes it.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::explain::explain;
use super::form::{ClientForm, SectionView};
use super::secret::{show_or_go_on, voided_text};
use super::{client_url, kind_key};
use crate::admin::pages::administrator::Administrator;
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{self, Client, ClientError, Clients};
use crate::db::Database;
use crate::oidc::{Oidc, RecentRefusal};
use crate::users::Users;
use crate::web::{
    Answer, FieldProblem, Frame, Moment, Problem, StepUpPage, only, page, page_with_status,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/clients/{client}")
            .route(web::get().to(show_client))
            .route(web::post().to(save_client))
            .default_service(only("GET, POST")),
    );
}

#[derive(Deserialize)]
struct Query {
    notice: Option<String>,
    voided: Option<usize>,
}

/// Why a request of the client was refused.
struct RefusalView {
    at: Moment,
    times: String,
    description: String,
    presented: Option<String>,
    registered: Option<String>,
    remedy: Option<String>,
}

impl RefusalView {
    fn new(frame: &Frame, refusal: RecentRefusal) -> Self {
        let times = usize::try_from(refusal.times).unwrap_or(usize::MAX);
        Self {
            at: refusal.at.into(),
            times: frame.text_counted("console_client.refused_times", times),
            description: refusal.description,
            presented: refusal.facts.presented,
            registered: refusal.facts.registered,
            remedy: refusal.facts.remedy,
        }
    }
}

#[derive(Template)]
#[template(path = "console_client.html")]
struct ConsoleClientPage {
    frame: Frame,
    notice: Option<String>,
    voided: Option<String>,
    registered_by: Option<String>,
    problem: Option<FieldProblem>,
    id: PublicClientId,
    name: String,
    kind: &'static str,
    is_enabled: bool,
    is_public: bool,
    created: Moment,
    changed: Moment,
    version: i64,
    sections: Vec<SectionView>,
    refusals: Vec<RefusalView>,
}

impl ConsoleClientPage {
    fn new(frame: Frame, client: Client, form: &ClientForm, problem: Option<FieldProblem>) -> Self {
        Self {
            notice: None,
            voided: None,
            registered_by: None,
            refusals: Vec::new(),
            sections: form.sections(&frame, problem.as_ref()),
            problem,
            id: client.public_id.clone(),
            kind: kind_key(&client),
            is_enabled: client.enabled,
            is_public: client.metadata.is_public(),
            created: client.created_at.into(),
            changed: client.as_of.into(),
            version: client.version,
            name: client.name,
            frame,
        }
    }
}

/// The client that a path names.
pub(super) async fn find(clients: &Clients, id: &str) -> Result<Client, Problem> {
    let id = ClientId::named(id).ok_or_else(Problem::not_found)?;
    Ok(clients.read(id).await?)
}

async fn show_client(
    administrator: Administrator,
    clients: web::Data<Clients>,
    database: web::Data<Database>,
    oidc: web::Data<Oidc>,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> Answer {
    let client = find(&clients, &id).await?;
    let refusals = oidc.list_refusals(client.id).await?;
    let form = ClientForm::of(&json!(client));
    let frame = administrator.0.frame;
    let notice = frame.notice("console_client.notice", query.notice.as_deref());
    let names = match client.registered_by_client {
        Some(id) => clients::names(&database, vec![id]).await?,
        None => HashMap::new(),
    };
    page(&ConsoleClientPage {
        notice,
        voided: voided_text(&frame, query.voided),
        registered_by: names.into_values().next(),
        refusals: refusals
            .into_iter()
            .map(|refusal| RefusalView::new(&frame, refusal))
            .collect(),
        ..ConsoleClientPage::new(frame, client, &form, None)
    })
}

async fn save_client(
    request: HttpRequest,
    administrator: Administrator,
    (clients, users): (web::Data<Clients>, web::Data<Users>),
    id: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let client = find(&clients, &id).await?;
    let sent = sent.into_inner();
    let version = sent.get("version").map(String::as_str).unwrap_or_default();
    let expected = version
        .parse::<i64>()
        .map_err(|_| Problem::invalid_field("version", "the version that is changed"))?;
    let form = ClientForm::sent(sent);
    let change = form.to_change()?;
    if !administrator.is_fresh() {
        return step_up(administrator.0.frame, &client);
    }
    let acting = administrator.acting(&request);
    let frame = administrator.0.frame;
    let before = &client.metadata.allowed_roles;
    let updated = match users.require_allowed_roles(&change, before).await {
        Ok(()) => {
            clients
                .update(client.id, change, Some(expected), acting)
                .await
        }
        Err(error) => Err(error),
    };
    match updated {
        Ok(updated) => show_or_go_on(frame, updated, "saved"),
        Err(ClientError::VersionIs(_)) => {
            // What was typed would undo what somebody else just did: it is shown as it stands now.
            let now = clients.read(client.id).await?;
            let form = ClientForm::of(&json!(now));
            let problem = FieldProblem::new("", frame.text("console_client.changed_meanwhile"));
            let template = ConsoleClientPage::new(frame, now, &form, Some(problem));
            page_with_status(StatusCode::CONFLICT, &template)
        }
        Err(error) => {
            let problem = explain(&frame, error)?;
            let template = ConsoleClientPage::new(frame, client, &form, Some(problem));
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
    }
}

fn step_up(frame: Frame, client: &Client) -> Answer {
    let name = client.name.as_str();
    page(&StepUpPage {
        what: frame.text_with("step_up.act.update_client", &[("name", name)]),
        action: frame.path.clone(),
        cancel_url: client_url(client.id),
        frame,
    })
}
