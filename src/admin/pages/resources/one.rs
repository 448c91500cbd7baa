//! `/admin/resources/detail?type=&id=`: shows and changes one resource. `/admin/role-assignments?type=&id=&user=`: redirects to the form
//! that assigns roles on it.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use serde_json::Map;

use super::named;
use crate::admin::http::role_assignments::parse_cursor;
use crate::admin::pages::confirm::one_line;
use crate::admin::pages::holder::assignments_url;
use crate::admin::pages::role_assignments::{PAGE, RoleAssignmentRow, resource_url, wrong};
use crate::admin::pages::visitor::RoleAssignmentManager;
use crate::admin::pages::{Pager, address, given};
use crate::assignments::{
    Description, Expected, NewResource, ResourceError, ResourceName, ResourceView, RoleAssignment,
    RoleAssignmentFilter, Title,
};
use crate::users::LookupError;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, cursor, page, page_with_status, parse_object,
    redirect, rendered_version,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Listing {
    r#type: String,
    id: String,
    after: String,
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
pub(in crate::admin::pages) struct ResourceForm {
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

impl ResourceForm {
    fn of(name: &ResourceName, resource: Option<&ResourceView>) -> Self {
        let attributes = resource.filter(|resource| !resource.attributes.is_empty());
        let attributes =
            attributes.map(|resource| serde_json::to_string_pretty(&resource.attributes));
        let text = |text: Option<&Option<String>>| text.cloned().flatten().unwrap_or_default();
        Self {
            kind: name.kind.to_string(),
            id: name.id.to_string(),
            title: text(resource.map(|resource| &resource.title)),
            description: text(resource.map(|resource| &resource.description)),
            attributes: attributes.and_then(Result::ok).unwrap_or_default(),
            version: resource.map_or_else(String::new, |resource| resource.version.to_string()),
        }
    }

    fn parse(&self) -> Result<NewResource, &'static str> {
        let attributes = match self.attributes.trim() {
            "" => Map::new(),
            text => parse_object(text).ok_or("attributes")?,
        };
        Ok(NewResource {
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
#[template(path = "admin_resource.html")]
struct AdminResourcePage {
    frame: Frame,
    name: ResourceName,
    /// `None` if the resource is not registered.
    resource: Option<ResourceView>,
    delete_url: String,
    form: ResourceForm,
    problem: Option<FieldProblem>,
    /// The submitted ID or username, if no user has it.
    unknown_user: Option<String>,
    assignments: Vec<RoleAssignmentRow>,
    /// Text key of the first column's heading.
    assignments_of: &'static str,
    pages: Pager,
}

impl AdminResourcePage {
    async fn of(
        manager: &RoleAssignmentManager,
        name: &ResourceName,
        after: &str,
    ) -> Result<Self, Problem> {
        let resource = match manager.assignments.read_resource(name.clone()).await {
            Ok(resource) => Some(resource),
            Err(ResourceError::Unknown) => None,
            Err(error) => return Err(error.into()),
        };
        let filter = RoleAssignmentFilter {
            after: cursor(given(after), parse_cursor)?,
            ..RoleAssignmentFilter::on(name.clone())
        };
        let found = manager.assignments.list(filter, PAGE).await?;
        let holders = found.items.iter().map(|assignment| assignment.user_id);
        let users = manager.list_known(holders.collect()).await?;
        let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
        let next = found.next.as_deref();
        let row = |assignment: RoleAssignment| {
            let holder = manager.holder(assignment.user_id, &users);
            RoleAssignmentRow::on_resource(assignment, holder)
        };
        Ok(Self {
            pages: Pager::new("/admin/resources/detail", &names, after, next),
            name: name.clone(),
            delete_url: address("/admin/resources/delete", &names),
            form: ResourceForm::of(name, resource.as_ref()),
            resource,
            problem: None,
            unknown_user: None,
            assignments_of: "admin_role_assignments.user",
            assignments: found.items.into_iter().map(row).collect(),
            frame: manager.frame(),
        })
    }
}

pub(in crate::admin::pages) async fn show(
    manager: RoleAssignmentManager,
    listing: web::Query<Listing>,
) -> Answer {
    let name = named(&manager, &listing.r#type, &listing.id)?;
    page(&AdminResourcePage::of(&manager, &name, &listing.after).await?)
}

pub(in crate::admin::pages) async fn save(
    manager: RoleAssignmentManager,
    form: web::Form<ResourceForm>,
) -> Answer {
    let form = form.into_inner();
    let name = named(&manager, &form.kind, &form.id)?;
    let expected = form.expected()?;
    let frame = manager.frame();
    let problem = match form.parse() {
        Err(field) => wrong(&frame, field),
        Ok(new) => {
            let Ok(permit) = manager.permit() else {
                let resource = name.to_string();
                let values = [("resource", resource.as_str())];
                return StepUpPage::show(frame, "put_resource", &values, resource_url(&name));
            };
            let assignments = &manager.assignments;
            let put = assignments.put_resource(name.clone(), new, expected, permit.acting);
            match put.await {
                Ok(_) => {
                    let url = resource_url(&name);
                    return Ok(redirect(&format!("{url}&notice=saved")));
                }
                Err(ResourceError::Attributes) => wrong(&frame, "attributes"),
                // Schema errors are in English, and are not translated.
                Err(ResourceError::NotInSchema(reason)) => FieldProblem::new("attributes", &reason),
                Err(
                    ResourceError::Exists(_)
                    | ResourceError::VersionMismatch(_)
                    | ResourceError::Overtaken
                    | ResourceError::Unknown,
                ) => {
                    // The typed values would undo the other user's change, so the form shows the current ones.
                    let sentence = frame.text("admin_role_assignment.changed_meanwhile");
                    let template = AdminResourcePage {
                        problem: Some(FieldProblem::new("", sentence)),
                        ..AdminResourcePage::of(&manager, &name, "").await?
                    };
                    return page_with_status(StatusCode::CONFLICT, &template);
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let template = AdminResourcePage {
        form,
        problem: Some(problem),
        ..AdminResourcePage::of(&manager, &name, "").await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

/// Redirects to the form that assigns a user roles on the resource.
pub(in crate::admin::pages) async fn choose_holder(
    manager: RoleAssignmentManager,
    recipient: web::Query<Recipient>,
) -> Answer {
    let name = named(&manager, &recipient.r#type, &recipient.id)?;
    match manager.users.resolve(recipient.user.trim()).await {
        Ok(user) => {
            let names = [("type", name.kind.as_str()), ("id", name.id.as_str())];
            Ok(redirect(&address(&assignments_url(user), &names)))
        }
        Err(LookupError::Unknown) => {
            let template = AdminResourcePage {
                unknown_user: Some(recipient.user.clone()),
                ..AdminResourcePage::of(&manager, &name, "").await?
            };
            page_with_status(StatusCode::BAD_REQUEST, &template)
        }
        Err(error) => Err(error.into()),
    }
}
