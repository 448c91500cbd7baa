//! `/admin/resources`: the registered resources, and who holds roles on them.

pub(super) mod forget;
pub(super) mod thing;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::grants::{PAGE, thing_url};
use super::visitor::GrantManager;
use super::{given, pager};
use crate::access::{ResourceName, ResourceType, ThingFilter, ThingView};
use crate::admin::http::resource_path::{cursor_of, parse_cursor};
use crate::web::{Answer, Frame, Moment, Page, Problem, cursor, page};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    r#type: String,
    after: String,
    notice: Option<String>,
}

/// A resource as a row of the list.
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
    /// Only resources of this type; empty for all.
    kind: String,
    things: Vec<ThingRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

pub(super) async fn show_things(manager: GrantManager, listing: web::Query<Listing>) -> Answer {
    let kind = listing.r#type.trim();
    let found = find_things(&manager, kind, &listing.after).await?;
    let frame = manager.frame();
    let (first_url, next_url) = pager(
        "/admin/resources",
        &[("type", kind)],
        &listing.after,
        found.next.as_deref(),
    );
    page(&ConsoleResourcesPage {
        notice: frame.notice("console_resources.notice", listing.notice.as_deref()),
        first_url,
        next_url,
        kind: kind.to_owned(),
        things: found.items.into_iter().map(ThingRow::from).collect(),
        frame,
    })
}

async fn find_things(
    manager: &GrantManager,
    kind: &str,
    after: &str,
) -> Result<Page<ThingView>, Problem> {
    let after = cursor(given(after), parse_cursor)?;
    let scope = manager.scope();
    // No resource has an invalid type.
    let Ok(kind) = given(kind).map(ResourceType::parse).transpose() else {
        let (items, next) = (Vec::new(), None);
        return Ok(Page { items, next });
    };
    if let Some(kind) = &kind {
        scope.require(kind)?;
    }
    let filter = ThingFilter {
        kind,
        after,
        of_types: scope.types(),
    };
    let fetch = Page::<ThingView>::fetch(PAGE);
    let found = manager.access.list_things(filter, fetch).await?;
    Ok(Page::cut(found, PAGE, |thing| cursor_of(&thing.name())))
}

/// The resource that a URL or form names, if the visitor manages its type. The ID is not trimmed: with a space at its end it is
/// the ID of another resource.
fn named(manager: &GrantManager, kind: &str, id: &str) -> Result<ResourceName, Problem> {
    let name = ResourceName::parse(kind.trim(), id).map_err(|_| Problem::not_found())?;
    manager.scope().require(&name.kind)?;
    Ok(name)
}
