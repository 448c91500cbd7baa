//! `/admin/clients/new`: the form for a new app.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde_json::json;

use super::form::{ClientForm, SectionView, explain};
use super::secret::show_or_go_on;
use crate::admin::pages::administrator::Administrator;
use crate::clients::{ClientUpdate, Clients, GrantType, Metadata, Scope, Scopes};
use crate::web::{Answer, FieldProblem, Frame, StepUpPage, only, page, page_with_status};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/clients/new")
            .route(web::get().to(show_form))
            .route(web::post().to(register))
            .default_service(only("GET, POST")),
    );
}

#[derive(Template)]
#[template(path = "console_client_new.html")]
struct ConsoleClientNewPage {
    frame: Frame,
    sections: Vec<SectionView>,
    problem: Option<FieldProblem>,
}

/// An app that people sign in to: what most are.
fn usual() -> ClientForm {
    let scopes: Scopes = Scope::OPENID.into_iter().collect();
    let metadata = Metadata {
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ..Metadata::default()
    };
    let mut form = ClientForm::of(&json!(metadata));
    form.put("scope", scopes.to_text());
    form
}

async fn show_form(administrator: Administrator) -> Answer {
    let frame = administrator.0.frame;
    page(&ConsoleClientNewPage {
        sections: usual().sections(&frame, None),
        problem: None,
        frame,
    })
}

async fn register(
    request: HttpRequest,
    administrator: Administrator,
    clients: web::Data<Clients>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let form = ClientForm::sent(sent.into_inner());
    let wanted = form.to_change()?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        return page(&StepUpPage {
            what: frame.text_with("step_up.act.register_client", &[("name", form.name())]),
            action: frame.path.clone(),
            cancel_url: "/admin/clients".into(),
            frame,
        });
    }
    let acting = administrator.acting(&request);
    let frame = administrator.0.frame;
    match clients.register(wanted, acting).await {
        Ok((client, secret)) => {
            let registered = ClientUpdate {
                client,
                secret,
                voided_consents: 0,
            };
            show_or_go_on(frame, registered, "registered")
        }
        Err(error) => {
            let problem = Some(explain(&frame, error)?);
            let template = ConsoleClientNewPage {
                sections: form.sections(&frame, problem.as_ref()),
                problem,
                frame,
            };
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
    }
}
