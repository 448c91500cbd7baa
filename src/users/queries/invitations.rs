//! SQL of `invitations`.

use diesel::prelude::*;

use super::super::invite::{Invitation, Purpose};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, InvitationId, SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::db::schema::invitations;
use crate::db::{Connection, Error, Json, Result};
use crate::history::Author;

type Row = (
    InvitationId,
    Vec<u8>,
    String,
    Option<UserId>,
    Option<String>,
    Option<String>,
    Json<Vec<String>>,
    Option<SessionId>,
    Timestamp,
    Timestamp,
    Option<Timestamp>,
    Option<Timestamp>,
    Option<UserId>,
    Option<UserId>,
    Option<ClientId>,
);

pub(in crate::users) fn find_invitation(
    conn: &mut Connection,
    token: &TokenHash,
) -> Result<Option<Invitation>> {
    let row = invitations::table
        .filter(invitations::token_hash.eq(token.as_bytes().to_vec()))
        .first::<Row>(conn)
        .optional()?;
    row.map(|row| {
        let purpose = Purpose::parse(&row.2)
            .ok_or_else(|| Error::Refused(format!("an unknown purpose: {}", row.2)))?;
        Ok(Invitation {
            id: row.0,
            purpose,
            user: row.3,
            email: row.4,
            display_name: row.5,
            roles: row.6.0,
            by_session: row.7,
            expires_at: row.9,
            is_void: row.10.is_some(),
            used_at: row.11,
            by_user: row.13,
            by_client: row.14,
        })
    })
    .transpose()
}

pub(in crate::users) fn insert_invitation(
    conn: &mut Connection,
    invitation: &Invitation,
    token: &TokenHash,
    now: Timestamp,
    author: &Author,
) -> Result<()> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(invitation.id),
            invitations::token_hash.eq(token.as_bytes().to_vec()),
            invitations::purpose.eq(invitation.purpose.as_str()),
            invitations::user_id.eq(invitation.user),
            invitations::email.eq(invitation.email.as_deref()),
            invitations::display_name.eq(invitation.display_name.as_deref()),
            invitations::roles.eq(Json(invitation.roles.clone())),
            invitations::by_session.eq(invitation.by_session),
            invitations::created_at.eq(now),
            invitations::expires_at.eq(invitation.expires_at),
            invitations::by_user.eq(author.user()),
            invitations::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// How many links wait for a new person who would hold this role. Who was invited by name holds their roles already.
pub(in crate::users) fn count_waiting(
    conn: &mut Connection,
    role: &str,
    now: Timestamp,
) -> Result<usize> {
    let waiting = invitations::table
        .filter(invitations::user_id.is_null())
        .filter(invitations::used_at.is_null())
        .filter(invitations::voided_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .select(invitations::roles)
        .load::<Json<Vec<String>>>(conn)?;
    Ok(waiting
        .iter()
        .filter(|roles| roles.0.iter().any(|named| named == role))
        .count())
}

/// Uses an invitation up, once: one atomic write decides among any number of users.
pub(in crate::users) fn consume_invitation(
    conn: &mut Connection,
    invitation: InvitationId,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    let consumed = diesel::update(invitations::table.find(invitation))
        .filter(invitations::used_at.is_null())
        .filter(invitations::voided_at.is_null())
        .set((invitations::used_at.eq(now), invitations::used_by.eq(user)))
        .execute(conn)?;
    Ok(consumed == 1)
}

/// Which unused links of a person to void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::users) enum Voided {
    /// Every one.
    All,
    /// Those that the person made for another device of theirs.
    DeviceLinks,
}

/// Voids unused links of a person: the newest alone is good. Marked, not expired: an instant would be judged by another
/// machine's clock.
pub(in crate::users) fn void_invitations_of(
    conn: &mut Connection,
    user: UserId,
    which: Voided,
    now: Timestamp,
) -> Result<()> {
    let purposes: &[Purpose] = match which {
        Voided::All => &[Purpose::Join, Purpose::Recover, Purpose::AddDevice],
        Voided::DeviceLinks => &[Purpose::AddDevice],
    };
    for purpose in purposes {
        diesel::update(invitations::table)
            .filter(invitations::user_id.eq(user))
            .filter(invitations::purpose.eq(purpose.as_str()))
            .filter(invitations::used_at.is_null())
            .filter(invitations::voided_at.is_null())
            .set(invitations::voided_at.eq(now))
            .execute(conn)?;
    }
    Ok(())
}
