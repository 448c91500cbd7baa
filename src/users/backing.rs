//! A link lets somebody in only while whoever made it still could: a right that was withdrawn is not left behind in links.

use super::invite::Invitation;
use super::queries;
use super::user::User;
use crate::clients;
use crate::db::{self, Connection};
use crate::sessions;
use crate::standing::{ADMINISTRATOR, UserStatus};

/// Whether the maker of a link may still let this person in: the session that made a device link is good, the administrator
/// still is one, the client is enabled (and neither makes nor touches administrators). Links of the command line stand.
pub(super) fn is_backed(
    conn: &mut Connection,
    invitation: &Invitation,
    target: Option<&User>,
) -> db::Result<bool> {
    if let (Some(session), Some(user)) = (invitation.by_session, invitation.user) {
        return Ok(sessions::find_good_passkeys(conn, user, session)?.is_some());
    }
    if let Some(client) = invitation.by_client {
        let concerns_administrator = target.is_some_and(User::is_administrator)
            || invitation.roles.iter().any(|role| role == ADMINISTRATOR);
        if concerns_administrator || !clients::is_enabled(conn, client)? {
            return Ok(false);
        }
    }
    // Through an app both must still be able to.
    let Some(maker) = invitation.by_user else {
        return Ok(true);
    };
    let maker = queries::find_user(conn, maker)?;
    Ok(maker.is_some_and(|maker| maker.status == UserStatus::Active && maker.is_administrator()))
}
