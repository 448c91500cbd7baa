//! Using an invitation up, in the transaction that stores the passkey.

use serde_json::{Map, json};

use super::backing::is_backed;
use super::email_state::EmailState;
use super::invitation::Invitation;
use super::purpose::Purpose;
use super::user::User;
use super::{Users, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::clients;
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};
use crate::sessions;
use crate::standing::{self, UserStatus};

/// Why an invitation lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is none of this token.
    #[error("unknown invitation")]
    Unknown,
    /// It was used.
    #[error("the invitation was already used")]
    Used,
    /// Its time is over, or a newer one took its place.
    #[error("the invitation has expired")]
    Expired,
    /// Whom it is for may not sign in.
    #[error("the user is suspended")]
    NotActive,
    /// Whoever made it may not let anybody in any more.
    #[error("the creator of the link may no longer invite users")]
    NotBacked,
    /// The name that the new person chose is taken.
    #[error("the username is taken")]
    UsernameTaken,
    /// A new person must choose a name.
    #[error("a username is required")]
    UsernameMissing,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What the person chose about themself.
#[derive(Clone, Debug)]
pub struct Joiner {
    /// The id that the ceremony was begun with: the user handle in the passkey.
    pub id: UserId,
    /// The name chosen, where the invitation leaves it open.
    pub username: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// Email address; only for the first administrator, on whose word it counts as verified.
    pub email: Option<String>,
    /// When the link is judged, by the clock that it was dated with: the database's orders changes, ours ends lives.
    pub judged_at: Timestamp,
}

/// An invitation, as the page that it leads to shows it.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The person whom it is for, if they are known.
    pub user: Option<User>,
    /// The display name of who invites, where it was a person.
    pub invited_by: Option<String>,
}

impl Users {
    /// Opens an invitation. That consumes nothing.
    ///
    /// # Errors
    /// Why it lets nobody in.
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

/// The invitation of a token, if it still lets somebody in, and the person whom it is for, if they are known.
///
/// # Errors
/// Why it lets nobody in.
pub fn open_invitation(
    conn: &mut Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<(Invitation, Option<User>), JoinError> {
    let invitation = queries::find_invitation(conn, token)?.ok_or(JoinError::Unknown)?;
    if invitation.used_at.is_some() {
        return Err(JoinError::Used);
    }
    if invitation.voided_at.is_some() || invitation.expires_at <= now {
        return Err(JoinError::Expired);
    }
    let user = match invitation.user {
        Some(id) => Some(queries::find_user(conn, id)?.ok_or(JoinError::Unknown)?),
        None => None,
    };
    let fits = match (invitation.purpose, user.as_ref().map(|user| user.status)) {
        (Purpose::Join, None | Some(UserStatus::Invited))
        | (Purpose::Recover | Purpose::AddDevice, Some(UserStatus::Active)) => true,
        (Purpose::Join | Purpose::Recover | Purpose::AddDevice, _) => false,
    };
    if !fits {
        return Err(JoinError::NotActive);
    }
    if !is_backed(conn, &invitation, user.as_ref())? {
        return Err(JoinError::NotBacked);
    }
    Ok((invitation, user))
}

/// Says early that a name is taken; what decides is the unique index, when the person is made.
///
/// # Errors
/// `UsernameTaken`.
pub fn require_free(conn: &mut Connection, username: &str) -> Result<(), JoinError> {
    match queries::find_namesake(conn, username)? {
        Some(_) => Err(JoinError::UsernameTaken),
        None => Ok(()),
    }
}

/// Locks the client that made an invitation, which can then lose neither its secret nor a scope; the standing of the person whom
/// it is for, if they are here already, and of the person who made it, whose right to it can't be taken in the same moment; for a
/// new person the roles that it gives: a role that is given can't be deleted, nor changed, either.
pub fn lock_invited(conn: &mut Connection, token: &TokenHash) -> db::Result<()> {
    let Some(found) = queries::find_invitation(conn, token)? else {
        return Ok(());
    };
    if let Some(client) = found.by_client {
        clients::lock_authority(conn, client)?;
    }
    match found.user {
        Some(user) => {
            standing::lock_with(conn, user, found.by_user)?;
        }
        None => {
            if let Some(maker) = found.by_user {
                standing::lock(conn, maker)?;
            }
            queries::lock_roles(conn, &found.roles)?;
        }
    }
    Ok(())
}

/// Uses the invitation up and makes, activates or finds the person whom the passkey will belong to. Raises their standing,
/// which the caller holds ([`lock_invited`]), and which is locked before the invitation, as everywhere: a link made for the
/// same person meanwhile waits.
/// Returns the person, and the session that made the link where it was one of their own.
///
/// # Errors
/// Why it lets nobody in; of any number of users at once all but one get `Used`.
pub fn accept(
    conn: &mut Connection,
    token: &TokenHash,
    joiner: &Joiner,
    now: Timestamp,
    author: &Author,
) -> Result<(User, Option<SessionId>), JoinError> {
    let (invitation, user) = open_invitation(conn, token, joiner.judged_at)?;
    if let Some(user) = &user {
        standing::raise(conn, user.id, now)?;
    }
    let id = user.as_ref().map_or(joiner.id, |user| user.id);
    if !queries::consume_invitation(conn, invitation.id, id, now)? {
        return Err(JoinError::Used);
    }
    let author = author.acting_as(Actor::Person(id));
    let by_session = invitation.by_session;
    let user = match user {
        None => create(conn, invitation, joiner, now, &author),
        Some(user) => admit(conn, user, invitation.purpose, joiner, now, &author),
    }?;
    if user.is_administrator() {
        queries::close_set_up(conn, user.id, now)?;
    }
    Ok((user, by_session))
}

fn create(
    conn: &mut Connection,
    invitation: Invitation,
    joiner: &Joiner,
    now: Timestamp,
    author: &Author,
) -> Result<User, JoinError> {
    let username = joiner.username.clone().ok_or(JoinError::UsernameMissing)?;
    let mut user = User {
        id: joiner.id,
        display_name: joiner
            .display_name
            .clone()
            .or(invitation.display_name)
            .unwrap_or_else(|| username.clone()),
        username,
        email: invitation.email,
        email_state: EmailState::Unverified,
        email_verified_at: None,
        email_verified_by: None,
        status: UserStatus::Active,
        attributes: Map::new(),
        roles: invitation.roles,
        created_at: now,
        version: 1,
        as_of: now,
    };
    if invitation.email_vouched {
        user.vouch(invitation.created_at, invitation.by_user);
    }
    user.create(conn, author).map_err(taken)?;
    joined(conn, &user, now, author)?;
    Ok(user)
}

fn admit(
    conn: &mut Connection,
    mut user: User,
    purpose: Purpose,
    joiner: &Joiner,
    now: Timestamp,
    author: &Author,
) -> Result<User, JoinError> {
    match purpose {
        Purpose::Join => {
            user.status = UserStatus::Active;
            if let Some(display_name) = &joiner.display_name {
                user.display_name.clone_from(display_name);
            }
            user.save(conn, now, author)?;
            joined(conn, &user, now, author)?;
        }
        Purpose::Recover => {
            let ended = sessions::end_every(conn, user.id, now, "recovered")?;
            let event = Event::done("user.recovered")
                .subject(user.id)
                .details(json!({ "sessions": ended.sessions }));
            history::record(conn, now, author, event)?;
        }
        Purpose::AddDevice => {}
    }
    Ok(user)
}

fn joined(conn: &mut Connection, user: &User, now: Timestamp, author: &Author) -> db::Result<()> {
    let event = Event::done("user.joined")
        .subject(user.id)
        .details(json!({ "username": user.username, "roles": user.roles }));
    history::record(conn, now, author, event)
}

fn taken(error: db::Error) -> JoinError {
    match error {
        db::Error::Taken(_) => JoinError::UsernameTaken,
        other => JoinError::Database(other),
    }
}
