//! The rules for a resource's attributes, which the policies and their schema define.

use std::fmt;

use serde_json::{Map, Value};

use super::ResourceName;

/// Why a resource can't have these attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeFault {
    /// Policies can't read a value, so that every decision about the resource would be a denial.
    Unreadable,
    /// The schema declares other attributes for resources of this type: the first difference.
    NotInSchema(String),
}

/// Checks the attributes of a resource before it is registered. Implemented by the policies; an interface, because this module
/// is in a lower layer.
pub trait AttributeRules: fmt::Debug + Send + Sync {
    /// Whether policies can read these attributes, and the schema in force, if there is one, allows them.
    ///
    /// # Errors
    /// The first attribute that doesn't conform.
    fn check_attributes(
        &self,
        name: &ResourceName,
        attributes: &Map<String, Value>,
    ) -> Result<(), AttributeFault>;
}
