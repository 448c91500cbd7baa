//! SQL of `users`, `roles`, `user_roles`, `invitations` and `setup`.

mod invitations;
mod people;
mod setup;

pub(super) use invitations::{
    consume_invitation, find_invitation, insert_invitation, void_invitations_of,
};
pub(super) use people::{
    find_id_by_username, find_user, insert_user, list_active_holders, list_users, lock_role,
    missing_role, set_roles, update_user,
};
pub(super) use setup::{complete, find_setup, insert_setup, replace_link, update_setup};
