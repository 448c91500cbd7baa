//! What is sent about grants.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{
    Description, GrantChange, GrantRoles, ResourceId, ResourceName, ResourceType, Terms, Title,
    parse_instant,
};
use crate::base::clock::Timestamp;
use crate::web::{Problem, given};

/// Roles for a person on a thing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveGrant {
    /// Id or username.
    user: String,
    /// Of which kind the thing is: a name as policies write it, `order` or `Shop::order`.
    resource_type: String,
    /// Which: 1 to 256 characters.
    resource_id: String,
    /// 1 to 64 names; the registry need not know them.
    roles: Vec<String>,
    /// At most 200 characters.
    title: Option<String>,
    /// At most 2000 characters.
    description: Option<String>,
    /// From when on it counts no more.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
}

impl GiveGrant {
    pub(super) fn parse(self) -> Result<(String, ResourceName, Terms), Problem> {
        let kind = ResourceType::parse(&self.resource_type);
        let kind = kind.map_err(|fault| Problem::invalid_field("resource_type", fault))?;
        let id = ResourceId::parse(&self.resource_id);
        let id = id.map_err(|fault| Problem::invalid_field("resource_id", fault))?;
        let terms = Terms {
            roles: roles(&self.roles)?,
            title: title(self.title)?,
            description: description(self.description)?,
            valid_until: valid_until(self.valid_until)?,
        };
        Ok((self.user, ResourceName { kind, id }, terms))
    }
}

fn roles(names: &[String]) -> Result<GrantRoles, Problem> {
    GrantRoles::parse(names).map_err(|fault| Problem::invalid_field("roles", fault))
}

pub(in crate::admin::http) fn title(text: Option<String>) -> Result<Option<Title>, Problem> {
    let title = text.map(|text| Title::parse(&text)).transpose();
    let title = title.map_err(|fault| Problem::invalid_field("title", fault))?;
    Ok(title.flatten())
}

pub(in crate::admin::http) fn description(
    text: Option<String>,
) -> Result<Option<Description>, Problem> {
    let description = text.map(|text| Description::parse(&text)).transpose();
    let description = description.map_err(|fault| Problem::invalid_field("description", fault))?;
    Ok(description.flatten())
}

fn valid_until(text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let until = text.map(|text| parse_instant(&text)).transpose();
    until.map_err(|fault| Problem::invalid_field("valid_until", fault))
}

/// What to change about a grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeGrant {
    /// All roles anew: 1 to 64 names.
    roles: Option<Vec<String>>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    title: Option<Option<String>>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// `null`: until it is withdrawn.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Option<String>>,
}

impl ChangeGrant {
    pub(super) fn parse(self) -> Result<GrantChange, Problem> {
        Ok(GrantChange {
            roles: self.roles.map(|names| roles(&names)).transpose()?,
            title: self.title.map(title).transpose()?,
            description: self.description.map(description).transpose()?,
            valid_until: self.valid_until.map(valid_until).transpose()?,
        })
    }
}
