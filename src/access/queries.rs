//! Queries on the tables `grants` and `resources`.

mod grants;
mod held;
mod resources;
mod search;

pub(super) use grants::{
    find_grant, find_grant_of, insert_grant, list_ever, list_live, update_grant,
};
pub(super) use held::find_held;
pub use held::holds_any;
pub(super) use resources::{
    find_thing, insert_thing, list_moved_since, list_things, lock_thing, update_thing,
};
pub(super) use search::{Candidate, list_held_by, list_held_only, list_registered};
