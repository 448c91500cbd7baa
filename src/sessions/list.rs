//! Lists a user's sessions.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::key::{LastSeen, last_seen_key};
use super::{Sessions, queries};
use crate::account_state::{self, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::db;

/// A session as its owner and administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Public ID of the session.
    #[schema(value_type = uuid::Uuid)]
    pub id: SessionId,
    /// IDs of the passkeys that the session depends on.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub passkeys: Vec<PasskeyId>,
    /// Time of the last authentication with a passkey.
    #[schema(value_type = String, format = DateTime)]
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// IP address of the sign-in.
    pub address: Option<String>,
    /// User agent of the sign-in.
    pub user_agent: Option<String>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last used, accurate to a tenth of the idle timeout.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// Absolute expiry time, which use doesn't extend.
    #[schema(value_type = String, format = DateTime)]
    pub absolute_end: Timestamp,
}

impl Sessions {
    /// Returns when each of the users last signed in. Users who never signed in are left out.
    pub async fn last_sign_ins(
        &self,
        users: Vec<UserId>,
    ) -> db::Result<HashMap<UserId, Timestamp>> {
        let found = self
            .database
            .read(move |conn| queries::list_last_sign_ins(conn, &users))
            .await?;
        Ok(found
            .into_iter()
            .filter_map(|(user, at)| Some((user, at?)))
            .collect())
    }

    /// Lists the user's open sessions, newest first, without those that reached the idle timeout.
    pub async fn list(&self, user: UserId) -> Result<Vec<SessionView>, Unavailable> {
        let now = self.clock.now();
        let rows = self
            .database
            .read(move |conn| {
                let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
                queries::list_open(conn, user, epoch, now)
            })
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = rows.iter().map(|row| last_seen_key(user, row.id)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let last_seen = self.ephemeral.get(&keys).await?;
        Ok(rows
            .into_iter()
            .zip(last_seen)
            .filter_map(|(row, last_seen)| {
                let last_seen_at = LastSeen::parse(&last_seen?)?.at;
                (last_seen_at.after(self.idle_timeout) > now).then_some(SessionView {
                    id: row.id,
                    passkeys: row.passkeys.0,
                    auth_time: row.auth_time,
                    acr: row.acr,
                    address: row.address,
                    user_agent: row.user_agent,
                    created_at: row.created_at,
                    last_seen_at,
                    absolute_end: row.absolute_end,
                })
            })
            .collect())
    }
}
