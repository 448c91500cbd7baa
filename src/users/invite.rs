//! Creates single-use links for new users, for users who lost their passkeys, and for a user's own other device.

use serde_json::json;

use super::invitation::{Invitation, InvitationLink, InviteError, NewInvitation, blank};
use super::link_creator::LinkCreator;
use super::link_validity::{
    DEFAULT_INVITATION_TTL, DEVICE_LINK_TTL, MAX_INVITATION_TTL, MIN_INVITATION_TTL,
};
use super::lookup::resolve;
use super::permissions::{Permissions, Permit};
use super::purpose::LinkPurpose;
use super::queries::LinksToVoid;
use super::user::User;
use super::{HasResourceRoles, Users, queries};
use crate::account_state::UserStatus;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::secrets::Token;
use crate::clients::{self, ActingAs, Scope};
use crate::db::Connection;
use crate::history::{self, Author, Event};
use crate::sessions::LiveSession;

impl Users {
    /// Creates a link for a new user, or for an existing user who needs a new passkey.
    pub async fn invite(
        &self,
        mut new: NewInvitation,
        permit: Permit,
    ) -> Result<InvitationLink, InviteError> {
        new.roles.sort_unstable();
        new.roles.dedup();
        let lifetime = new.lifetime.unwrap_or(DEFAULT_INVITATION_TTL);
        if !(MIN_INVITATION_TTL..=MAX_INVITATION_TTL).contains(&lifetime) {
            return Err(InviteError::InvalidLifetime);
        }
        let token = Token::generate();
        let hash = token.hash();
        let expires_at = self.clock.now().after(lifetime);
        let (database, has_resource_roles) = (self.database.clone(), self.has_resource_roles);
        let user_id = self
            .database
            .write(move |conn| {
                let known = new.find_user(conn)?;
                let author = permit.acting.check(conn, known.as_slice())?;
                new.lock_roles(conn)?;
                let now = database.now(conn)?;
                let permissions = permit.permissions;
                let invitation = match known {
                    Some(user) => {
                        require_recovery_permission(
                            conn,
                            permissions,
                            &author,
                            (user, has_resource_roles),
                        )?;
                        for_existing(conn, user, permissions, now)?
                    }
                    None => for_new(conn, new, permissions, now, &author)?,
                };
                let invitation = Invitation {
                    expires_at,
                    creator: LinkCreator::of(conn, &author, permit.acting.credential())?,
                    ..invitation
                };
                queries::insert_invitation(conn, &invitation, &hash, now, &author)?;
                let mut event = Event::done("user.invited").details(json!({
                    "invitation": invitation.id,
                    "purpose": invitation.purpose,
                    "roles": invitation.roles,
                    "expires_at": invitation.expires_at,
                    "email_verified": invitation.email_verified,
                }));
                event.subject = invitation.user_id;
                history::record(conn, now, &author, event)?;
                Ok::<_, InviteError>(invitation.user_id)
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
        let expires_at = self.clock.now().after(DEVICE_LINK_TTL);
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                // Checked under the lock, so that a session which was just ended leaves no link behind.
                let author = acting.check(conn, &[user])?;
                let now = database.now(conn)?;
                queries::void_links(conn, LinksToVoid::DeviceLinks(user), now)?;
                let invitation = Invitation {
                    user_id: Some(user),
                    by_session: Some(session.id),
                    expires_at,
                    creator: LinkCreator::with_epochs(conn, &author)?,
                    ..blank(LinkPurpose::AddDevice)
                };
                queries::insert_invitation(conn, &invitation, &hash, now, &author)?;
                let event = Event::done("passkey.device_link_created").subject(user);
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
            return Err(InviteError::ExtraFields);
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
fn require_recovery_permission(
    conn: &mut Connection,
    permissions: Permissions,
    author: &Author,
    (user, has_resource_roles): (UserId, HasResourceRoles),
) -> Result<(), InviteError> {
    if permissions != Permissions::Client {
        return Ok(());
    }
    let acting = match author.client() {
        Some(client) => clients::find_permissions(conn, client)?,
        None => None,
    };
    let has = |scope| {
        acting
            .as_ref()
            .is_some_and(|acting| acting.scopes.contains(scope))
    };
    if !has(Scope::PasskeysEnrol) {
        return Err(InviteError::RecoveryScopeMissing);
    }
    if !has(Scope::RoleAssignmentsWrite) && has_resource_roles(conn, user)? {
        return Err(InviteError::NotPermitted);
    }
    Ok(())
}

/// Creates a recovery link for an active user, or a new invitation link for an invited user. Voids their earlier links.
fn for_existing(
    conn: &mut Connection,
    id: UserId,
    permissions: Permissions,
    now: Timestamp,
) -> Result<Invitation, InviteError> {
    let user = queries::find_user(conn, id)?.ok_or(InviteError::UserUnknown)?;
    if !permissions.may_manage(conn, id, &user.roles)? {
        return Err(InviteError::NotPermitted);
    }
    let purpose = match user.status {
        UserStatus::Invited => LinkPurpose::Join,
        UserStatus::Active => LinkPurpose::Recover,
        UserStatus::Suspended => return Err(InviteError::UserSuspended),
    };
    queries::void_links(conn, LinksToVoid::For(id), now)?;
    Ok(Invitation {
        user_id: Some(id),
        ..blank(purpose)
    })
}

/// Creates an invitation link. If a username is given, the user is created now, as invited, which reserves the username.
fn for_new(
    conn: &mut Connection,
    new: NewInvitation,
    permissions: Permissions,
    now: Timestamp,
    author: &Author,
) -> Result<Invitation, InviteError> {
    if !permissions.may_invite(conn, &new.roles)? {
        // Only callers who manage users by their roles are refused for a missing role.
        let is_roleless = new.roles.is_empty();
        return Err(if is_roleless {
            InviteError::RoleNeeded
        } else {
            InviteError::NotPermitted
        });
    }
    let email_verified = counts_as_verified(conn, &new, permissions, author)?;
    let NewInvitation {
        username,
        email,
        display_name,
        roles,
        ..
    } = new;
    let email = email.map(|email| email.to_string());
    let display_name = display_name.map(|name| name.to_string());
    let Some(username) = username else {
        return Ok(Invitation {
            email,
            email_verified,
            display_name,
            roles,
            ..blank(LinkPurpose::Join)
        });
    };
    if queries::find_by_any_username(conn, username.as_str())?.is_some() {
        return Err(InviteError::UsernameTaken);
    }
    let (id, username) = (UserId::random(), username.to_string());
    let mut user = User {
        email,
        roles: roles.clone(),
        ..User::new(id, username, display_name, UserStatus::Invited, now)
    };
    if email_verified {
        user.confirm_email(now, author.user());
    }
    user.create(conn, author)?;
    Ok(Invitation {
        user_id: Some(user.id),
        email_verified,
        roles,
        ..blank(LinkPurpose::Join)
    })
}

/// Whether the email address in the invitation counts as verified.
fn counts_as_verified(
    conn: &mut Connection,
    new: &NewInvitation,
    permissions: Permissions,
    author: &Author,
) -> Result<bool, InviteError> {
    let may_confirm_email = permissions.may_confirm_email(conn, author)?;
    let has_address = new.email.is_some();
    match new.email_verified {
        Some(_) if !may_confirm_email => Err(InviteError::EmailVerificationNotPermitted),
        Some(true) if !has_address => Err(InviteError::EmailMissing),
        Some(is_verified) => Ok(is_verified),
        None => Ok(may_confirm_email && has_address),
    }
}
