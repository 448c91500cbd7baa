//! `doorward resource …`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Failure;
use super::grant::{description, title};
use super::output::Output;
use crate::access::{
    Expected, NewThing, ResourceId, ResourceName, ResourceType, ThingFilter, ThingView,
};
use crate::app::App;
use crate::clients::ActingAs;

#[derive(Debug, Subcommand)]
pub(super) enum Resource {
    /// Register a thing, or change it: all that is known of it anew.
    Put(Put),
    /// Show what is known of a thing.
    Show(Name),
    /// List registered things.
    List {
        /// Of this type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<ResourceType>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u16,
        /// Go on after the thing of this id; needs --type.
        #[arg(long, requires = "kind")]
        after: Option<ResourceId>,
    },
    /// Forget what is known of a thing. Grants on it stand.
    Delete {
        #[command(flatten)]
        name: Name,
        /// For the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Name {
    /// Of which kind.
    #[arg(value_name = "TYPE")]
    kind: ResourceType,
    /// ID of the resource.
    id: ResourceId,
}

#[derive(Debug, Args)]
pub(super) struct Put {
    #[command(flatten)]
    name: Name,
    /// For people.
    #[arg(long)]
    title: Option<String>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// For policies: a JSON object.
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
                let new = NewThing {
                    title: title(command.title)?,
                    description: description(command.description)?,
                    attributes: command.attributes.unwrap_or_default(),
                };
                let name = command.name.into();
                // They hold attributes to their schema.
                app.access.policies().load();
                let put = app
                    .access
                    .put_thing(name, new, Expected::Anything, ActingAs::command());
                show(&put.await?.thing, output);
            }
            Self::Show(name) => show(&app.access.read_thing_view(name.into()).await?, output),
            Self::List { kind, limit, after } => {
                let after = kind
                    .clone()
                    .zip(after)
                    .map(|(kind, id)| ResourceName { kind, id });
                let filter = ThingFilter {
                    kind,
                    after,
                    of_types: None,
                };
                list(app, filter, limit, output).await?;
            }
            Self::Delete { name, reason } => {
                let deleted =
                    app.access
                        .delete_thing(name.into(), None, reason, ActingAs::command());
                output.show(&json!({ "deleted": deleted.await?.name() }), "deleted");
            }
        }
        Ok(())
    }
}

async fn list(app: &App, filter: ThingFilter, limit: u16, output: &Output) -> Result<(), Failure> {
    let items = app.access.list_things(filter, i64::from(limit)).await?;
    let row = |thing: &ThingView| {
        vec![
            thing.kind.to_string(),
            thing.id.to_string(),
            thing.title.clone().unwrap_or_default(),
            thing.version.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let heading = ["TYPE", "ID", "TITLE", "VERSION"];
    output.table(&json!({ "items": items }), &heading, &rows);
    Ok(())
}

fn show(thing: &ThingView, output: &Output) {
    let text = format!(
        "thing        {}\ntitle        {}\ndescription  {}\nattributes   {}\nversion      {}",
        thing.name(),
        thing.title.as_deref().unwrap_or("-"),
        thing.description.as_deref().unwrap_or("-"),
        Value::Object(thing.attributes.clone()),
        thing.version,
    );
    output.show(thing, &text);
}
