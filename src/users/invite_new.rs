//! Creates an invitation for a new user.

use serde_json::Map;

use super::email_state::EmailState;
use super::invitation::{Invitation, InviteError, NewInvitation, blank};
use super::purpose::Purpose;
use super::queries;
use super::rights::Authority;
use super::user::User;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::Connection;
use crate::history::Author;
use crate::standing::UserStatus;

/// Creates an invitation link. If a username is given, the user is created now, as invited, which reserves the username.
pub(super) fn for_new(
    conn: &mut Connection,
    wanted: NewInvitation,
    authority: Authority,
    now: Timestamp,
    author: &Author,
) -> Result<Invitation, InviteError> {
    if !authority.may_invite(conn, &wanted.roles)? {
        // Only callers who manage users by their roles are refused for a missing role.
        let is_roleless = wanted.roles.is_empty();
        return Err(if is_roleless {
            InviteError::RoleNeeded
        } else {
            InviteError::NotYours
        });
    }
    let email_vouched = is_vouched(conn, &wanted, authority, author)?;
    let NewInvitation {
        username,
        email,
        display_name,
        roles,
        ..
    } = wanted;
    let email = email.map(|email| email.as_str().to_owned());
    let display_name = display_name.map(|name| name.as_str().to_owned());
    let Some(username) = username else {
        return Ok(Invitation {
            email,
            email_vouched,
            display_name,
            roles,
            ..blank(Purpose::Join)
        });
    };
    if queries::find_namesake(conn, username.as_str())?.is_some() {
        return Err(InviteError::UsernameTaken);
    }
    let mut user = User {
        id: UserId::random(),
        username: username.as_str().to_owned(),
        email,
        email_state: EmailState::Unverified,
        email_verified_at: None,
        email_verified_by: None,
        display_name: display_name.unwrap_or_else(|| username.as_str().to_owned()),
        status: UserStatus::Invited,
        attributes: Map::new(),
        roles: roles.clone(),
        created_at: now,
        version: 1,
        as_of: now,
    };
    if email_vouched {
        user.vouch(now, author.user());
    }
    user.create(conn, author)?;
    Ok(Invitation {
        user: Some(user.id),
        email_vouched,
        roles,
        ..blank(Purpose::Join)
    })
}

/// Whether the email address in the invitation counts as verified.
fn is_vouched(
    conn: &mut Connection,
    wanted: &NewInvitation,
    authority: Authority,
    author: &Author,
) -> Result<bool, InviteError> {
    let vouches = authority.vouches(conn, author)?;
    let has_address = wanted.email.is_some();
    match wanted.email_verified {
        Some(_) if !vouches => Err(InviteError::NotVouched),
        Some(true) if !has_address => Err(InviteError::NoAddress),
        Some(is_verified) => Ok(is_verified),
        None => Ok(vouches && has_address),
    }
}
