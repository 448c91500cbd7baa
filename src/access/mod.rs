//! Access decisions: role assignments on single resources, the resource registry, and the policies that decide.
//!
//! A role that is assigned or withdrawn counts from the next decision on, on every instance. Facts that can't be determined never
//! lead to a permission. Properties claimed by callers are never mixed with stored facts.
//!
//! The public type is [`Access`]. This module owns the tables `grants` and `resources` and the keys `grants:{user}:…`,
//! `resource:{thing}`, `door-request:…`, `door-ticket:…`.

pub mod authzen;
mod cases;
mod change;
mod decide;
pub mod forward_auth;
mod give;
mod grant;
mod held;
pub mod http;
mod import;
mod list;
pub(crate) mod policies;
mod queries;
mod question;
mod register;
mod resource;
mod right;
mod roles;
pub mod routes;
mod text;
mod thing;
mod withdraw;

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::ids::ResourceKey;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::standing::{Copies, Standings};

pub use cases::{Cases, CasesError, Outcome};
pub use change::GrantChange;
pub use grant::{Grant, GrantError, Terms};
pub use held::Held;
pub use import::{ImportError, ImportLine, Imported, LineFault};
pub use list::GrantFilter;
pub use policies::{BASE_SCHEMA, Loaded, Policies, PolicyFault, check as check_policies};
pub use queries::holds_any;
pub use question::{AtHand, Auth, Claimed, Decision, Question, Subject, Wanted, is_action};
pub use register::{Expected, NewThing, Put, ThingError, ThingFilter};
pub use resource::{ResourceId, ResourceName, ResourceNameError, ResourceType};
pub use roles::{RolesHeld, RolesHeldError, RolesWanted};
pub use text::{Description, GrantRoles, TextError, Title, parse_instant};
pub use thing::{Thing, ThingView};

/// The dependencies of the access module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    clock: Clock,
    resources: Copies<ResourceKey>,
    policies: Policies,
    installation: Arc<str>,
}

impl Access {
    /// Uses both stores and the policies of this process. Cache keys of resources contain `installation`, because another
    /// installation that shares the ephemeral store may use the same resource names.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        standings: Standings,
        clock: Clock,
        policies: Policies,
        installation: &str,
    ) -> Self {
        Self {
            policies,
            installation: installation.into(),
            database,
            standings,
            clock,
            resources: Copies::new(ephemeral.clone()),
            ephemeral,
        }
    }

    /// The policies in force in this process.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
