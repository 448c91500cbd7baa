//! `/admin/resources/thing?type=&id=`: shows and changes one resource. `/admin/grants?type=&id=&user=`: redirects to the form
//! that assigns roles on it.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use serde_json::Map;

use super::named;
use crate::access::{
    Description, Expected, Grant, GrantFilter, NewThing, ResourceName, ThingError, ThingView, Title,
};
use crate::admin::http::grants::parse_cursor;
use crate::admin::pages::confirm::one_line;
use crate::admin::pages::grants::{GrantRow, PAGE, thing_url, wrong};
use crate::admin::pages::holder::grants_url;
use crate::admin::pages::visitor::GrantManager;
use crate::admin::pages::{address, given, pager};
use crate::users::LookupError;
use crate::web::{
    Answer, FieldProblem, Frame, Moment, Problem, StepUpPage, cursor, page, page_with_status,
    parse_object, redirect, rendered_version,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Listing {
    r#type: String,
    id: String,
    after: String,
    notice: Option<String>,
}

/// A resource, and the user who will be assigned roles on it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Recipient {
    r#type: String,
    id: String,
    user: String,
}

/// The submitted form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct ThingForm {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    title: String,
    description: String,
    /// A JSON object; empty for none.
    attributes: String,
    /// Version of the record that the form was rendered for; empty if the resource is not registered yet.
    version: String,
}

impl ThingForm {
    fn of(name: &ResourceName, thing: Option<&ThingView>) -> Self {
        let attributes = thing.filter(|thing| !thing.attributes.is_empty());
        let attributes = attributes.map(|thing| serde_json::to_string_pretty(&thing.attributes));
        let text = |text: Option<&Option<String>>| text.cloned().flatten().unwrap_or_default();
        Self {
            kind: name.kind.to_string(),
            id: name.id.to_string(),
            title: text(thing.map(|thing| &thing.title)),
            description: text(thing.map(|thing| &thing.description)),
            attributes: attributes.and_then(Result::ok).unwrap_or_default(),
            version: thing.map_or_else(String::new, |thing| thing.version.to_string()),
        }
    }

    fn parse(&self) -> Result<NewThing, &'static str> {
        let attributes = match self.attributes.trim() {
            "" => Map::new(),
            text => parse_object(text).ok_or("attributes")?,
        };
        Ok(NewThing {
            title: Title::parse(&self.title).map_err(|_| "title")?,
            description: Description::parse(&one_line(&self.description))
                .map_err(|_| "description")?,
            attributes,
        })
    }

    fn expected(&self) -> Result<Expected, Problem> {
        let version = given(&self.version).map(rendered_version).transpose()?;
        Ok(version.map_or(Expected::Absent, Expected::Version))
    }
}

#[derive(Template)]
#[template(path = "console_resource.html")]
struct ConsoleResourcePage {
    frame: Frame,
    notice: Option<String>,
    name: String,
    title: Option<String>,
    changed: Option<Moment>,
    forget_url: String,
    form: ThingForm,
    problem: Option<FieldProblem>,
    /// The submitted ID or username, if no user has it.
    nobody: Option<String>,
    grants: Vec<GrantRow>,
    /// Text key of the first column's heading.
    grants_of: &'static str,
    first_url: Option<String>,
    next_url: Option<String>,
}

impl ConsoleResourcePage {
    async fn of(manager: &GrantManager, name: &ResourceName, after: &str) -> Result<Self, Problem> {
        let thing = match manager.access.read_thing_view(name.clone()).await {
            Ok(thing) => Some(thing),
            Err(ThingError::Unknown) => None,
            Err(error) => return Err(error.into()),
        };
        let filter = GrantFilter {
            after: cursor(given(after), parse_cursor)?,
            ..GrantFilter::on(name.clone())
        };
        let found = manager.access.list(filter, PAGE).await?;
        let holders = found.items.iter().map(|grant| grant.user_id);
        let people = manager.list_known(holders.collect()).await?;
        let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
        let (first_url, next_url) = pager(
            "/admin/resources/thing",
            &names,
            after,
            found.next.as_deref(),
        );
        let row = |grant: Grant| {
            let holder = manager.holder(grant.user_id, &people);
            GrantRow::on_thing(grant, holder)
        };
        Ok(Self {
            notice: None,
            name: name.to_string(),
            title: thing.as_ref().and_then(|thing| thing.title.clone()),
            changed: thing.as_ref().map(|thing| thing.as_of.into()),
            forget_url: address("/admin/resources/forget", &names),
            form: ThingForm::of(name, thing.as_ref()),
            problem: None,
            nobody: None,
            grants_of: "console_grants.person",
            first_url,
            next_url,
            grants: found.items.into_iter().map(row).collect(),
            frame: manager.frame(),
        })
    }
}

pub(in crate::admin::pages) async fn show(
    manager: GrantManager,
    listing: web::Query<Listing>,
) -> Answer {
    let name = named(&manager, &listing.r#type, &listing.id)?;
    let frame = manager.frame();
    page(&ConsoleResourcePage {
        notice: frame.notice("console_resource.notice", listing.notice.as_deref()),
        ..ConsoleResourcePage::of(&manager, &name, &listing.after).await?
    })
}

pub(in crate::admin::pages) async fn save(
    manager: GrantManager,
    form: web::Form<ThingForm>,
) -> Answer {
    let form = form.into_inner();
    let name = named(&manager, &form.kind, &form.id)?;
    let expected = form.expected()?;
    let frame = manager.frame();
    let problem = match form.parse() {
        Err(field) => wrong(&frame, field),
        Ok(new) => {
            let Ok(permit) = manager.permit() else {
                let thing = name.to_string();
                let values = [("resource", thing.as_str())];
                return StepUpPage::show(frame, "put_resource", &values, thing_url(&name));
            };
            let access = &manager.access;
            let put = access.put_thing(name.clone(), new, expected, permit.acting);
            match put.await {
                Ok(_) => {
                    let url = thing_url(&name);
                    return Ok(redirect(&format!("{url}&notice=saved")));
                }
                Err(ThingError::Attributes) => wrong(&frame, "attributes"),
                // Schema errors are in English, and are not translated.
                Err(ThingError::NotInSchema(reason)) => FieldProblem::new("attributes", &reason),
                Err(
                    ThingError::Exists(_)
                    | ThingError::VersionIs(_)
                    | ThingError::Overtaken
                    | ThingError::Unknown,
                ) => {
                    // The typed values would undo the other user's change, so the form shows the current ones.
                    let sentence = frame.text("console_grant.changed_meanwhile");
                    let template = ConsoleResourcePage {
                        problem: Some(FieldProblem::new("", sentence)),
                        ..ConsoleResourcePage::of(&manager, &name, "").await?
                    };
                    return page_with_status(StatusCode::CONFLICT, &template);
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let template = ConsoleResourcePage {
        form,
        problem: Some(problem),
        ..ConsoleResourcePage::of(&manager, &name, "").await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

/// Redirects to the form that assigns a user roles on the resource.
pub(in crate::admin::pages) async fn choose_holder(
    manager: GrantManager,
    asked: web::Query<Recipient>,
) -> Answer {
    let name = named(&manager, &asked.r#type, &asked.id)?;
    match manager.users.resolve(asked.user.trim()).await {
        Ok(user) => {
            let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
            Ok(redirect(&address(&grants_url(user), &names)))
        }
        Err(LookupError::Unknown) => {
            let template = ConsoleResourcePage {
                nobody: Some(asked.user.clone()),
                ..ConsoleResourcePage::of(&manager, &name, "").await?
            };
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
        Err(error) => Err(error.into()),
    }
}
