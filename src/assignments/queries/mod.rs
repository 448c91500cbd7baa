//! Queries on the tables `role_assignments` and `resources`.

mod assignments;
mod held_roles;
mod resources;
mod search;

pub(super) use assignments::{
    find_assignment, find_assignment_of, list_ever, list_live, store_assignment,
};
pub(super) use held_roles::find_held_roles;
pub use held_roles::has_any_assignment;
pub(super) use resources::{
    find_resource, list_changes_since, list_resources, lock_resource, store_resource,
};
pub use search::{Candidate, list_held_by, list_held_only, list_registered};
