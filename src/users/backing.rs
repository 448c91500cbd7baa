//! A link lets somebody in only while whoever made it still could: a right that was withdrawn is not left behind in links.

use super::invite::Invitation;
use super::queries;
use super::rights::{Authority, Rights};
use super::user::User;
use crate::clients;
use crate::db::{self, Connection};
use crate::sessions;

/// Whether the maker of a link may still let this person in: the session that made a device link is good; the person who made
/// another may still manage whom it is for, and give every role in it; the client is enabled, and by the rule for services. Links
/// of the command line stand, as long as every role in them is there.
pub(super) fn is_backed(
    conn: &mut Connection,
    invitation: &Invitation,
    target: Option<&User>,
) -> db::Result<bool> {
    if let (Some(session), Some(user)) = (invitation.by_session, invitation.user) {
        return Ok(sessions::find_good_passkeys(conn, user, session)?.is_some());
    }
    // A new person will hold what the link says, a known one holds what they hold by now.
    let held = target.map_or(&invitation.roles, |target| &target.roles);
    if target.is_none() && queries::missing_role(conn, held)?.is_some() {
        return Ok(false);
    }
    if let Some(client) = invitation.by_client {
        let service = Authority::Service;
        let is_within =
            service.may_give(conn, held)? && service.may_give(conn, &invitation.roles)?;
        if !is_within || !clients::is_enabled(conn, client)? {
            return Ok(false);
        }
    }
    let Some(maker) = invitation.by_user else {
        return Ok(true);
    };
    let rights = Rights::of(conn, maker)?;
    // Through an app both must still be able to, and apps lend the rights of administrators alone.
    let may_delegate = invitation.by_client.is_none()
        && rights.may_manage_holder(held)
        && invitation.roles.iter().all(|role| rights.may_give(role));
    Ok(rights.is_administrator || may_delegate)
}
