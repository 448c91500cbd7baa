//! SQL of `users`, `usernames`, `roles`, `user_roles`, `invitations` and `setup`.

mod invitations;
mod roles;
mod setup;
mod users;

pub(super) use invitations::{
    LinksToVoid, consume_invitation, count_pending_with_role, find_invitation,
    find_invitation_by_id, insert_invitation, list_invitations, list_link_creators,
    void_invitation, void_invitations_by, void_invitations_of, void_links_by_client,
    void_links_by_token, void_links_through_client,
};
pub use roles::missing_role;
pub(super) use roles::{
    count_holders, find_role, insert_role, list_managed, list_managers, list_page, lock_role,
    lock_roles, update_role,
};
pub(super) use setup::{
    close_set_up, complete, find_setup, insert_setup, replace_link, update_setup,
};
pub(super) use users::{
    ManagedUsers, claim_username, count_renames, delete_unused_username, find_by_any_username,
    find_id_by_username, find_user, insert_user, list_active_holders, list_ids, list_usernames,
    list_users, list_without_search_names, mark_username_used, set_roles, set_search_names,
    update_user,
};
