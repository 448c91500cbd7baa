//! `/admin/users/{user}/grants`: a user's roles on resources, and the form that assigns more.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::form::{GrantForm, explain, wrong};
use super::{GrantRow, PAGE};
use crate::access::GrantFilter;
use crate::admin::http::grants::parse_cursor;
use crate::admin::pages::holder::{Holder, grants_url};
use crate::admin::pages::visitor::GrantManager;
use crate::admin::pages::{given, pager};
use crate::base::ids::UserId;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, cursor, page, page_with_status, redirect,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Listing {
    after: String,
    notice: Option<String>,
    /// Type of the resource for which the form is filled in.
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

#[derive(Template)]
#[template(path = "console_user_grants.html")]
struct ConsoleUserGrantsPage {
    frame: Frame,
    notice: Option<String>,
    id: UserId,
    name: String,
    /// URL of the user's page, if the visitor may see it.
    person_url: Option<String>,
    form: GrantForm,
    problem: Option<FieldProblem>,
    grants: Vec<GrantRow>,
    /// Text key of the first column's heading.
    grants_of: &'static str,
    first_url: Option<String>,
    next_url: Option<String>,
}

impl ConsoleUserGrantsPage {
    async fn of(
        manager: &GrantManager,
        holder: Holder,
        listing: &Listing,
    ) -> Result<Self, Problem> {
        let filter = GrantFilter {
            after: cursor(given(&listing.after), parse_cursor)?,
            of_types: manager.scope().types(),
            ..GrantFilter::of_user(holder.id)
        };
        let frame = manager.frame();
        let found = manager.access.list(filter, PAGE).await?;
        let path = grants_url(holder.id);
        let (first_url, next_url) = pager(&path, &[], &listing.after, found.next.as_deref());
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
            first_url,
            next_url,
            grants: found.items.into_iter().map(GrantRow::of_person).collect(),
            frame,
        })
    }
}

pub(in crate::admin::pages) async fn show(
    manager: GrantManager,
    name: web::Path<String>,
    listing: web::Query<Listing>,
) -> Answer {
    let holder = manager.find_holder(&name).await?;
    page(&ConsoleUserGrantsPage::of(&manager, holder, &listing).await?)
}

pub(in crate::admin::pages) async fn give(
    manager: GrantManager,
    name: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let holder = manager.find_holder(&name).await?;
    let form = form.into_inner();
    let resource = form.resource();
    if let Ok(resource) = &resource {
        manager.scope().require(&resource.kind)?;
    }
    let frame = manager.frame();
    let problem = match resource.and_then(|resource| Ok((resource, form.terms()?))) {
        Err(field) => wrong(&frame, field),
        Ok((resource, terms)) => {
            let Ok(permit) = manager.permit() else {
                let thing = resource.to_string();
                let values = [("name", holder.name.as_str()), ("resource", thing.as_str())];
                return StepUpPage::show(frame, "give_grant", &values, holder.url());
            };
            let access = &manager.access;
            match access.give(holder.id, resource, terms, permit.acting).await {
                Ok(_) => {
                    let url = format!("{}?notice=given", grants_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = ConsoleUserGrantsPage {
        form,
        problem: Some(problem),
        ..ConsoleUserGrantsPage::of(&manager, holder, &Listing::default()).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}
