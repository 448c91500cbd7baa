//! The JSON API for administration: `/v1/users`, `/v1/invitations`, `/v1/roles`, `/v1/clients`, `/v1/role-assignments`, `/v1/resources`,
//! `/v1/audit-events` and histories.

pub mod audit;
pub mod clients;
pub mod history;
pub mod invitations;
pub mod passkeys;
mod problems;
mod request;
pub(super) mod resource_path;
pub mod resources;
pub mod role_assignments;
pub mod roles;
pub mod sessions;
pub mod user_roles;
pub mod users;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::base::text_folding::is_unprintable;
use crate::web::Problem;

pub(super) use request::commands_for;

// A literal path comes before a path with a variable that would also match it.
crate::web::routes! {
    "/v1/users" => get users::list_users;
    "/v1/users/lookup" => post user_roles::lookup_users;
    "/v1/users/{user}" => get users::read_user, patch users::update_user;
    "/v1/users/{user}/roles" => get user_roles::read_roles;
    "/v1/users/{user}/suspend" => post users::suspend_user;
    "/v1/users/{user}/reactivate" => post users::reactivate_user;
    "/v1/users/{user}/usernames" => get users::list_usernames;
    "/v1/usernames/{username}" => delete users::release_username;
    "/v1/users/{user}/passkeys" => get passkeys::list_passkeys;
    "/v1/users/{user}/passkeys/{passkey}" => delete passkeys::revoke_passkey;
    "/v1/users/{user}/sessions" => get sessions::list_sessions, delete sessions::end_all_sessions;
    "/v1/users/{user}/sessions/{session}" => delete sessions::end_session;
    "/v1/invitations" => get invitations::list_invitations, post invitations::invite;
    "/v1/invitations/{invitation}" => delete invitations::revoke_invitation;
    "/v1/roles" => get roles::list_roles, post roles::create_role;
    "/v1/roles/{role}" => get roles::read_role, patch roles::update_role, delete roles::delete_role;
    "/v1/clients" => get clients::list_clients, post clients::register_client;
    "/v1/clients/{client}" => get clients::read_client, patch clients::update_client, delete clients::delete_client;
    "/v1/clients/{client}/secret" => post clients::rotate_secret;
    "/v1/clients/{client}/disable" => post clients::disable_client;
    "/v1/clients/{client}/enable" => post clients::enable_client;
    "/v1/role-assignments" => get role_assignments::list_role_assignments, post role_assignments::create_role_assignment;
    "/v1/role-assignments/{role_assignment}" => get role_assignments::read_role_assignment, patch role_assignments::update_role_assignment, delete role_assignments::delete_role_assignment;
    "/v1/resources" => get resources::list_resources;
    "/v1/resources/{type}/{id}" => get resources::read_resource, put resources::put_resource, delete resources::delete_resource;
    "/v1/resources/{type}/{id}/role-assignments" => get resources::list_resource_role_assignments;
    "/v1/users/{user}/history" => get history::list_user_history;
    "/v1/passkeys/{passkey}/history" => get history::list_passkey_history;
    "/v1/roles/{role}/history" => get history::list_role_history;
    "/v1/role-assignments/{role_assignment}/history" => get history::list_role_assignment_history;
    "/v1/clients/{client}/history" => get history::list_client_history;
    "/v1/resources/{type}/{id}/history" => get history::list_resource_history;
    "/v1/audit-events" => get audit::list_audit_events;
}

/// The reason for an action.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditReason {
    /// Reason for the audit log; at most 200 characters.
    reason: Option<String>,
}

impl AuditReason {
    fn parse(&self) -> Result<Option<String>, Problem> {
        parse_reason(self.reason.as_deref().unwrap_or_default())
    }
}

/// Trims a reason and checks its length; `None` if it is empty.
pub(super) fn parse_reason(text: &str) -> Result<Option<String>, Problem> {
    let reason = text.trim();
    if reason.chars().count() > 200 || reason.chars().any(is_unprintable) {
        return Err(Problem::invalid_field(
            "reason",
            "must have at most 200 printable characters",
        ));
    }
    Ok(Some(reason.to_owned()).filter(|reason| !reason.is_empty()))
}
