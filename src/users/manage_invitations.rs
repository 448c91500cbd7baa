//! Lists invitations, and revokes them before they are used.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::invitation::Invitation;
use super::link_validity::{InvitationState, is_link_allowed};
use super::permissions::{Permissions, Permit};
use super::queries::LinksToVoid;
use super::user::User;
use super::{Users, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{InvitationId, UserId};
use crate::clients::ActingError;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::web::{Page, rows_to_fetch};

/// Which invitations to list.
#[derive(Clone, Debug, Default)]
pub struct InvitationFilter {
    /// Only invitations in this state.
    pub state: Option<InvitationState>,
    /// Only invitations that this user created directly, not through a client.
    pub created_by: Option<UserId>,
    /// Only invitations older than this one: the cursor.
    pub after: Option<InvitationId>,
}

/// An invitation in a list. Its link is shown only when it is created.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvitationView {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// The state of the invitation.
    pub state: InvitationState,
    /// Whether the link can be used now: it is open, and its creator may still invite.
    pub usable: bool,
}

impl InvitationView {
    fn of(conn: &mut Connection, invitation: Invitation, now: Timestamp) -> db::Result<Self> {
        let state = InvitationState::of(&invitation, now);
        let usable = state == InvitationState::Open && {
            let target = find_target(conn, &invitation)?;
            is_link_allowed(conn, &invitation, target.as_ref())?
        };
        Ok(Self {
            invitation,
            state,
            usable,
        })
    }
}

/// Why an invitation was not found or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// No invitation has this ID.
    #[error("no invitation has this ID")]
    Unknown,
    /// The cursor of a list is not the ID of an invitation.
    #[error("no invitation has the ID after which the list is to continue")]
    UnknownCursor,
    /// The caller may not revoke it.
    #[error("the caller may not revoke the invitation")]
    NotPermitted,
    /// It was used already.
    #[error("the invitation was already used")]
    Used,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Users {
    /// Lists invitations, newest first, at most `limit`.
    ///
    /// # Errors
    /// `UnknownCursor` if the cursor is not the ID of an invitation.
    pub async fn list_invitations(
        &self,
        filter: InvitationFilter,
        limit: usize,
    ) -> Result<Page<InvitationView>, InvitationError> {
        let now = self.clock.now();
        self.database
            .read(move |conn| {
                let rows = rows_to_fetch(limit);
                let found = queries::list_invitations(conn, &filter, now, rows)?;
                let found = found.ok_or(InvitationError::UnknownCursor)?;
                let page = Page::from_rows(found, limit, |invitation| invitation.id.to_string());
                Ok(page.try_map(|invitation| InvitationView::of(conn, invitation, now))?)
            })
            .await
    }

    /// Reads one invitation.
    pub async fn read_invitation(
        &self,
        id: InvitationId,
    ) -> Result<InvitationView, InvitationError> {
        let now = self.clock.now();
        self.database
            .read(move |conn| {
                let found = queries::find_invitation_by_id(conn, id)?;
                let invitation = found.ok_or(InvitationError::Unknown)?;
                Ok(InvitationView::of(conn, invitation, now)?)
            })
            .await
    }

    /// Revokes an unused invitation: its link stops working immediately. Idempotent.
    pub async fn revoke_invitation(
        &self,
        id: InvitationId,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<(), InvitationError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let found = queries::find_invitation_by_id(conn, id)?;
                let invitation = found.ok_or(InvitationError::Unknown)?;
                // Also locks the user that it is for, so that they can't use it at the same time.
                let author = permit.acting.check(conn, invitation.user_id.as_slice())?;
                let now = database.now(conn)?;
                if !may_revoke(conn, &invitation, permit.permissions, &author)? {
                    return Err(InvitationError::NotPermitted);
                }
                if queries::void_links(conn, LinksToVoid::One(id), now)? == 0 {
                    // Used or revoked concurrently: read again, under the lock.
                    let now_stands = queries::find_invitation_by_id(conn, id)?;
                    return match now_stands.and_then(|invitation| invitation.used_at) {
                        Some(_) => Err(InvitationError::Used),
                        None => Ok(()),
                    };
                }
                let mut event = Event::done("invitation.revoked")
                    .with_reason(reason.as_deref())
                    .details(json!({
                        "invitation": id,
                        "purpose": invitation.purpose,
                        "roles": invitation.roles,
                    }));
                event.subject = invitation.user_id;
                Ok(history::record(conn, now, &author, event)?)
            })
            .await
    }
}

/// Whether the author may revoke an invitation: its creator may, and so may callers who manage the user that it is for, or who may
/// invite a new user with its roles.
fn may_revoke(
    conn: &mut Connection,
    invitation: &Invitation,
    permissions: Permissions,
    author: &Author,
) -> db::Result<bool> {
    let creator = (invitation.by_user, invitation.by_client);
    if creator != (None, None) && creator == (author.user(), author.client()) {
        return Ok(true);
    }
    match find_target(conn, invitation)? {
        Some(user) => permissions.may_manage(conn, user.id, &user.roles),
        None => permissions.may_invite(conn, &invitation.roles),
    }
}

fn find_target(conn: &mut Connection, invitation: &Invitation) -> db::Result<Option<User>> {
    match invitation.user_id {
        Some(user) => queries::find_user(conn, user),
        None => Ok(None),
    }
}
