//! Checks that a link may still be used. A link stops working when its creator loses the permission, secret, session or
//! token behind it.

use super::invitation::Invitation;
use super::permissions::{ManagementRights, Permissions};
use super::purpose::LinkPurpose;
use super::queries::{self, LinksToVoid};
use super::user::User;
use crate::account_state;
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, ClientId, UserId};
use crate::clients::{self, Scope};
use crate::db::{self, Connection};
use crate::sessions;

/// Whether the creator of a link may still let `target` sign in with it:
///
/// - A link for the user's own device: the session that created it is valid.
/// - A link created by a user: they may still manage the user that it is for and assign every role in it, and neither
///   their sessions nor the one that created the link, nor a passkey that it depends on, were revoked since. Signing
///   out revokes nothing.
/// - A link created by a client: the client may still create it, by the rule for clients, and has the secret, scopes and access
///   that it had then. Revoking the access token that created it voids the link.
/// - A link created by a user through a client: both, the user is an administrator, and the client's authorization
///   was not withdrawn.
/// - A link created by the command line: always.
///
/// Every role in a link for a new user must exist.
pub(super) fn is_link_allowed(
    conn: &mut Connection,
    invitation: &Invitation,
    target: Option<&User>,
) -> db::Result<bool> {
    if let (Some(session), Some(user)) = (invitation.by_session, invitation.user) {
        return Ok(sessions::find_good_passkeys(conn, user, session)?.is_some());
    }
    // A new user will get the roles in the link; an existing user has the roles that they hold now.
    let held = target.map_or(&invitation.roles, |target| &target.roles);
    if target.is_none() && queries::missing_role(conn, held)?.is_some() {
        return Ok(false);
    }
    if let Some(client) = invitation.by_client
        && !is_client_allowed(conn, client, invitation, held)?
    {
        return Ok(false);
    }
    let Some(creator) = invitation.by_user else {
        return Ok(true);
    };
    if account_state::find_epoch(conn, creator)? != invitation.creator.user
        || invitation.credential.was_revoked(conn, creator)?
    {
        return Ok(false);
    }
    let rights = ManagementRights::of(conn, creator)?;
    // Through a client, only administrators may act on other users.
    let may_delegate = invitation.by_client.is_none()
        && rights.may_manage_holder(held)
        && invitation
            .roles
            .iter()
            .all(|role| rights.may_assign_role(role));
    Ok(rights.is_administrator || may_delegate)
}

/// Voids the links for a user that were created by clients without the scope for role assignments. Called when the user is
/// assigned a role on a resource, because the link would give such a client roles that it could not assign. The caller holds the
/// lock on the user's account state.
pub fn void_links_beyond_resource_roles(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
) -> db::Result<()> {
    for client in queries::list_link_creators(conn, user)? {
        let client_permissions = clients::find_permissions(conn, client)?;
        if !client_permissions.is_some_and(|client_permissions| {
            client_permissions
                .scopes
                .contains(Scope::RoleAssignmentsWrite)
        }) {
            queries::void_links(conn, LinksToVoid::ForByClient(user, client), now)?;
        }
    }
    Ok(())
}

/// Voids the links that a client created with an access token of its own, in the transaction that revokes the token. The client's
/// record lists the token only until it would have expired.
pub fn void_links_by_token(
    conn: &mut Connection,
    client: ClientId,
    token: AccessTokenId,
    now: Timestamp,
) -> db::Result<()> {
    queries::void_links(conn, LinksToVoid::ByToken(client, token), now)?;
    Ok(())
}

/// Voids the links that a user created through a client, in the transaction in which the user withdraws the client's
/// authorization, and returns their number. The caller holds the lock on the user's account state.
pub fn void_links_through_client(
    conn: &mut Connection,
    user: UserId,
    client: ClientId,
    now: Timestamp,
) -> db::Result<usize> {
    queries::void_links(conn, LinksToVoid::CreatedThrough(user, client), now)
}

fn is_client_allowed(
    conn: &mut Connection,
    client: ClientId,
    invitation: &Invitation,
    held: &[String],
) -> db::Result<bool> {
    let Some(client_permissions) = clients::find_permissions(conn, client)? else {
        return Ok(false);
    };
    let has_scopes = client_permissions.scopes.contains(Scope::UsersWrite)
        && (invitation.purpose != LinkPurpose::Recover
            || client_permissions.scopes.contains(Scope::PasskeysEnrol));
    let permissions_of_clients = Permissions::Client;
    Ok(has_scopes
        && invitation.creator.client == Some(client_permissions.epoch)
        && permissions_of_clients.may_assign(conn, held)?
        && permissions_of_clients.may_assign(conn, &invitation.roles)?)
}
