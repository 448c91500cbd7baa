//! `doorward grant …`.

mod import;
mod line;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::access::{
    Description, Grant as Granted, GrantChange, GrantFilter, GrantRoles, ResourceId, ResourceName,
    ResourceType, Terms, TextError, Title, parse_instant,
};
use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::ids::GrantId;
use crate::clients::ActingAs;
use crate::users::RoleName;

#[derive(Debug, Subcommand)]
pub(super) enum Grant {
    /// Give a person roles on a thing.
    Give(Give),
    /// Change a grant.
    Change(Change),
    /// Withdraw a grant: it counts no more from the next question on.
    Withdraw {
        /// The grant's id.
        grant: GrantId,
        /// For the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List grants that count now.
    List(List),
    /// Show one grant.
    Show {
        /// The grant's id.
        grant: GrantId,
    },
    /// Give, change and withdraw many: one JSON object on each line, `{"user", "resource_type", "resource_id", "roles"}` and, if
    /// wanted, `"title"`, `"description"`, `"valid_until"`; with `"roles": []` it is withdrawn. Safe to repeat.
    Import(import::Import),
}

#[derive(Debug, Args)]
pub(super) struct Give {
    /// Id or username.
    user: String,
    /// Of which kind the thing is.
    resource_type: ResourceType,
    /// ID of the resource.
    resource_id: ResourceId,
    /// A role; may be given again.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
    /// For people.
    #[arg(long)]
    title: Option<String>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// From when on it counts no more (RFC 3339).
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    valid_until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct Change {
    /// The grant's id.
    grant: GrantId,
    /// All roles anew: a role; may be given again.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// For people; empty takes it away.
    #[arg(long)]
    title: Option<String>,
    /// For people; empty takes it away.
    #[arg(long)]
    description: Option<String>,
    /// From when on it counts no more (RFC 3339); empty: until it is withdrawn.
    #[arg(long, value_name = "INSTANT")]
    valid_until: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Of this person (id or username).
    #[arg(long)]
    user: Option<String>,
    /// On things of this type.
    #[arg(long)]
    resource_type: Option<ResourceType>,
    /// On the thing of this id.
    #[arg(long, requires = "resource_type")]
    resource_id: Option<ResourceId>,
    /// With this role; without --user or --resource-id all grants are looked at.
    #[arg(long)]
    role: Option<RoleName>,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// Go on after this (the `next` of the list before).
    #[arg(long)]
    after: Option<GrantId>,
}

impl Grant {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Give(command) => command.run(app, output).await,
            Self::Change(command) => command.run(app, output).await,
            Self::Withdraw { grant, reason } => {
                let before = app
                    .access
                    .withdraw(grant, None, reason, ActingAs::command())
                    .await?;
                let document = json!({ "withdrawn": grant, "roles": before.roles });
                let text = match before.roles.as_slice() {
                    [] => "it had been withdrawn already".to_owned(),
                    roles => format!("withdrawn: {}", roles.join(", ")),
                };
                output.show(&document, &text);
                Ok(())
            }
            Self::List(command) => command.run(app, output).await,
            Self::Show { grant } => {
                show(&app.access.read(grant).await?, output);
                Ok(())
            }
            Self::Import(command) => command.run(app, output).await,
        }
    }
}

impl Give {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let user = app.users.resolve(&self.user).await?;
        let resource = ResourceName {
            kind: self.resource_type,
            id: self.resource_id,
        };
        let terms = Terms {
            roles: roles(&self.roles)?,
            title: title(self.title)?,
            description: description(self.description)?,
            valid_until: self.valid_until,
        };
        let given = app.access.give(user, resource, terms, ActingAs::command());
        show(&given.await?, output);
        Ok(())
    }
}

impl Change {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let valid_until = match self.valid_until.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(instant(text).map_err(refused)?)),
        };
        let wanted = GrantChange {
            roles: match self.roles.as_slice() {
                [] => None,
                names => Some(roles(names)?),
            },
            title: self.title.map(|text| title(Some(text))).transpose()?,
            description: self
                .description
                .map(|text| description(Some(text)))
                .transpose()?,
            valid_until,
        };
        let changed = app
            .access
            .change(self.grant, wanted, None, ActingAs::command());
        show(&changed.await?, output);
        Ok(())
    }
}

impl List {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let user = match &self.user {
            Some(name) => Some(app.users.resolve(name).await?),
            None => None,
        };
        let filter = GrantFilter {
            user,
            kind: self.resource_type,
            id: self.resource_id,
            role: self.role,
            after: self.after.map(GrantId::uuid),
            ..GrantFilter::default()
        };
        let page = app
            .access
            .list(filter, usize::from(self.limit.max(1)))
            .await?;
        let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
        let heading = ["ID", "USER", "TYPE", "THING", "ROLES", "VALID UNTIL"];
        output.table(&page, &heading, &rows);
        Ok(())
    }
}

fn row(grant: &Granted) -> Vec<String> {
    let until = grant.valid_until.map(Timestamp::to_rfc3339);
    vec![
        grant.id.to_string(),
        grant.user_id.to_string(),
        grant.resource_type.to_string(),
        grant.resource_id.to_string(),
        grant.roles.join(","),
        until.unwrap_or_default(),
    ]
}

fn show(grant: &Granted, output: &Output) {
    let until = grant.valid_until.map(Timestamp::to_rfc3339);
    let text = format!(
        "id           {}\nuser         {}\nthing        {}\nroles        {}\ntitle        {}\ndescription  {}\nvalid until  {}\nversion      {}",
        grant.id,
        grant.user_id,
        grant.resource(),
        grant.roles.join(","),
        grant.title.as_deref().unwrap_or("-"),
        grant.description.as_deref().unwrap_or("-"),
        until.as_deref().unwrap_or("-"),
        grant.version,
    );
    output.show(grant, &text);
}

fn roles(names: &[RoleName]) -> Result<GrantRoles, Failure> {
    let names: Vec<&str> = names.iter().map(RoleName::as_str).collect();
    GrantRoles::parse(&names).map_err(refused)
}

pub(super) fn title(text: Option<String>) -> Result<Option<Title>, Failure> {
    let title = text.map(|text| Title::parse(&text)).transpose();
    Ok(title.map_err(refused)?.flatten())
}

pub(super) fn description(text: Option<String>) -> Result<Option<Description>, Failure> {
    let description = text.map(|text| Description::parse(&text)).transpose();
    Ok(description.map_err(refused)?.flatten())
}

fn instant(text: &str) -> Result<Timestamp, TextError> {
    parse_instant(text)
}

fn refused(fault: TextError) -> Failure {
    Failure::Refused(fault.to_string())
}
