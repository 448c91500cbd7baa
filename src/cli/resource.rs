//! `doorward resource …`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Failure;
use super::output::Output;
use super::role_assignment::{description, title};
use crate::app::App;
use crate::assignments::{
    Expected, NewResource, ResourceFilter, ResourceId, ResourceName, ResourceType, ResourceView,
};
use crate::clients::ActingAs;

#[derive(Debug, Subcommand)]
pub(super) enum Resource {
    /// Register a resource, or replace all its details.
    Put(Put),
    /// Show a resource.
    Show(Name),
    /// List registered resources.
    List {
        /// Only resources of this type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<ResourceType>,
        /// Maximum number of resources.
        #[arg(long, default_value_t = 50)]
        limit: u16,
        /// Continue after the resource with this ID; needs --type.
        #[arg(long, requires = "kind")]
        after: Option<ResourceId>,
    },
    /// Delete the details of a resource. Roles on it are kept.
    Delete {
        #[command(flatten)]
        name: Name,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Name {
    /// Resource type.
    #[arg(value_name = "TYPE")]
    kind: ResourceType,
    /// ID of the resource.
    id: ResourceId,
}

#[derive(Debug, Args)]
pub(super) struct Put {
    #[command(flatten)]
    name: Name,
    /// Title for display.
    #[arg(long)]
    title: Option<String>,
    /// Description for display.
    #[arg(long)]
    description: Option<String>,
    /// Attributes for policies: a JSON object.
    #[arg(long, value_name = "JSON", value_parser = object)]
    attributes: Option<Map<String, Value>>,
}

fn object(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_str(text)
}

impl From<Name> for ResourceName {
    fn from(name: Name) -> Self {
        Self {
            kind: name.kind,
            id: name.id,
        }
    }
}

impl Resource {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Put(command) => {
                let new = NewResource {
                    title: title(command.title)?,
                    description: description(command.description)?,
                    attributes: command.attributes.unwrap_or_default(),
                };
                let name = command.name.into();
                // The policies' schema is needed to check the attributes.
                app.policies.load();
                let put = app.assignments.put_resource(
                    name,
                    new,
                    Expected::Anything,
                    ActingAs::command(),
                );
                show(&put.await?.resource, output);
            }
            Self::Show(name) => show(&app.assignments.read_resource(name.into()).await?, output),
            Self::List { kind, limit, after } => {
                let after = kind
                    .clone()
                    .zip(after)
                    .map(|(kind, id)| ResourceName { kind, id });
                let filter = ResourceFilter {
                    resource_type: kind,
                    after,
                    visible_types: None,
                };
                list(app, filter, limit, output).await?;
            }
            Self::Delete { name, reason } => {
                let deleted =
                    app.assignments
                        .delete_resource(name.into(), None, reason, ActingAs::command());
                output.show(&json!({ "deleted": deleted.await?.name() }), "deleted");
            }
        }
        Ok(())
    }
}

async fn list(
    app: &App,
    filter: ResourceFilter,
    limit: u16,
    output: &Output,
) -> Result<(), Failure> {
    let found = app.assignments.list_resources(filter, usize::from(limit));
    let items = found.await?.items;
    output.list(&items, ["TYPE", "ID", "TITLE", "VERSION"], |resource| {
        [
            resource.kind.to_string(),
            resource.id.to_string(),
            resource.title.clone().unwrap_or_default(),
            resource.version.to_string(),
        ]
    });
    Ok(())
}

fn show(resource: &ResourceView, output: &Output) {
    let text = format!(
        "resource     {}\ntitle        {}\ndescription  {}\nattributes   {}\nversion      {}",
        resource.name(),
        resource.title.as_deref().unwrap_or("-"),
        resource.description.as_deref().unwrap_or("-"),
        Value::Object(resource.attributes.clone()),
        resource.version,
    );
    output.show(resource, &text);
}
