//! `/admin/users/{user}/grants`: what a person holds on single things, and the form that gives more.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::form::{GrantForm, explain, wrong};
use super::{GrantRow, PAGE, cursor, next_url};
use crate::access::{Access, GrantFilter};
use crate::admin::pages::grant_manager::{GrantManager, Holder, grants_url};
use crate::base::ids::UserId;
use crate::users::Users;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, only, page, page_with_status, redirect,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/grants")
            .route(web::get().to(show))
            .route(web::post().to(give))
            .default_service(only("GET, POST")),
    );
}

#[derive(Default, Deserialize)]
struct Listing {
    #[serde(default)]
    after: String,
    notice: Option<String>,
    /// The thing on which something is to be given.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "console_user_grants.html")]
struct ConsoleUserGrantsPage {
    frame: Frame,
    notice: Option<String>,
    id: UserId,
    name: String,
    /// Their own page, for whoever may see it.
    person_url: Option<String>,
    form: GrantForm,
    problem: Option<FieldProblem>,
    grants: Vec<GrantRow>,
    /// The text key of the first column.
    grants_of: &'static str,
    first_url: Option<String>,
    next_url: Option<String>,
}

impl ConsoleUserGrantsPage {
    async fn of(
        manager: &GrantManager,
        access: &Access,
        holder: Holder,
        listing: &Listing,
    ) -> Result<Self, Problem> {
        let filter = GrantFilter {
            after: cursor(&listing.after)?,
            of_types: manager.reach.types(),
            ..GrantFilter::of_user(holder.id)
        };
        let frame = manager.frame();
        let path = grants_url(holder.id);
        let found = access.list(filter, PAGE).await?;
        Ok(Self {
            notice: frame.notice("console_grant.notice", listing.notice.as_deref()),
            id: holder.id,
            name: holder.name,
            person_url: holder.page,
            form: GrantForm {
                resource_type: listing.kind.clone(),
                resource_id: listing.id.clone(),
                ..GrantForm::default()
            },
            problem: None,
            grants_of: "console_grants.thing",
            first_url: Some(path.clone()).filter(|_| !listing.after.is_empty()),
            next_url: next_url(&found, &path, &[]),
            grants: found.items.into_iter().map(GrantRow::of_person).collect(),
            frame,
        })
    }
}

async fn show(
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    name: web::Path<String>,
    listing: web::Query<Listing>,
) -> Answer {
    let holder = manager.find_holder(&users, &name).await?;
    page(&ConsoleUserGrantsPage::of(&manager, &access, holder, &listing).await?)
}

async fn give(
    request: HttpRequest,
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let holder = manager.find_holder(&users, &name).await?;
    let form = form.into_inner();
    let resource = form.resource();
    if let Ok(resource) = &resource {
        manager.reach.require(&resource.kind)?;
    }
    let parsed = resource.and_then(|resource| Ok((resource, form.terms()?)));
    let problem = match parsed {
        Err(field) => wrong(&manager.visitor.frame, field),
        Ok((resource, _)) if !manager.is_fresh() => {
            return step_up(manager.frame(), &holder, &resource.to_string());
        }
        Ok((resource, terms)) => {
            let acting = manager.acting(&request);
            match access.give(holder.id, resource, terms, acting).await {
                Ok(_) => {
                    let url = format!("{}?notice=given", grants_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(error) => explain(&manager.visitor.frame, error)?,
            }
        }
    };
    let listing = Listing::default();
    let template = ConsoleUserGrantsPage {
        form,
        problem: Some(problem),
        ..ConsoleUserGrantsPage::of(&manager, &access, holder, &listing).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, holder: &Holder, thing: &str) -> Answer {
    let values = [("name", holder.name.as_str()), ("thing", thing)];
    page(&StepUpPage {
        what: frame.text_with("step_up.act.give_grant", &values),
        action: frame.path.clone(),
        cancel_url: holder.url(),
        frame,
    })
}
