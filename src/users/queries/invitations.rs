//! SQL of `invitations`.

use diesel::prelude::*;

use super::super::invitation::Invitation;
use super::super::link_creator::LinkCreator;
use super::super::link_validity::InvitationState;
use super::super::manage_invitations::InvitationFilter;
use super::super::purpose::LinkPurpose;
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, AuthorizationId, ClientId, InvitationId, SessionId, UserId};
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
    Option<i64>,
    Option<i64>,
    bool,
    Option<SessionId>,
    Option<AuthorizationId>,
    Option<AccessTokenId>,
);

fn invitation(row: Row) -> Result<Invitation> {
    let purpose = LinkPurpose::parse(&row.2)
        .ok_or_else(|| Error::Internal(format!("unknown purpose: {}", row.2)))?;
    Ok(Invitation {
        id: row.0,
        purpose,
        user_id: row.3,
        email: row.4,
        display_name: row.5,
        roles: row.6.0,
        by_session: row.7,
        created_at: row.8,
        expires_at: row.9,
        revoked_at: row.10,
        used_at: row.11,
        used_by: row.12,
        by_user: row.13,
        by_client: row.14,
        email_verified: row.17,
        creator: LinkCreator {
            user_epoch: row.15,
            client_epoch: row.16,
            session: row.18,
            authorization: row.19,
            token: row.20,
        },
    })
}

pub fn find_invitation(conn: &mut Connection, token: &TokenHash) -> Result<Option<Invitation>> {
    let row = invitations::table
        .filter(invitations::token_hash.eq(token.as_bytes().to_vec()))
        .first::<Row>(conn)
        .optional()?;
    row.map(invitation).transpose()
}

pub fn find_invitation_by_id(
    conn: &mut Connection,
    id: InvitationId,
) -> Result<Option<Invitation>> {
    let row = invitations::table.find(id).first::<Row>(conn).optional()?;
    row.map(invitation).transpose()
}

/// Lists a page of invitations, newest first, after the cursor; `None` if the cursor is not the ID of an invitation.
pub fn list_invitations(
    conn: &mut Connection,
    filter: &InvitationFilter,
    now: Timestamp,
    limit: i64,
) -> Result<Option<Vec<Invitation>>> {
    let mut query = invitations::table
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .limit(limit)
        .into_boxed();
    if let Some(after) = filter.after {
        let place = invitations::table
            .find(after)
            .select(invitations::created_at);
        let Some(created_at) = place.first::<Timestamp>(conn).optional()? else {
            return Ok(None);
        };
        let is_older = invitations::created_at.lt(created_at);
        let is_next = invitations::created_at
            .eq(created_at)
            .and(invitations::id.lt(after));
        query = query.filter(is_older.or(is_next));
    }
    if let Some(user) = filter.created_by {
        query = query
            .filter(invitations::by_user.eq(user))
            .filter(invitations::by_client.is_null());
    }
    let unused = invitations::used_at
        .is_null()
        .and(invitations::voided_at.is_null());
    query = match filter.state {
        None => query,
        Some(InvitationState::Open) => query.filter(unused.and(invitations::expires_at.gt(now))),
        Some(InvitationState::Expired) => query.filter(unused.and(invitations::expires_at.le(now))),
        Some(InvitationState::Used) => query.filter(invitations::used_at.is_not_null()),
        Some(InvitationState::Revoked) => query.filter(
            invitations::used_at
                .is_null()
                .and(invitations::voided_at.is_not_null()),
        ),
    };
    let rows = query.load::<Row>(conn)?;
    rows.into_iter()
        .map(invitation)
        .collect::<Result<_>>()
        .map(Some)
}

pub fn insert_invitation(
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
            invitations::user_id.eq(invitation.user_id),
            invitations::email.eq(invitation.email.as_deref()),
            invitations::display_name.eq(invitation.display_name.as_deref()),
            invitations::roles.eq(Json(invitation.roles.clone())),
            invitations::by_session.eq(invitation.by_session),
            invitations::created_at.eq(now),
            invitations::expires_at.eq(invitation.expires_at),
            invitations::by_user.eq(author.user()),
            invitations::by_client.eq(author.client()),
            invitations::user_epoch.eq(invitation.creator.user_epoch),
            invitations::client_epoch.eq(invitation.creator.client_epoch),
            invitations::email_confirmed.eq(invitation.email_verified),
            invitations::creator_session.eq(invitation.creator.session),
            invitations::creator_authorization.eq(invitation.creator.authorization),
            invitations::creator_token.eq(invitation.creator.token),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts the open links for new users who would hold this role. Users who were invited by username hold their roles already.
pub fn count_pending_with_role(conn: &mut Connection, role: &str, now: Timestamp) -> Result<usize> {
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

/// Consumes an invitation with one conditional update, of which only one succeeds if there are several at the same time.
pub fn consume_invitation(
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

/// Lists the clients that created unused links for a user.
pub fn list_link_creators(conn: &mut Connection, user: UserId) -> Result<Vec<ClientId>> {
    let creators = invitations::table
        .filter(invitations::user_id.eq(user))
        .filter(invitations::used_at.is_null())
        .filter(invitations::voided_at.is_null())
        .select(invitations::by_client.assume_not_null())
        .filter(invitations::by_client.is_not_null())
        .distinct()
        .load(conn)?;
    Ok(creators)
}

/// Which unused links to void.
#[derive(Clone, Copy, Debug)]
pub enum LinksToVoid {
    One(InvitationId),
    /// All links for a user.
    For(UserId),
    /// The links that a user created for another device of theirs.
    DeviceLinks(UserId),
    /// The links that a user created for others.
    CreatedBy(UserId),
    /// The links that a user created through a client.
    CreatedThrough(UserId, ClientId),
    /// The links for a user that a client created.
    ForByClient(UserId, ClientId),
    /// The links that a client created with one of its own access tokens.
    ByToken(ClientId, AccessTokenId),
}

/// Voids unused links, and returns their number. Sets `voided_at` rather than an earlier expiry, which would be compared with
/// another machine's clock.
pub fn void_links(conn: &mut Connection, which: LinksToVoid, now: Timestamp) -> Result<usize> {
    let unused = diesel::update(invitations::table)
        .filter(invitations::used_at.is_null())
        .filter(invitations::voided_at.is_null())
        .set(invitations::voided_at.eq(now))
        .into_boxed();
    let device_link = LinkPurpose::AddDevice.as_str();
    let query = match which {
        LinksToVoid::One(id) => unused.filter(invitations::id.eq(id)),
        LinksToVoid::For(user) => unused.filter(invitations::user_id.eq(user)),
        LinksToVoid::DeviceLinks(user) => unused
            .filter(invitations::user_id.eq(user))
            .filter(invitations::purpose.eq(device_link)),
        LinksToVoid::CreatedBy(user) => unused
            .filter(invitations::by_user.eq(user))
            .filter(invitations::purpose.ne(device_link)),
        LinksToVoid::CreatedThrough(user, client) => unused
            .filter(invitations::by_user.eq(user))
            .filter(invitations::by_client.eq(client)),
        LinksToVoid::ForByClient(user, client) => unused
            .filter(invitations::user_id.eq(user))
            .filter(invitations::by_client.eq(client)),
        LinksToVoid::ByToken(client, token) => unused
            .filter(invitations::by_client.eq(client))
            .filter(invitations::creator_token.eq(token)),
    };
    Ok(query.execute(conn)?)
}
