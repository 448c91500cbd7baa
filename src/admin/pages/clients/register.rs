//! `/admin/clients/new`: the form that registers an app.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::explain::{explain, secret_again};
use super::form::{ClientForm, SectionView};
use super::secret::show_registered;
use crate::admin::pages::given;
use crate::admin::pages::visitor::Administrator;
use crate::base::secrets::Token;
use crate::clients::{
    ClientUpdate, GrantType, Metadata, Preset, PresetError, Scope, Scopes, SettingValues,
    TypedSecret,
};
use crate::web::{
    Answer, FieldProblem, Frame, SECRET_LEFT_OUT, StepUpPage, Web, page, page_with_status,
};

/// The program whose preset fills in the form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct ForProgram {
    /// Key of the preset; empty for a program without one.
    #[serde(rename = "for")]
    key: String,
    /// URL of the program.
    url: String,
}

#[derive(Template)]
#[template(path = "admin_client_new.html")]
struct AdminClientNewPage {
    frame: Frame,
    program: ForProgram,
    program_problem: Option<&'static str>,
    sections: Vec<SectionView>,
    problem: Option<FieldProblem>,
}

impl ForProgram {
    fn preset(&self) -> Option<&'static Preset> {
        Preset::find(&self.key)
    }

    fn url(&self) -> Option<&str> {
        given(self.url.trim())
    }

    /// The form for the program; without a preset, for an app that users sign in to.
    fn form(&self) -> Result<ClientForm, PresetError> {
        let Some(preset) = self.preset() else {
            return Ok(usual());
        };
        let (scopes, metadata) = preset.to_registration(self.url())?;
        let mut form = ClientForm::of(&json!(metadata));
        form.put("client_name", preset.name.clone());
        form.put("scope", scopes.to_text());
        Ok(form)
    }

    /// The settings to enter in the program, if it has a preset.
    fn settings(&self, web: &Web, registered: &ClientUpdate) -> Option<(&'static Preset, String)> {
        let preset = self.preset()?;
        let id = registered.client.public_id.to_string();
        let values = SettingValues {
            issuer: web.public_url().as_str(),
            client_id: &id,
            client_secret: registered.secret.as_ref().map(Token::expose),
            url: self.url(),
        };
        Some((preset, preset.settings(values)))
    }
}

/// The form for an app that users sign in to, as most clients are.
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

pub(in crate::admin::pages) async fn show_form(
    administrator: Administrator,
    program: web::Query<ForProgram>,
) -> Answer {
    let (frame, program) = (administrator.frame(), program.into_inner());
    let (form, program_problem) = match program.form() {
        Ok(form) => (form, None),
        Err(PresetError::UrlNeeded) => (usual(), Some("admin_client_new.url_needed")),
        Err(PresetError::NoUrl) => (usual(), Some("admin_client_new.no_url")),
    };
    page(&AdminClientNewPage {
        sections: form.sections_of_new(&frame, None, false),
        program,
        program_problem,
        problem: None,
        frame,
    })
}

pub(in crate::admin::pages) async fn register(
    administrator: Administrator,
    web: web::Data<Web>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let mut sent = sent.into_inner();
    let mut take = |name: &str| sent.remove(name).unwrap_or_default();
    let program = ForProgram {
        key: take("for"),
        url: take("url"),
    };
    let (chosen_id, chosen_secret) = (take("client_id"), take("client_secret"));
    let has_secret = !chosen_secret.is_empty();
    let has_lost_secret = take(SECRET_LEFT_OUT) == "yes" && !has_secret;
    let mut form = ClientForm::sent(sent);
    let mut new_client = form.to_change()?;
    new_client.client_id = given(chosen_id.trim()).map(str::to_owned);
    new_client.client_secret = Some(chosen_secret)
        .filter(|secret| !secret.is_empty())
        .map(TypedSecret::from);
    form.put("client_id", chosen_id);
    let frame = administrator.frame();
    let Ok(permit) = administrator.permit() else {
        let values = [("name", form.name())];
        return StepUpPage::show(frame, "register_client", &values, "/admin/clients".into());
    };
    if has_lost_secret {
        let problem = secret_again(&frame);
        return form_again(frame, (&form, program), problem, true);
    }
    match administrator
        .clients
        .register(new_client, permit.acting)
        .await
    {
        Ok((client, secret)) => {
            let registered = ClientUpdate {
                client,
                secret,
                voided_consents: 0,
                pending: None,
            };
            let settings = program.settings(&web, &registered);
            show_registered(frame, registered, &web, settings)
        }
        Err(error) => {
            let mut problem = explain(&frame, error)?;
            if has_secret && problem.field != "client_secret" {
                let again = secret_again(&frame);
                problem.sentence = format!("{} {}", problem.sentence, again.sentence);
            }
            form_again(frame, (&form, program), problem, has_secret)
        }
    }
}

/// Shows the form as submitted, without the secret, and why it was refused.
fn form_again(
    frame: Frame,
    (form, program): (&ClientForm, ForProgram),
    problem: FieldProblem,
    has_lost_secret: bool,
) -> Answer {
    let template = AdminClientNewPage {
        sections: form.sections_of_new(&frame, Some(&problem), has_lost_secret),
        program,
        program_problem: None,
        problem: Some(problem),
        frame,
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}
