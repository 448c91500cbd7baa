//! `/admin/resources`: the registered resources, and who holds roles on them.

pub(super) mod delete;
pub(super) mod one;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::role_assignments::{PAGE, resource_url};
use super::visitor::RoleAssignmentManager;
use super::{Pager, given};
use crate::assignments::{ResourceFilter, ResourceName, ResourceType, ResourceView};
use crate::web::{Answer, Frame, Page, Problem, cursor, page};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    r#type: String,
    after: String,
}

#[derive(Template)]
#[template(path = "admin_resources.html")]
struct AdminResourcesPage {
    frame: Frame,
    /// Only resources of this type; empty for all.
    kind: String,
    resources: Vec<ResourceView>,
    pages: Pager,
}

pub(super) async fn show_resources(
    manager: RoleAssignmentManager,
    listing: web::Query<Listing>,
) -> Answer {
    let kind = listing.r#type.trim();
    let found = find_resources(&manager, kind, &listing.after).await?;
    let (filter, next) = ([("type", kind)], found.next.as_deref());
    page(&AdminResourcesPage {
        frame: manager.frame(),
        pages: Pager::new("/admin/resources", &filter, &listing.after, next),
        kind: kind.to_owned(),
        resources: found.items,
    })
}

async fn find_resources(
    manager: &RoleAssignmentManager,
    kind: &str,
    after: &str,
) -> Result<Page<ResourceView>, Problem> {
    let after = cursor(given(after), ResourceName::parse_cursor)?;
    let access = manager.type_access();
    // No resource has an invalid type.
    let Ok(resource_type) = given(kind).map(ResourceType::parse).transpose() else {
        let (items, next) = (Vec::new(), None);
        return Ok(Page { items, next });
    };
    if let Some(resource_type) = &resource_type {
        access.require(resource_type)?;
    }
    let filter = ResourceFilter {
        resource_type,
        after,
        visible_types: access.types(),
    };
    Ok(manager.assignments.list_resources(filter, PAGE).await?)
}

/// The resource that a URL or form names, if the visitor manages its type. The ID is not trimmed: with a space at its end it is
/// the ID of another resource.
fn named(manager: &RoleAssignmentManager, kind: &str, id: &str) -> Result<ResourceName, Problem> {
    let name = ResourceName::parse(kind.trim(), id).map_err(|_| Problem::not_found())?;
    manager.type_access().require(&name.kind)?;
    Ok(name)
}
