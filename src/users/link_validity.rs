//! How long links are valid, and whether one may be used. A link also stops working when its creator loses the permission, secret,
//! session or token behind it.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::Users;
use super::invitation::Invitation;
use super::permissions::{ManagementRights, Permissions};
use super::purpose::LinkPurpose;
use super::queries::{self, LinksToVoid};
use super::user::User;
use crate::account_state::{self, UserStatus};
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, ClientId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::base::text_enum::text_enum;
use crate::clients::{self, Scope};
use crate::db::{self, Connection};
use crate::sessions;

/// How long an invitation is valid by default.
pub(super) const DEFAULT_INVITATION_TTL: Duration = Duration::from_secs(7 * 86_400);
/// How long a link for a user's own other device is valid.
pub(super) const DEVICE_LINK_TTL: Duration = Duration::from_secs(15 * 60);
/// How long the set-up link is valid.
pub(super) const SET_UP_LINK_TTL: Duration = Duration::from_secs(3600);
pub(super) const MIN_INVITATION_TTL: Duration = Duration::from_secs(60);
pub(super) const MAX_INVITATION_TTL: Duration = Duration::from_secs(30 * 86_400);

/// The state of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Not used, revoked or expired.
    Open,
    /// It was used.
    Used,
    /// It has expired.
    Expired,
    /// It was revoked, or replaced by a newer link.
    Revoked,
}

text_enum!(InvitationState { Open = "open", Used = "used", Expired = "expired", Revoked = "revoked" });

impl InvitationState {
    pub(super) fn of(invitation: &Invitation, now: Timestamp) -> Self {
        if invitation.used_at.is_some() {
            Self::Used
        } else if invitation.revoked_at.is_some() {
            Self::Revoked
        } else if invitation.expires_at <= now {
            Self::Expired
        } else {
            Self::Open
        }
    }
}

/// Why an invitation can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// No invitation has this token.
    #[error("unknown invitation")]
    Unknown,
    /// It was used already.
    #[error("the invitation was already used")]
    Used,
    /// It has expired, was revoked, or was replaced by a newer one.
    #[error("the invitation has expired")]
    Expired,
    /// The status of the user that it is for doesn't fit its purpose; the user is suspended, for example.
    #[error("the user is suspended")]
    NotActive,
    /// Its creator may no longer create such a link.
    #[error("the creator of the link may no longer invite users")]
    InviterNotAllowed,
    /// The username that the new user chose is taken.
    #[error("the username is taken")]
    UsernameTaken,
    /// The new user must choose a username.
    #[error("a username is required")]
    UsernameMissing,
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A usable invitation, as its page shows it.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The user it is for, if they exist already.
    pub user: Option<User>,
    /// The display name of the user who created it, if one did.
    pub invited_by: Option<String>,
}

impl Users {
    /// Finds a usable invitation, without consuming it.
    pub async fn open_invitation(&self, token: &Token) -> Result<OpenInvitation, JoinError> {
        let (hash, now) = (token.hash(), self.clock.now());
        self.database
            .read(move |conn| {
                let (invitation, user) = open_invitation(conn, &hash, now)?;
                let inviter = match invitation.by_user {
                    Some(id) => queries::find_user(conn, id)?,
                    None => None,
                };
                Ok(OpenInvitation {
                    invitation,
                    user,
                    invited_by: inviter.map(|inviter| inviter.display_name),
                })
            })
            .await
    }
}

/// Finds the invitation with a token if it is usable, and the user it is for if they exist already.
pub fn open_invitation(
    conn: &mut Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<(Invitation, Option<User>), JoinError> {
    let invitation = queries::find_invitation(conn, token)?.ok_or(JoinError::Unknown)?;
    match InvitationState::of(&invitation, now) {
        InvitationState::Used => return Err(JoinError::Used),
        InvitationState::Revoked | InvitationState::Expired => return Err(JoinError::Expired),
        InvitationState::Open => {}
    }
    let user = match invitation.user_id {
        Some(id) => Some(queries::find_user(conn, id)?.ok_or(JoinError::Unknown)?),
        None => None,
    };
    let fits = match (invitation.purpose, user.as_ref().map(|user| user.status)) {
        (LinkPurpose::Join, None | Some(UserStatus::Invited))
        | (LinkPurpose::Recover | LinkPurpose::AddDevice, Some(UserStatus::Active)) => true,
        (LinkPurpose::Join | LinkPurpose::Recover | LinkPurpose::AddDevice, _) => false,
    };
    if !fits {
        return Err(JoinError::NotActive);
    }
    if !is_link_allowed(conn, &invitation, user.as_ref())? {
        return Err(JoinError::InviterNotAllowed);
    }
    Ok((invitation, user))
}

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
    if let (Some(session), Some(user)) = (invitation.by_session, invitation.user_id) {
        return Ok(sessions::find_valid_passkeys(conn, user, session)?.is_some());
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
    if account_state::find_epoch(conn, creator)? != invitation.creator.user_epoch
        || invitation.creator.was_revoked(conn, creator)?
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
        && invitation.creator.client_epoch == Some(client_permissions.epoch)
        && permissions_of_clients.may_assign(conn, held)?
        && permissions_of_clients.may_assign(conn, &invitation.roles)?)
}
