//! Request bodies of `/v1/role-assignments`.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::assignments::{
    AssignedRoles, Description, ResourceId, ResourceName, ResourceType, RoleAssignmentChange,
    RoleAssignmentTerms, Title, parse_instant,
};
use crate::base::clock::Timestamp;
use crate::web::{Problem, explicit_null, field};

/// A new role assignment: roles of a user on a resource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoleAssignment {
    /// ID or username of the user.
    user: String,
    /// Resource type, as in policies: `order` or `Shop::order`.
    resource_type: String,
    /// Resource ID: 1 to 256 characters.
    resource_id: String,
    /// Names of the roles: 1 to 64. They need not be registered.
    roles: Vec<String>,
    /// Title for display; at most 200 characters.
    title: Option<String>,
    /// Description for display; at most 2000 characters.
    description: Option<String>,
    /// Expiry time (RFC 3339). Default: the assignment does not expire.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
}

impl CreateRoleAssignment {
    pub(super) fn parse(self) -> Result<(String, ResourceName, RoleAssignmentTerms), Problem> {
        let kind = ResourceType::parse(&self.resource_type);
        let kind = kind.map_err(|fault| Problem::invalid_field("resource_type", fault))?;
        let id = ResourceId::parse(&self.resource_id);
        let id = id.map_err(|fault| Problem::invalid_field("resource_id", fault))?;
        let terms = RoleAssignmentTerms {
            roles: roles(&self.roles)?,
            title: title(self.title.as_deref())?,
            description: description(self.description.as_deref())?,
            valid_until: valid_until(self.valid_until.as_deref())?,
        };
        Ok((self.user, ResourceName { kind, id }, terms))
    }
}

fn roles(names: &[String]) -> Result<AssignedRoles, Problem> {
    AssignedRoles::parse(names).map_err(|fault| Problem::invalid_field("roles", fault))
}

pub(in crate::admin::http) fn title(text: Option<&str>) -> Result<Option<Title>, Problem> {
    Ok(field("title", text, Title::parse)?.flatten())
}

pub(in crate::admin::http) fn description(
    text: Option<&str>,
) -> Result<Option<Description>, Problem> {
    Ok(field("description", text, Description::parse)?.flatten())
}

fn valid_until(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    field("valid_until", text, parse_instant)
}

/// Changes to a role assignment. Omitted members are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRoleAssignment {
    /// Replaces all roles: 1 to 64 names.
    roles: Option<Vec<String>>,
    /// Title for display; `null` removes it.
    #[serde(default, deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    title: Option<Option<String>>,
    /// Description for display; `null` removes it.
    #[serde(default, deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Expiry time (RFC 3339); `null`: the assignment does not expire.
    #[serde(default, deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Option<String>>,
}

impl UpdateRoleAssignment {
    pub(super) fn parse(self) -> Result<RoleAssignmentChange, Problem> {
        Ok(RoleAssignmentChange {
            roles: self.roles.map(|names| roles(&names)).transpose()?,
            title: self.title.map(|text| title(text.as_deref())).transpose()?,
            description: self
                .description
                .map(|text| description(text.as_deref()))
                .transpose()?,
            valid_until: self
                .valid_until
                .map(|text| valid_until(text.as_deref()))
                .transpose()?,
        })
    }
}
