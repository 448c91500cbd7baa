//! `doorward role-assignment …`.

mod import;
mod line;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::assignments::{
    AssignedRoles, Description, ResourceId, ResourceName, ResourceType,
    RoleAssignment as Assignment, RoleAssignmentChange, RoleAssignmentFilter, RoleAssignmentTerms,
    Title, parse_instant,
};
use crate::base::clock::Timestamp;
use crate::base::ids::RoleAssignmentId;
use crate::base::text_type::TextError;
use crate::clients::ActingAs;
use crate::users::RoleName;

#[derive(Debug, Subcommand)]
pub(super) enum RoleAssignment {
    /// Assign a user roles on a resource.
    Create(Create),
    /// Update a role assignment.
    Update(Update),
    /// Delete a role assignment, effective from the next request.
    Delete {
        /// ID of the role assignment.
        assignment: RoleAssignmentId,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List current role assignments.
    List(List),
    /// Show a role assignment.
    Show {
        /// ID of the role assignment.
        assignment: RoleAssignmentId,
    },
    /// Import role assignments: one JSON object per line, `{"user", "resource_type", "resource_id", "roles"}` and optionally
    /// `"title"`, `"description"`, `"valid_until"`. An empty `"roles"` deletes the assignment. Safe to repeat.
    Import(import::Import),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// ID or username.
    user: String,
    /// Resource type.
    resource_type: ResourceType,
    /// ID of the resource.
    resource_id: ResourceId,
    /// A role to assign; repeatable.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
    /// Title for display.
    #[arg(long)]
    title: Option<String>,
    /// Description for display.
    #[arg(long)]
    description: Option<String>,
    /// When the assignment expires (RFC 3339). Default: never.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    valid_until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// ID of the role assignment.
    assignment: RoleAssignmentId,
    /// A role; repeatable. Replaces all roles of the assignment.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// Title for display; an empty value removes it.
    #[arg(long)]
    title: Option<String>,
    /// Description for display; an empty value removes it.
    #[arg(long)]
    description: Option<String>,
    /// When the assignment expires (RFC 3339); an empty value removes the expiry.
    #[arg(long, value_name = "INSTANT")]
    valid_until: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only assignments of this user (ID or username).
    #[arg(long)]
    user: Option<String>,
    /// Only on resources of this type.
    #[arg(long)]
    resource_type: Option<ResourceType>,
    /// Only on the resource with this ID.
    #[arg(long, requires = "resource_type")]
    resource_id: Option<ResourceId>,
    /// Only with this role. Slow without --user or --resource-id: reads all assignments.
    #[arg(long)]
    role: Option<RoleName>,
    /// Maximum number of assignments.
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// Continue after this assignment (`next` of the previous page).
    #[arg(long)]
    after: Option<RoleAssignmentId>,
}

impl RoleAssignment {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run(app, output).await,
            Self::Update(command) => command.run(app, output).await,
            Self::Delete { assignment, reason } => {
                let acting = ActingAs::command();
                let before = app.assignments.delete(assignment, None, reason, acting);
                let roles = before.await?.roles;
                let document = json!({ "deleted": assignment, "roles": roles });
                let text = match roles.as_slice() {
                    [] => "already deleted".to_owned(),
                    roles => format!("deleted: {}", roles.join(", ")),
                };
                output.show(&document, &text);
                Ok(())
            }
            Self::List(command) => command.run(app, output).await,
            Self::Show { assignment } => {
                show(&app.assignments.read(assignment).await?, output);
                Ok(())
            }
            Self::Import(command) => command.run(app, output).await,
        }
    }
}

impl Create {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let user = app.users.resolve(&self.user).await?;
        let resource = ResourceName {
            kind: self.resource_type,
            id: self.resource_id,
        };
        let terms = RoleAssignmentTerms {
            roles: roles(&self.roles)?,
            title: title(self.title)?,
            description: description(self.description)?,
            valid_until: self.valid_until,
        };
        let acting = ActingAs::command();
        let assigned = app.assignments.assign(user, resource, terms, acting);
        show(&assigned.await?, output);
        Ok(())
    }
}

impl Update {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let valid_until = match self.valid_until.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(parse_instant(text).map_err(refused)?)),
        };
        let change = RoleAssignmentChange {
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
        let acting = ActingAs::command();
        let updated = app
            .assignments
            .update(self.assignment, change, None, acting);
        show(&updated.await?, output);
        Ok(())
    }
}

impl List {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let user = match &self.user {
            Some(name) => Some(app.users.resolve(name).await?),
            None => None,
        };
        let filter = RoleAssignmentFilter {
            user,
            resource_type: self.resource_type,
            resource_id: self.resource_id,
            role: self.role,
            after: self.after.map(RoleAssignmentId::uuid),
            ..RoleAssignmentFilter::default()
        };
        let page = app
            .assignments
            .list(filter, usize::from(self.limit.max(1)))
            .await?;
        let rows: Vec<[String; 6]> = page.items.iter().map(row).collect();
        let heading = ["ID", "USER", "TYPE", "RESOURCE", "ROLES", "VALID UNTIL"];
        output.table(&page, heading, &rows);
        Ok(())
    }
}

fn row(assignment: &Assignment) -> [String; 6] {
    let until = assignment.valid_until.map(Timestamp::to_rfc3339);
    [
        assignment.id.to_string(),
        assignment.user_id.to_string(),
        assignment.resource_type.to_string(),
        assignment.resource_id.to_string(),
        assignment.roles.join(","),
        until.unwrap_or_default(),
    ]
}

fn show(assignment: &Assignment, output: &Output) {
    let until = assignment.valid_until.map(Timestamp::to_rfc3339);
    let text = format!(
        "id           {}\nuser         {}\nresource     {}\nroles        {}\ntitle        {}\ndescription  {}\nvalid until  {}\nversion      {}",
        assignment.id,
        assignment.user_id,
        assignment.resource(),
        assignment.roles.join(","),
        assignment.title.as_deref().unwrap_or("-"),
        assignment.description.as_deref().unwrap_or("-"),
        until.as_deref().unwrap_or("-"),
        assignment.version,
    );
    output.show(assignment, &text);
}

fn roles(names: &[RoleName]) -> Result<AssignedRoles, Failure> {
    let names: Vec<&str> = names.iter().map(RoleName::as_str).collect();
    AssignedRoles::parse(&names).map_err(refused)
}

pub(super) fn title(text: Option<String>) -> Result<Option<Title>, Failure> {
    let title = text.map(|text| Title::parse(&text)).transpose();
    Ok(title.map_err(refused)?.flatten())
}

pub(super) fn description(text: Option<String>) -> Result<Option<Description>, Failure> {
    let description = text.map(|text| Description::parse(&text)).transpose();
    Ok(description.map_err(refused)?.flatten())
}

fn refused(fault: TextError) -> Failure {
    Failure::Refused(fault.to_string())
}
