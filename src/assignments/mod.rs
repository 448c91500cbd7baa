//! Role assignments on single resources, and the registry of resources: the facts on which access decisions depend.
//!
//! A role that is assigned or deleted counts from the next decision on, on every instance. Facts that can't be determined are
//! errors, never the absence of a fact.
//!
//! The public type is [`Assignments`]. This module owns the tables `role_assignments` and `resources` and the keys
//! `held-roles:{user}:…` and `resource:{name}`.

mod assign;
mod assignment;
mod assignment_permission;
mod attribute_rules;
mod delete;
mod held_roles;
mod import;
mod list;
mod queries;
mod register;
mod resource;
mod resource_name;
mod text;
mod update;
mod user_roles;

use std::sync::Arc;

use crate::account_state::{AccountStates, VersionedCache};
use crate::base::clock::Clock;
use crate::base::ids::ResourceKey;
use crate::db::Database;
use crate::ephemeral::Ephemeral;

pub use assignment::{RoleAssignment, RoleAssignmentError, RoleAssignmentTerms};
pub use attribute_rules::{AttributeFault, AttributeRules};
pub use held_roles::HeldRoles;
pub use import::{ImportError, ImportLine, Imported, LineFault};
pub use list::RoleAssignmentFilter;
pub use queries::{Candidate, has_any_assignment, list_held_by, list_held_only, list_registered};
pub use register::{Expected, NewResource, Put, ResourceError, ResourceFilter};
pub use resource::{Resource, ResourceView, attributes_of};
pub use resource_name::{ResourceId, ResourceName, ResourceType};
pub use text::{AssignedRoles, Description, Title, parse_instant};
pub use update::RoleAssignmentChange;
pub use user_roles::{UserRoles, UserRolesError, UserRolesQuery};

/// Role assignments and resources, in the database and as cached copies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Assignments {
    pub(crate) database: Database,
    pub(crate) ephemeral: Ephemeral,
    pub(crate) account_states: AccountStates,
    pub(crate) clock: Clock,
    pub(crate) resources: VersionedCache<ResourceKey>,
    /// Checks the attributes of new resources.
    pub(crate) attribute_rules: Arc<dyn AttributeRules>,
    /// Part of the cache keys of resources, because another installation that shares the ephemeral store may use the same names.
    pub(crate) installation: Arc<str>,
}
