//! SQL of `grants` and `resources`.

mod held;
mod resources;

pub(super) use held::find_held;
pub(super) use resources::{
    find_thing, insert_thing, list_moved_since, list_things, lock_thing, update_thing,
};
