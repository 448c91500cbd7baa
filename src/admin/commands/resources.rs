//! Which types of resources an actor may see or change.

use std::collections::BTreeSet;

use crate::assignments::ResourceType;
use crate::users::ManagementRights;

/// The types of resources that an actor may see or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeAccess {
    /// All types: an administrator, or a client with the scope.
    All,
    /// The types that the user's roles let them manage.
    Types(BTreeSet<String>),
}

/// The actor may not see or change resources of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actor may not manage resources of this type")]
pub struct TypeNotManaged;

impl TypeAccess {
    /// The types that a user manages; `None` for no type.
    pub fn of_rights(rights: &ManagementRights) -> Option<Self> {
        if rights.is_administrator {
            return Some(Self::All);
        }
        let types = &rights.manages_assignments_on;
        (!types.is_empty()).then(|| Self::Types(types.clone()))
    }

    /// Whether resources of this type are covered.
    pub fn covers(&self, resource_type: &ResourceType) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => types.contains(resource_type.as_str()),
        }
    }

    /// The types that are covered; `None` for all.
    pub fn types(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::Types(types) => Some(types.clone()),
        }
    }

    /// Requires that resources of this type are covered.
    pub fn require(&self, resource_type: &ResourceType) -> Result<(), TypeNotManaged> {
        self.require_of(Some(resource_type))
    }

    /// As [`TypeAccess::require`], for a record that may not exist (`None`): only actors with access to all types learn that.
    pub fn require_of(&self, resource_type: Option<&ResourceType>) -> Result<(), TypeNotManaged> {
        let is_covered = resource_type.map_or(*self == Self::All, |known| self.covers(known));
        is_covered.then_some(()).ok_or(TypeNotManaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_actors_with_access_to_all_types_learn_that_a_record_does_not_exist() {
        let kind = |text| ResourceType::parse(text).expect("a type");
        let (order, invoice) = (kind("order"), kind("invoice"));
        let some = TypeAccess::Types(BTreeSet::from(["order".to_owned()]));
        assert!(some.require_of(Some(&order)).is_ok());
        for refused in [Some(&invoice), None] {
            assert!(some.require_of(refused).is_err());
            assert!(TypeAccess::All.require_of(refused).is_ok());
        }
    }
}
