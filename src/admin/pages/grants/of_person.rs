//! `/admin/users/{user}/grants`: what a person holds on single things, and the form that gives more.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::form::{GrantForm, explain, wrong};
use super::{GrantRow, PAGE, cursor, next_url};
use crate::access::{Access, GrantFilter};
use crate::admin::pages::act::person_url;
use crate::admin::pages::administrator::Administrator;
use crate::base::ids::UserId;
use crate::users::{User, Users};
use crate::web::{Answer, FieldProblem, Frame, StepUpPage, only, page, page_with_status, redirect};

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
}

#[derive(Template)]
#[template(path = "console_user_grants.html")]
struct ConsoleUserGrantsPage {
    frame: Frame,
    notice: Option<String>,
    id: UserId,
    name: String,
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
        frame: Frame,
        access: &Access,
        person: User,
        listing: &Listing,
    ) -> Result<Self, crate::web::Problem> {
        let filter = GrantFilter {
            after: cursor(&listing.after)?,
            ..GrantFilter::of_user(person.id)
        };
        let path = format!("/admin/users/{}/grants", person.id);
        let found = access.list(filter, PAGE).await?;
        Ok(Self {
            notice: frame.notice("console_grant.notice", listing.notice.as_deref()),
            id: person.id,
            name: person.display_name,
            form: GrantForm::default(),
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
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    name: web::Path<String>,
    listing: web::Query<Listing>,
) -> Answer {
    let person = users.find(&name).await?;
    let frame = administrator.0.frame;
    page(&ConsoleUserGrantsPage::of(frame, &access, person, &listing).await?)
}

async fn give(
    request: HttpRequest,
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let person = users.find(&name).await?;
    let form = form.into_inner();
    let parsed = form
        .resource()
        .and_then(|resource| Ok((resource, form.terms()?)));
    let problem = match parsed {
        Err(field) => wrong(&administrator.0.frame, field),
        Ok((resource, _)) if !administrator.is_fresh() => {
            return step_up(administrator.0.frame, &person, &resource.to_string(), form);
        }
        Ok((resource, terms)) => {
            let author = administrator.0.author(&request);
            match access.give(person.id, resource, terms, author).await {
                Ok(_) => {
                    let url = format!("/admin/users/{}/grants?notice=given", person.id);
                    return Ok(redirect(&url));
                }
                Err(error) => explain(&administrator.0.frame, error)?,
            }
        }
    };
    let listing = Listing::default();
    let frame = administrator.0.frame;
    let template = ConsoleUserGrantsPage {
        form,
        problem: Some(problem),
        ..ConsoleUserGrantsPage::of(frame, &access, person, &listing).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, person: &User, thing: &str, form: GrantForm) -> Answer {
    let values = [("name", person.display_name.as_str()), ("thing", thing)];
    page(&StepUpPage {
        what: frame.text_with("step_up.act.give_grant", &values),
        action: frame.path.clone(),
        hidden: form.into_hidden(),
        cancel_url: person_url(person),
        frame,
    })
}
