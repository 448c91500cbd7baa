//! A link lets someone in only while whoever made it still could: a right, secret or session that is gone leaves no links behind.

use super::invite::Invitation;
use super::purpose::Purpose;
use super::queries;
use super::rights::{Authority, Rights};
use super::user::User;
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients::{self, Scope};
use crate::db::{self, Connection};
use crate::history::Author;
use crate::sessions;
use crate::standing;

/// What a link's maker had when they made it. Each epoch is raised when what it stands for is taken away, so a link does not
/// come back to life with a right that is given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MakerEpochs {
    /// The session epoch of the user: raised when all their sessions end.
    pub user: Option<i64>,
    /// The authority epoch of the client: raised when it loses its secret, a scope or its access.
    pub client: Option<i64>,
}

impl MakerEpochs {
    /// As of now.
    pub(super) fn of(conn: &mut Connection, author: &Author) -> db::Result<Self> {
        let user = match author.user() {
            Some(user) => standing::find_epoch(conn, user)?,
            None => None,
        };
        let client = match author.client() {
            Some(client) => clients::find_authority(conn, client)?.map(|found| found.epoch),
            None => None,
        };
        Ok(Self { user, client })
    }
}

/// Whether the maker of a link may still let this user in: the session that made a device link is good; the user who made another
/// may still manage whom it is for, may give every role in it, and not all their sessions have ended since; the client may still
/// make it, by the rule for services, and has its secret, scopes and access of then. Links of the command line stand, as long
/// as every role in them is there.
pub(super) fn is_backed(
    conn: &mut Connection,
    invitation: &Invitation,
    target: Option<&User>,
) -> db::Result<bool> {
    if let (Some(session), Some(user)) = (invitation.by_session, invitation.user) {
        return Ok(sessions::find_good_passkeys(conn, user, session)?.is_some());
    }
    // A new user will hold what the link says, a known one holds what they hold by now.
    let held = target.map_or(&invitation.roles, |target| &target.roles);
    if target.is_none() && queries::missing_role(conn, held)?.is_some() {
        return Ok(false);
    }
    if let Some(client) = invitation.by_client
        && !is_backed_by_client(conn, client, invitation, held)?
    {
        return Ok(false);
    }
    let Some(maker) = invitation.by_user else {
        return Ok(true);
    };
    if standing::find_epoch(conn, maker)? != invitation.maker.user {
        return Ok(false);
    }
    let rights = Rights::of(conn, maker)?;
    // Through an app both must still be able to, and apps lend the rights of administrators alone.
    let may_delegate = invitation.by_client.is_none()
        && rights.may_manage_holder(held)
        && invitation.roles.iter().all(|role| rights.may_give(role));
    Ok(rights.is_administrator || may_delegate)
}

/// Voids the links for a user that clients made which could not assign roles on resources: the user is given such a role. The caller
/// holds the user's account.
///
/// # Errors
/// When the database is away.
pub fn void_links_beyond_grants(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
) -> db::Result<()> {
    for client in queries::list_link_makers(conn, user)? {
        let authority = clients::find_authority(conn, client)?;
        if !authority.is_some_and(|authority| authority.scopes.contains(Scope::GrantsWrite)) {
            queries::void_links_by_client(conn, user, client, now)?;
        }
    }
    Ok(())
}

fn is_backed_by_client(
    conn: &mut Connection,
    client: ClientId,
    invitation: &Invitation,
    held: &[String],
) -> db::Result<bool> {
    let Some(authority) = clients::find_authority(conn, client)? else {
        return Ok(false);
    };
    let has_scopes = authority.scopes.contains(Scope::UsersWrite)
        && (invitation.purpose != Purpose::Recover
            || authority.scopes.contains(Scope::PasskeysEnrol));
    let service = Authority::Service;
    Ok(has_scopes
        && invitation.maker.client == Some(authority.epoch)
        && service.may_give(conn, held)?
        && service.may_give(conn, &invitation.roles)?)
}
