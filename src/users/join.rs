//! Consumes an invitation, in the transaction that stores the passkey.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::invitation::Invitation;
use super::link_validity::{JoinError, open_invitation};
use super::purpose::LinkPurpose;
use super::queries;
use super::user::User;
use crate::account_state::{self, UserStatus};
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::clients;
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};
use crate::sessions;

/// What the user of a set-up or invitation link entered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The user ID that the ceremony was started with, which is the user handle in the passkey.
    pub id: UserId,
    /// The chosen username, if the invitation leaves it open.
    pub username: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// Email address; only of the first administrator, for whom it counts as verified.
    #[serde(default)]
    pub email: Option<String>,
}

/// Reports early that a username is taken. The unique index decides when the user is created.
pub fn require_unused_username(conn: &mut Connection, username: &str) -> Result<(), JoinError> {
    match queries::find_by_any_username(conn, username)? {
        Some(_) => Err(JoinError::UsernameTaken),
        None => Ok(()),
    }
}

/// Locks what an invitation depends on, in this order: the client that created it, so that it can't lose its secret or a scope;
/// the account states of the user it is for, if they exist already, and of the user who created it, so that their permission can't
/// be withdrawn concurrently; for a new user, the roles in it, so that they can be neither deleted nor changed.
pub fn lock_invitation_parties(conn: &mut Connection, token: &TokenHash) -> db::Result<()> {
    let Some(found) = queries::find_invitation(conn, token)? else {
        return Ok(());
    };
    if let Some(client) = found.by_client {
        clients::lock_permissions(conn, client)?;
    }
    match found.user_id {
        Some(user) => {
            account_state::lock_with_actor(conn, user, found.by_user)?;
        }
        None => {
            if let Some(creator) = found.by_user {
                account_state::lock(conn, creator)?;
            }
            queries::lock_roles(conn, &found.roles)?;
        }
    }
    Ok(())
}

/// Consumes the invitation, and creates, activates or finds the user who gets the passkey. Returns the user, and the session that
/// created the link if it is for another device of theirs.
///
/// Bumps the version of an existing user's account state, which the caller has locked ([`lock_invitation_parties`]). As everywhere,
/// it is locked before the invitation, so that a link which is created concurrently for the same user waits.
///
/// The expiry of the link is checked against `checked_at`, from the server's clock, which also dated the link; the database's clock
/// (`now`) only orders changes.
///
/// # Errors
/// Of any number of concurrent uses, all but one get `Used`.
pub fn accept(
    conn: &mut Connection,
    token: &TokenHash,
    join_request: &JoinRequest,
    checked_at: Timestamp,
    now: Timestamp,
    author: &Author,
) -> Result<(User, Option<SessionId>), JoinError> {
    let (invitation, user) = open_invitation(conn, token, checked_at)?;
    if let Some(user) = &user {
        account_state::bump_version(conn, user.id, now)?;
    }
    let id = user.as_ref().map_or(join_request.id, |user| user.id);
    if !queries::consume_invitation(conn, invitation.id, id, now)? {
        return Err(JoinError::Used);
    }
    let author = author.acting_as(Actor::User(id));
    let by_session = invitation.by_session;
    let user = match user {
        None => create_user(conn, invitation, join_request, now, &author),
        Some(user) => {
            accept_existing_user(conn, user, invitation.purpose, join_request, now, &author)
        }
    }?;
    if user.is_administrator() {
        queries::close_set_up(conn, user.id, now)?;
    }
    Ok((user, by_session))
}

fn create_user(
    conn: &mut Connection,
    invitation: Invitation,
    join_request: &JoinRequest,
    now: Timestamp,
    author: &Author,
) -> Result<User, JoinError> {
    let username = join_request
        .username
        .clone()
        .ok_or(JoinError::UsernameMissing)?;
    let display_name = join_request.display_name.clone();
    let display_name = display_name.or(invitation.display_name);
    let id = join_request.id;
    let mut user = User {
        email: invitation.email,
        roles: invitation.roles,
        ..User::new(id, username, display_name, UserStatus::Active, now)
    };
    if invitation.email_verified {
        user.confirm_email(invitation.created_at, invitation.by_user);
    }
    let created = user.create(conn, author);
    created.map_err(|error| error.taken_as(JoinError::UsernameTaken))?;
    record_joined(conn, &user, now, author)?;
    Ok(user)
}

fn accept_existing_user(
    conn: &mut Connection,
    mut user: User,
    purpose: LinkPurpose,
    join_request: &JoinRequest,
    now: Timestamp,
    author: &Author,
) -> Result<User, JoinError> {
    match purpose {
        LinkPurpose::Join => {
            user.status = UserStatus::Active;
            if let Some(display_name) = &join_request.display_name {
                user.display_name.clone_from(display_name);
            }
            user.save(conn, now, author)?;
            record_joined(conn, &user, now, author)?;
        }
        LinkPurpose::Recover => {
            let ended = sessions::end_all_unrecorded(conn, user.id, now, "recovered")?;
            let event = Event::done("user.recovered")
                .subject(user.id)
                .details(json!({ "sessions": ended.sessions }));
            history::record(conn, now, author, event)?;
        }
        LinkPurpose::AddDevice => {}
    }
    Ok(user)
}

fn record_joined(
    conn: &mut Connection,
    user: &User,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    let event = Event::done("user.joined")
        .subject(user.id)
        .details(json!({ "username": user.username, "roles": user.roles }));
    history::record(conn, now, author, event)
}
