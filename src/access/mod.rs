//! Access decisions: role assignments on single resources, the resource registry, and the policies that decide.
//!
//! A role that is assigned or withdrawn counts from the next decision on, on every instance. Facts that can't be determined never
//! lead to a permission. Properties claimed by callers are never mixed with stored facts.
//!
//! The public type is [`Access`]. This module owns the tables `grants` and `resources` and the keys `held-roles:{user}:…`,
//! `resource:{name}`, `forward-auth-request:…`, `forward-auth-code:…`.

mod access_request;
mod assign;
mod assignment;
pub mod authzen;
mod cases;
mod change;
mod decide;
pub mod forward_auth;
mod held_roles;
pub mod http;
mod import;
mod list;
pub(crate) mod policies;
mod queries;
mod register;
mod resource;
mod resource_name;
mod right;
pub mod routes;
mod text;
mod user_roles;
mod withdraw;

use std::sync::Arc;

use crate::account_state::{AccountStates, VersionedCache};
use crate::base::clock::Clock;
use crate::base::ids::ResourceKey;
use crate::db::Database;
use crate::ephemeral::Ephemeral;

pub use access_request::{
    AccessRequest, Auth, Claimed, Decision, PrefetchedFacts, StepUpRequirement, Subject, is_action,
};
pub use assignment::{RoleAssignment, RoleAssignmentError, RoleAssignmentTerms};
pub use cases::{Cases, CasesError, Outcome};
pub use change::RoleAssignmentChange;
pub use held_roles::HeldRoles;
pub use import::{ImportError, ImportLine, Imported, LineFault};
pub use list::RoleAssignmentFilter;
pub use policies::{BASE_SCHEMA, Loaded, Policies, PolicyFault, check as check_policies};
pub use queries::has_any_assignment;
pub use register::{Expected, NewResource, Put, ResourceError, ResourceFilter};
pub use resource::{Resource, ResourceView};
pub use resource_name::{ResourceId, ResourceName, ResourceNameError, ResourceType};
pub use text::{AssignedRoles, Description, TextError, Title, parse_instant};
pub use user_roles::{UserRoles, UserRolesError, UserRolesQuery};

/// The dependencies of the access module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    database: Database,
    ephemeral: Ephemeral,
    account_states: AccountStates,
    clock: Clock,
    resources: VersionedCache<ResourceKey>,
    policies: Policies,
    installation: Arc<str>,
}

impl Access {
    /// Uses both stores and the policies of this process. Cache keys of resources contain `installation`, because another
    /// installation that shares the ephemeral store may use the same resource names.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        account_states: AccountStates,
        clock: Clock,
        policies: Policies,
        installation: &str,
    ) -> Self {
        Self {
            policies,
            installation: installation.into(),
            database,
            account_states,
            clock,
            resources: VersionedCache::new(ephemeral.clone()),
            ephemeral,
        }
    }

    /// The policies in force in this process.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
