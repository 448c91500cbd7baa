//! Who may do what: roles on single things, and what is known of the things themselves.
//!
//! Promises that a role that was given or withdrawn counts from the next question on, in every instance, and that what can't be known is no
//! permission. Hands out [`Access`]. Owns `grants`, `resources` and the keys `grants:{user}:…`, `resource:{thing}`. Refuses to
//! mix what callers say with what it knows.

mod decide;
mod held;
mod policies;
mod queries;
mod question;
mod register;
mod resource;
mod right;
mod text;
mod thing;

use crate::base::clock::Clock;
use crate::base::ids::ResourceKey;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::standing::{Copies, Standings};

pub use decide::is_action;
pub use held::Held;
pub use policies::{Policies, PolicyFault};
pub use question::{Auth, Claimed, Decision, Question, Subject, Wanted};
pub use register::{Expected, NewThing, Put, ThingError, ThingFilter};
pub use resource::{ResourceId, ResourceName, ResourceNameError, ResourceType};
pub use text::{Description, GrantRoles, TextError, Title, parse_instant};
pub use thing::{Thing, ThingView};

/// Everything that access needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    clock: Clock,
    resources: Copies<ResourceKey>,
    policies: Policies,
}

impl Access {
    /// Over both stores, and the policies of this process.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        standings: Standings,
        clock: Clock,
        policies: Policies,
    ) -> Self {
        Self {
            policies,
            database,
            standings,
            clock,
            resources: Copies::new(ephemeral.clone()),
            ephemeral,
        }
    }

    /// The policies in force here.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
