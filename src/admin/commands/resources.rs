//! Which types of resources an actor may see or change.

use std::collections::BTreeSet;

use crate::assignments::ResourceType;
use crate::users::ManagementRights;

/// The types of resources that an actor may see or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessScope {
    /// All types: an administrator, or a client with the scope.
    All,
    /// The types that the user's roles let them manage.
    Types(BTreeSet<String>),
}

/// The actor may not see or change resources of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resources of this type are not the actor's to manage")]
pub struct NotYourType;

impl AccessScope {
    /// The types that a user manages; `None` for no type.
    pub fn of_rights(rights: &ManagementRights) -> Option<Self> {
        if rights.is_administrator {
            return Some(Self::All);
        }
        let types = &rights.manages_assignments_on;
        (!types.is_empty()).then(|| Self::Types(types.clone()))
    }

    /// Whether resources of this type are in the scope.
    pub fn covers(&self, kind: &ResourceType) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => types.contains(kind.as_str()),
        }
    }

    /// The types in the scope; `None` for all.
    pub fn types(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::Types(types) => Some(types.clone()),
        }
    }

    /// Requires that resources of this type are in the scope.
    pub fn require(&self, kind: &ResourceType) -> Result<(), NotYourType> {
        self.require_of(Some(kind))
    }

    /// As [`AccessScope::require`], for a record that may not exist (`None`): only actors with access to all types learn that.
    pub fn require_of(&self, kind: Option<&ResourceType>) -> Result<(), NotYourType> {
        let is_within = kind.map_or(*self == Self::All, |kind| self.covers(kind));
        is_within.then_some(()).ok_or(NotYourType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_actors_with_access_to_all_types_learn_that_a_record_does_not_exist() {
        let kind = |text| ResourceType::parse(text).expect("a type");
        let (order, invoice) = (kind("order"), kind("invoice"));
        let some = AccessScope::Types(BTreeSet::from(["order".to_owned()]));
        assert!(some.require_of(Some(&order)).is_ok());
        for refused in [Some(&invoice), None] {
            assert!(some.require_of(refused).is_err());
            assert!(AccessScope::All.require_of(refused).is_ok());
        }
    }
}
