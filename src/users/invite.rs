//! Creates single-use links for new users, for users who lost their passkeys, and for a user's own other device.

use std::time::Duration;

use serde_json::json;

use super::invitation::{Invitation, InvitationLink, InviteError, NewInvitation, blank};
use super::invite_new::for_new;
use super::link_creator::{MakerCredential, MakerEpochs};
use super::lookup::resolve;
use super::purpose::Purpose;
use super::queries::Voided;
use super::rights::Authority;
use super::{HoldsGrants, INVITATION_LIFE, Users, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::secrets::Token;
use crate::clients::{self, ActingAs, Scope};
use crate::db::Connection;
use crate::history::{self, Author, Event};
use crate::sessions::LiveSession;
use crate::standing::UserStatus;

/// How long a link for a user's own other device is valid.
const DEVICE_LIFE: Duration = Duration::from_secs(15 * 60);
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 86_400);

impl Users {
    /// Creates a link for a new user, or for an existing user who needs a new passkey.
    pub async fn invite(
        &self,
        mut wanted: NewInvitation,
        authority: Authority,
        acting: ActingAs,
    ) -> Result<InvitationLink, InviteError> {
        wanted.roles.sort_unstable();
        wanted.roles.dedup();
        let life = wanted.life.unwrap_or(INVITATION_LIFE);
        if !(Duration::from_secs(60)..=LONGEST_LIFE).contains(&life) {
            return Err(InviteError::Life);
        }
        let token = Token::generate();
        let hash = token.hash();
        let expires_at = self.clock.now().after(life);
        let (database, holds_grants) = (self.database.clone(), self.holds_grants);
        let user_id = self
            .database
            .write(move |conn| {
                let known = wanted.find_user(conn)?;
                let author = acting.check(conn, known.as_slice())?;
                wanted.lock_roles(conn)?;
                let now = database.now(conn)?;
                let invitation = match known {
                    Some(user) => {
                        require_enrol_right(conn, authority, &author, (user, holds_grants))?;
                        for_existing(conn, user, authority, now)?
                    }
                    None => for_new(conn, wanted, authority, now, &author)?,
                };
                let invitation = Invitation {
                    expires_at,
                    maker: MakerEpochs::of(conn, &author)?,
                    credential: MakerCredential::of(conn, acting.credential())?,
                    ..invitation
                };
                queries::insert_invitation(conn, &invitation, &hash, now, &author)?;
                let mut event = Event::done("user.invited").details(json!({
                    "invitation": invitation.id,
                    "purpose": invitation.purpose.as_str(),
                    "roles": invitation.roles,
                    "expires_at": invitation.expires_at,
                    "email_verified": invitation.email_vouched,
                }));
                event.subject = invitation.user;
                history::record(conn, now, &author, event)?;
                Ok::<_, InviteError>(invitation.user)
            })
            .await?;
        Ok(self.link(&token, expires_at, user_id))
    }

    /// Creates a link with which a signed-in user adds another device. Fails if the session has ended.
    pub async fn invite_own_device(
        &self,
        session: &LiveSession,
        acting: ActingAs,
    ) -> Result<InvitationLink, InviteError> {
        let user = session.user;
        let session = session.clone();
        let token = Token::generate();
        let hash = token.hash();
        let expires_at = self.clock.now().after(DEVICE_LIFE);
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                // Checked under the lock, so that a session which was just ended leaves no link behind.
                let author = acting.check(conn, &[user])?;
                let now = database.now(conn)?;
                queries::void_invitations_of(conn, user, Voided::DeviceLinks, now)?;
                let invitation = Invitation {
                    user: Some(user),
                    by_session: Some(session.id),
                    expires_at,
                    maker: MakerEpochs::of(conn, &author)?,
                    ..blank(Purpose::AddDevice)
                };
                queries::insert_invitation(conn, &invitation, &hash, now, &author)?;
                let event = Event::done("passkey.device_link_made").subject(user);
                Ok::<_, InviteError>(history::record(conn, now, &author, event)?)
            })
            .await?;
        Ok(self.link(&token, expires_at, Some(user)))
    }

    fn link(
        &self,
        token: &Token,
        expires_at: Timestamp,
        user_id: Option<UserId>,
    ) -> InvitationLink {
        InvitationLink {
            url: self
                .public_url
                .with_path(&format!("/join/{}", token.expose())),
            token: token.expose().to_owned(),
            expires_at,
            user_id,
        }
    }
}

impl NewInvitation {
    /// The existing user that the link is for, if any.
    fn find_user(&self, conn: &mut Connection) -> Result<Option<UserId>, InviteError> {
        let Some(name) = &self.user else {
            return Ok(None);
        };
        let names_more = self.username.is_some()
            || self.email.is_some()
            || self.email_verified.is_some()
            || self.display_name.is_some()
            || !self.roles.is_empty();
        if names_more {
            return Err(InviteError::NothingElse);
        }
        Ok(Some(resolve(conn, name)?))
    }

    /// Locks the roles of a new user. The account states are locked already.
    fn lock_roles(&self, conn: &mut Connection) -> Result<(), InviteError> {
        match queries::lock_roles(conn, &self.roles)? {
            Some(role) => Err(InviteError::UnknownRole(role)),
            None => Ok(()),
        }
    }
}

/// Checks that the acting client, if there is one, may create a link for this user: it has the scope, and could assign the roles on
/// resources that the user holds.
fn require_enrol_right(
    conn: &mut Connection,
    authority: Authority,
    author: &Author,
    (user, holds_grants): (UserId, HoldsGrants),
) -> Result<(), InviteError> {
    if authority != Authority::Service {
        return Ok(());
    }
    let acting = match author.client() {
        Some(client) => clients::find_authority(conn, client)?,
        None => None,
    };
    let has = |scope| {
        acting
            .as_ref()
            .is_some_and(|acting| acting.scopes.contains(scope))
    };
    if !has(Scope::PasskeysEnrol) {
        return Err(InviteError::EnrolScopeMissing);
    }
    if !has(Scope::GrantsWrite) && holds_grants(conn, user)? {
        return Err(InviteError::NotYours);
    }
    Ok(())
}

/// Creates a recovery link for an active user, or a new invitation link for an invited user. Voids their earlier links.
fn for_existing(
    conn: &mut Connection,
    id: UserId,
    authority: Authority,
    now: Timestamp,
) -> Result<Invitation, InviteError> {
    let user = queries::find_user(conn, id)?.ok_or(InviteError::UserUnknown)?;
    if !authority.may_manage(conn, id, &user.roles)? {
        return Err(InviteError::NotYours);
    }
    let purpose = match user.status {
        UserStatus::Invited => Purpose::Join,
        UserStatus::Active => Purpose::Recover,
        UserStatus::Suspended => return Err(InviteError::UserSuspended),
    };
    queries::void_invitations_of(conn, id, Voided::All, now)?;
    Ok(Invitation {
        user: Some(id),
        ..blank(purpose)
    })
}
