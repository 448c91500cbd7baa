//! `/admin/resources/thing?type=&id=`: one thing on one screen; `/admin/grants?type=&id=&user=`, the way to give somebody roles on it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Map;

use super::named;
use crate::access::{
    Access, Description, Expected, Grant, GrantFilter, NewThing, ResourceName, ThingError,
    ThingView, Title,
};
use crate::admin::pages::address;
use crate::admin::pages::grant_manager::{GrantManager, grants_url};
use crate::admin::pages::grants::{GrantRow, PAGE, cursor, next_url, one_line, thing_url, wrong};
use crate::users::{LookupError, Users};
use crate::web::{
    Answer, FieldProblem, Frame, Moment, Problem, StepUpPage, only, page, page_with_status,
    parse_object, redirect,
};

const PATH: &str = "/admin/resources/thing";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(PATH)
            .route(web::get().to(show))
            .route(web::post().to(save))
            .default_service(only("GET, POST")),
    );
    config.service(
        web::resource("/admin/grants")
            .route(web::get().to(choose_holder))
            .default_service(only("GET")),
    );
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    after: String,
    notice: Option<String>,
}

/// To whom something is to be given on a thing.
#[derive(Deserialize)]
struct Recipient {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    user: String,
}

/// What a form carries.
#[derive(Clone, Debug, Default, Deserialize)]
struct ThingForm {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    /// A JSON object; empty: none.
    #[serde(default)]
    attributes: String,
    /// Which version is changed; empty: nothing is known yet.
    #[serde(default)]
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
        match self.version.as_str() {
            "" => Ok(Expected::Absent),
            version => version
                .parse()
                .map(Expected::Version)
                .map_err(|_| Problem::invalid_field("version", "the version that is changed")),
        }
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
    /// Whom nobody knows, as they were named.
    nobody: Option<String>,
    grants: Vec<GrantRow>,
    /// The text key of the first column.
    grants_of: &'static str,
    first_url: Option<String>,
    next_url: Option<String>,
}

impl ConsoleResourcePage {
    async fn of(
        manager: &GrantManager,
        access: &Access,
        users: &Users,
        name: &ResourceName,
        after: &str,
    ) -> Result<Self, Problem> {
        let thing = match access.read_thing_view(name.clone()).await {
            Ok(thing) => Some(thing),
            Err(ThingError::Unknown) => None,
            Err(error) => return Err(error.into()),
        };
        let filter = GrantFilter {
            after: cursor(after)?,
            ..GrantFilter::on(name.clone())
        };
        let found = access.list(filter, PAGE).await?;
        let holders = found.items.iter().map(|grant| grant.user_id);
        let people = manager.list_known(users, holders.collect()).await?;
        let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
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
            first_url: Some(thing_url(name)).filter(|_| !after.is_empty()),
            next_url: next_url(&found, PATH, &names),
            grants: found.items.into_iter().map(row).collect(),
            frame: manager.frame(),
        })
    }
}

async fn show(
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    listing: web::Query<Listing>,
) -> Answer {
    let name = named(&listing.r#type, &listing.id)?;
    manager.reach.require(&name.kind)?;
    let frame = &manager.visitor.frame;
    let notice = frame.notice("console_resource.notice", listing.notice.as_deref());
    page(&ConsoleResourcePage {
        notice,
        ..ConsoleResourcePage::of(&manager, &access, &users, &name, &listing.after).await?
    })
}

async fn save(
    request: HttpRequest,
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    form: web::Form<ThingForm>,
) -> Answer {
    let form = form.into_inner();
    let name = named(&form.kind, &form.id)?;
    manager.reach.require(&name.kind)?;
    let expected = form.expected()?;
    let frame = manager.frame();
    let problem = match form.parse() {
        Err(field) => wrong(&frame, field),
        Ok(_) if !manager.is_fresh() => return step_up(frame, &name),
        Ok(new) => {
            let acting = manager.acting(&request);
            match access.put_thing(name.clone(), new, expected, acting).await {
                Ok(_) => {
                    let url = thing_url(&name);
                    return Ok(redirect(&format!("{url}&notice=saved")));
                }
                Err(ThingError::Attributes) => wrong(&frame, "attributes"),
                // Schema errors are in English, so they are not translated.
                Err(ThingError::NotInSchema(reason)) => FieldProblem::new("attributes", &reason),
                Err(
                    ThingError::Exists(_)
                    | ThingError::VersionIs(_)
                    | ThingError::Overtaken
                    | ThingError::Unknown,
                ) => {
                    // What was typed would undo what somebody else just did: it is shown as it stands now.
                    let sentence = frame.text("console_grant.changed_meanwhile").to_owned();
                    let template = ConsoleResourcePage {
                        problem: Some(FieldProblem::new("", &sentence)),
                        ..ConsoleResourcePage::of(&manager, &access, &users, &name, "").await?
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
        ..ConsoleResourcePage::of(&manager, &access, &users, &name, "").await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

/// Leads to the form that gives somebody roles on the thing.
async fn choose_holder(
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    asked: web::Query<Recipient>,
) -> Answer {
    let name = named(&asked.r#type, &asked.id)?;
    manager.reach.require(&name.kind)?;
    match users.resolve(asked.user.trim()).await {
        Ok(user) => {
            let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
            Ok(redirect(&address(&grants_url(user), &names)))
        }
        Err(LookupError::Unknown) => {
            let template = ConsoleResourcePage {
                nobody: Some(asked.user.clone()),
                ..ConsoleResourcePage::of(&manager, &access, &users, &name, "").await?
            };
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
        Err(error) => Err(error.into()),
    }
}

fn step_up(frame: Frame, name: &ResourceName) -> Answer {
    let thing = name.to_string();
    page(&StepUpPage {
        what: frame.text_with("step_up.act.put_resource", &[("thing", &thing)]),
        action: frame.path.clone(),
        cancel_url: thing_url(name),
        frame,
    })
}
