//! `/admin/resources`: things, what is known of them, and who holds what on them.

mod forget;
mod thing;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::address;
use super::grant_manager::GrantManager;
use super::grants::{PAGE, thing_url};
use crate::access::{Access, ResourceName, ResourceType, ThingFilter, ThingView};
use crate::admin::http::reach::Reach;
use crate::admin::http::resources::parse_cursor;
use crate::web::{Answer, Frame, Moment, Page, Problem, only, page};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/resources")
                .route(web::get().to(show_things))
                .default_service(only("GET")),
        )
        .configure(thing::routes)
        .configure(forget::routes);
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    after: String,
    notice: Option<String>,
}

/// A thing as a line of the page.
struct ThingRow {
    name: String,
    url: String,
    title: Option<String>,
    changed: Moment,
}

impl From<ThingView> for ThingRow {
    fn from(thing: ThingView) -> Self {
        let name = thing.name();
        Self {
            url: thing_url(&name),
            name: name.to_string(),
            title: thing.title,
            changed: thing.as_of.into(),
        }
    }
}

#[derive(Template)]
#[template(path = "console_resources.html")]
struct ConsoleResourcesPage {
    frame: Frame,
    notice: Option<String>,
    /// The type that is shown alone; empty: all.
    kind: String,
    things: Vec<ThingRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

async fn show_things(
    manager: GrantManager,
    access: web::Data<Access>,
    listing: web::Query<Listing>,
) -> Answer {
    let kind = listing.r#type.trim();
    let found = find_things(&access, &manager.reach, kind, &listing.after).await?;
    let frame = manager.frame();
    let first = address("/admin/resources", &[("type", kind)]);
    page(&ConsoleResourcesPage {
        notice: frame.notice("console_resources.notice", listing.notice.as_deref()),
        first_url: Some(first).filter(|_| !listing.after.is_empty()),
        next_url: found
            .next
            .map(|next| address("/admin/resources", &[("type", kind), ("after", &next)])),
        kind: kind.to_owned(),
        things: found.items.into_iter().map(ThingRow::from).collect(),
        frame,
    })
}

async fn find_things(
    access: &Access,
    reach: &Reach,
    kind: &str,
    after: &str,
) -> Result<Page<ThingView>, Problem> {
    let after = Some(after).filter(|after| !after.is_empty());
    let after = after.map(parse_cursor).transpose()?;
    let kind = match kind {
        "" => None,
        kind => match ResourceType::parse(kind) {
            Ok(kind) => {
                reach.require(&kind)?;
                Some(kind)
            }
            // What can be no type has no things.
            Err(_) => {
                let (items, next) = (Vec::new(), None);
                return Ok(Page { items, next });
            }
        },
    };
    let filter = ThingFilter {
        kind,
        after,
        of_types: reach.types(),
    };
    let found = access
        .list_things(filter, Page::<ThingView>::fetch(PAGE))
        .await?;
    let cursor = |thing: &ThingView| format!("{}/{}", thing.kind, thing.id);
    Ok(Page::cut(found, PAGE, cursor))
}

/// The thing that an address or a form names. An id is what it is: one with a space at its end is another's.
fn named(kind: &str, id: &str) -> Result<ResourceName, Problem> {
    ResourceName::parse(kind.trim(), id).map_err(|_| Problem::not_found())
}
