//! Lists invitations, and revokes them before they are used.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::invitation::Invitation;
use super::inviter_check::is_link_allowed;
use super::permissions::Permissions;
use super::queries::LinksToVoid;
use super::user::User;
use super::{Users, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, InvitationId, UserId};
use crate::base::text_enum::text_enum;
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};

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
    fn of(invitation: &Invitation, now: Timestamp) -> Self {
        if invitation.used_at.is_some() {
            Self::Used
        } else if invitation.voided_at.is_some() {
            Self::Revoked
        } else if invitation.expires_at <= now {
            Self::Expired
        } else {
            Self::Open
        }
    }
}

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
    /// ID of the invitation.
    #[schema(value_type = uuid::Uuid)]
    pub id: InvitationId,
    /// `join`: a new user joins; `recover`: an existing user gets a new passkey; `add_device`: a user adds another device.
    pub purpose: String,
    /// The state of the invitation.
    pub state: InvitationState,
    /// Whether the link can be used now: it is open, and its creator may still invite.
    pub usable: bool,
    /// ID of the user that the link is for, if they already exist.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub user_id: Option<UserId>,
    /// The email address that a new user will have.
    pub email: Option<String>,
    /// Whether the email address will count as verified: a signed-in administrator or the command line entered it.
    pub email_verified: bool,
    /// The name suggested to a new user.
    pub display_name: Option<String>,
    /// The roles that a new user will hold.
    pub roles: Vec<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the link expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was used; `null`: not used yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    /// The user who used it.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub used_by: Option<UserId>,
    /// Time of revocation; `null`: not revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// The user who created it; `null` if no user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// The client that created it, or through which `by_user` did; `null` if no client did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
}

impl InvitationView {
    fn of(conn: &mut Connection, invitation: Invitation, now: Timestamp) -> db::Result<Self> {
        let state = InvitationState::of(&invitation, now);
        let usable = state == InvitationState::Open && {
            let target = find_target(conn, &invitation)?;
            is_link_allowed(conn, &invitation, target.as_ref())?
        };
        Ok(Self {
            id: invitation.id,
            purpose: invitation.purpose.as_str().to_owned(),
            state,
            usable,
            user_id: invitation.user,
            email: invitation.email,
            email_verified: invitation.email_confirmed,
            display_name: invitation.display_name,
            roles: invitation.roles,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
            used_at: invitation.used_at,
            used_by: invitation.used_by,
            revoked_at: invitation.voided_at,
            by_user: invitation.by_user,
            by_client: invitation.by_client,
        })
    }
}

/// Why an invitation was not found or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// No invitation has this ID.
    #[error("no invitation has this ID")]
    Unknown,
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
    /// `Unknown` if the cursor is not the ID of an invitation.
    pub async fn list_invitations(
        &self,
        filter: InvitationFilter,
        limit: i64,
    ) -> Result<Vec<InvitationView>, InvitationError> {
        let now = self.clock.now();
        self.database
            .read(move |conn| {
                let found = queries::list_invitations(conn, &filter, now, limit)?;
                let found = found.ok_or(InvitationError::Unknown)?;
                let view = |invitation| Ok(InvitationView::of(conn, invitation, now)?);
                found.into_iter().map(view).collect()
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
        permissions: Permissions,
        acting: ActingAs,
    ) -> Result<(), InvitationError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let found = queries::find_invitation_by_id(conn, id)?;
                let invitation = found.ok_or(InvitationError::Unknown)?;
                // Also locks the user that it is for, so that they can't use it at the same time.
                let author = acting.check(conn, invitation.user.as_slice())?;
                let now = database.now(conn)?;
                if !may_revoke(conn, &invitation, permissions, &author)? {
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
                        "purpose": invitation.purpose.as_str(),
                        "roles": invitation.roles,
                    }));
                event.subject = invitation.user;
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
    match invitation.user {
        Some(user) => queries::find_user(conn, user),
        None => Ok(None),
    }
}
