//! SQL of `users`, `roles`, `user_roles`, `invitations` and `setup`.

mod invitations;
mod people;
mod setup;

pub(super) use invitations::{
    Voided, consume_invitation, find_invitation, insert_invitation, void_invitations_of,
};
pub(super) use people::{
    claim_username, find_id_by_username, find_namesake, find_user, insert_user,
    list_active_holders, list_ids, list_managed, list_users, lock_role, missing_role, set_roles,
    update_user,
};
pub(super) use setup::{
    close_set_up, complete, find_setup, insert_setup, replace_link, update_setup,
};
