//! `doorward role …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::assignments::ResourceType;
use crate::clients::ActingAs;
use crate::users::{self, RoleChange, RoleDescription, RoleName};

#[derive(Debug, Subcommand)]
pub(super) enum Role {
    /// List roles.
    List {
        /// Maximum number of roles.
        #[arg(long, default_value_t = 200)]
        limit: u16,
        /// Continue after this role.
        #[arg(long)]
        after: Option<String>,
    },
    /// Show a role.
    Show {
        /// Name of the role.
        role: String,
    },
    /// Create a role.
    Create {
        /// Name of the role. It can't be changed later.
        role: RoleName,
        #[command(flatten)]
        fields: RoleFields,
    },
    /// Update a role. Each flag replaces the current value.
    Update {
        /// Name of the role.
        role: String,
        #[command(flatten)]
        fields: RoleFields,
    },
    /// Delete a role that is not in use.
    Delete {
        /// Name of the role.
        role: String,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct RoleFields {
    /// Purpose of the role.
    #[arg(long)]
    description: Option<RoleDescription>,
    /// Roles that holders of this role can manage: they manage users who hold only these roles. Separated by commas; empty: none.
    #[arg(long, value_name = "ROLES")]
    manages_roles: Option<String>,
    /// Resource types on which holders of this role can assign roles. Separated by commas; empty: none.
    #[arg(long, value_name = "TYPES")]
    manages_assignments_on: Option<String>,
}

impl RoleFields {
    fn parse(self) -> Result<RoleChange, Failure> {
        let types = self.manages_assignments_on.as_deref().map(split);
        for text in types.iter().flatten() {
            ResourceType::parse(text).map_err(|fault| Failure::Refused(fault.to_string()))?;
        }
        Ok(RoleChange {
            description: self.description,
            manages_roles: self.manages_roles.as_deref().map(split),
            manages_assignments_on: types,
        })
    }
}

/// Splits a list at its commas.
pub(super) fn split(list: &str) -> Vec<String> {
    list.split(',')
        .map(|entry| entry.trim().to_owned())
        .filter(|entry| !entry.is_empty())
        .collect()
}

impl Role {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let acting = ActingAs::command();
        match self {
            Self::List { limit, after } => list(app, after, limit, output).await?,
            Self::Show { role } => show(&app.users.find_role(&role).await?, output),
            Self::Create { role, fields } => {
                let created = app.users.create_role(role, fields.parse()?, acting).await?;
                show(&created, output);
            }
            Self::Update { role, fields } => {
                let updated = app
                    .users
                    .update_role(&role, fields.parse()?, None, acting)
                    .await?;
                show(&updated, output);
            }
            Self::Delete { role, reason } => {
                let deleted = app.users.delete_role(&role, None, reason, acting).await?;
                output.show(&json!({ "deleted": deleted.name }), "deleted");
            }
        }
        Ok(())
    }
}

fn show(role: &users::Role, output: &Output) {
    let text = format!(
        "{}\ndescription        {}\nmanages roles      {}\nassigns roles on   {}\nversion            {}",
        role.name,
        role.description,
        role.manages_roles.join(","),
        role.manages_assignments_on.join(","),
        role.version,
    );
    output.show(role, &text);
}

async fn list(
    app: &App,
    after: Option<String>,
    limit: u16,
    output: &Output,
) -> Result<(), Failure> {
    let items = app.users.list_roles(after, usize::from(limit)).await?.items;
    let heading = ["NAME", "MANAGES ROLES", "ASSIGNS ROLES ON", "DESCRIPTION"];
    output.list(&items, heading, |role| {
        [
            role.name.clone(),
            role.manages_roles.join(","),
            role.manages_assignments_on.join(","),
            role.description.clone(),
        ]
    });
    Ok(())
}
