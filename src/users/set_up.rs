//! The set-up link, with which the first administrator is created, once.

use serde::Serialize;
use serde_json::json;

use super::join::JoinRequest;
use super::link_validity::SET_UP_LINK_TTL;
use super::user::User;
use super::{Users, queries};
use crate::account_state::{ADMINISTRATOR, UserStatus};
use crate::base::clock::Timestamp;
use crate::base::secrets::{Token, TokenHash};
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};

/// A new set-up link, which is shown only once.
#[derive(Clone, Debug, Serialize)]
pub struct SetUpLink {
    /// URL of the link.
    pub url: String,
    /// The token in it.
    pub token: String,
    /// When the link expires.
    pub expires_at: Timestamp,
}

/// Why set-up can't continue.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The first administrator exists, so no set-up link works any more.
    #[error("setup is complete: an administrator exists")]
    Completed,
    /// The link was replaced, never existed, or has expired.
    #[error("the setup link is invalid or has expired")]
    LinkInvalid,
    /// The username is taken.
    #[error("the username is taken")]
    UsernameTaken,
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Users {
    /// Creates a set-up link, which replaces the previous one.
    ///
    /// # Errors
    /// `Completed` once the first administrator exists.
    pub async fn create_set_up_link(&self) -> Result<SetUpLink, SetUpError> {
        let token = Token::generate();
        let hash = token.hash();
        let expires_at = self.clock.now().after(SET_UP_LINK_TTL);
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                if !queries::replace_link(conn, &hash, expires_at)? {
                    return Err(SetUpError::Completed);
                }
                let now = database.now(conn)?;
                let event = Event::done("setup.link_created");
                history::record(conn, now, &Author::command(), event)?;
                Ok(())
            })
            .await?;
        Ok(SetUpLink {
            url: self
                .public_url
                .with_path(&format!("/setup/{}", token.expose())),
            token: token.expose().to_owned(),
            expires_at,
        })
    }

    /// Returns when a valid set-up link expires, without consuming the link.
    pub async fn open_set_up(&self, token: &Token) -> Result<Timestamp, SetUpError> {
        let (hash, now) = (token.hash(), self.clock.now());
        self.database
            .read(move |conn| open_set_up(conn, &hash, now))
            .await
    }

    /// Returns when the current set-up link expires; `None` if none is valid. A server that restarts doesn't replace a valid link,
    /// because it may be in use.
    ///
    /// # Errors
    /// `Completed` once the first administrator exists.
    pub async fn find_valid_set_up_link(&self) -> Result<Option<Timestamp>, SetUpError> {
        let now = self.clock.now();
        self.database
            .read(move |conn| {
                let row = queries::find_setup(conn)?;
                match row {
                    Some(row) if row.completed_at.is_some() => Err(SetUpError::Completed),
                    Some(row) => Ok(row.expires_at.filter(|end| *end > now)),
                    None => Ok(None),
                }
            })
            .await
    }
}

/// Returns when the set-up link with this token expires, if it is valid.
pub fn open_set_up(
    conn: &mut Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Timestamp, SetUpError> {
    let row = queries::find_setup(conn)?.ok_or(SetUpError::LinkInvalid)?;
    if row.completed_at.is_some() {
        return Err(SetUpError::Completed);
    }
    let stored = row.token_hash.as_deref().and_then(TokenHash::from_bytes);
    row.expires_at
        .filter(|end| stored.as_ref() == Some(token) && *end > now)
        .ok_or(SetUpError::LinkInvalid)
}

/// Consumes the set-up link and creates the first administrator, in the transaction that stores their passkey.
///
/// # Errors
/// Of any number of concurrent calls, on any number of instances, all but one get `Completed`.
pub fn complete_set_up(
    conn: &mut Connection,
    token: &TokenHash,
    join_request: &JoinRequest,
    checked_at: Timestamp,
    now: Timestamp,
    author: &Author,
) -> Result<User, SetUpError> {
    open_set_up(conn, token, checked_at)?;
    // Locked before the set-up row, as wherever a user becomes an administrator.
    queries::lock_role(conn, ADMINISTRATOR)?;
    if !queries::complete(conn, token, join_request.id, now)? {
        return Err(SetUpError::Completed);
    }
    let (id, display_name) = (join_request.id, join_request.display_name.clone());
    let username = join_request.username.clone().unwrap_or_default();
    let mut user = User {
        email: join_request.email.clone(),
        roles: vec![ADMINISTRATOR.to_owned()],
        ..User::new(id, username, display_name, UserStatus::Active, now)
    };
    if user.email.is_some() {
        user.confirm_email(now, Some(user.id));
    }
    let author = author.acting_as(Actor::User(user.id));
    let created = user.create(conn, &author);
    created.map_err(|error| error.taken_as(SetUpError::UsernameTaken))?;
    let event = Event::done("setup.completed")
        .subject(user.id)
        .details(json!({ "username": user.username, "email_state": user.email_state }));
    history::record(conn, now, &author, event)?;
    Ok(user)
}
