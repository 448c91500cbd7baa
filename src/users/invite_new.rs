//! Creates an invitation for a new user.

use super::invitation::{Invitation, InviteError, NewInvitation, blank};
use super::permissions::Permissions;
use super::purpose::LinkPurpose;
use super::queries;
use super::user::User;
use crate::account_state::UserStatus;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::Connection;
use crate::history::Author;

/// Creates an invitation link. If a username is given, the user is created now, as invited, which reserves the username.
pub(super) fn for_new(
    conn: &mut Connection,
    wanted: NewInvitation,
    permissions: Permissions,
    now: Timestamp,
    author: &Author,
) -> Result<Invitation, InviteError> {
    if !permissions.may_invite(conn, &wanted.roles)? {
        // Only callers who manage users by their roles are refused for a missing role.
        let is_roleless = wanted.roles.is_empty();
        return Err(if is_roleless {
            InviteError::RoleNeeded
        } else {
            InviteError::NotPermitted
        });
    }
    let email_confirmed = is_email_confirmed(conn, &wanted, permissions, author)?;
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
            email_confirmed,
            display_name,
            roles,
            ..blank(LinkPurpose::Join)
        });
    };
    if queries::find_by_any_username(conn, username.as_str())?.is_some() {
        return Err(InviteError::UsernameTaken);
    }
    let username = username.as_str().to_owned();
    let mut user = User {
        email,
        roles: roles.clone(),
        ..User::new(
            UserId::random(),
            username,
            display_name,
            UserStatus::Invited,
            now,
        )
    };
    if email_confirmed {
        user.confirm_email(now, author.user());
    }
    user.create(conn, author)?;
    Ok(Invitation {
        user: Some(user.id),
        email_confirmed,
        roles,
        ..blank(LinkPurpose::Join)
    })
}

/// Whether the email address in the invitation counts as verified.
fn is_email_confirmed(
    conn: &mut Connection,
    wanted: &NewInvitation,
    permissions: Permissions,
    author: &Author,
) -> Result<bool, InviteError> {
    let may_confirm_email = permissions.may_confirm_email(conn, author)?;
    let has_address = wanted.email.is_some();
    match wanted.email_verified {
        Some(_) if !may_confirm_email => Err(InviteError::ConfirmationNotAllowed),
        Some(true) if !has_address => Err(InviteError::EmailMissing),
        Some(is_verified) => Ok(is_verified),
        None => Ok(may_confirm_email && has_address),
    }
}
