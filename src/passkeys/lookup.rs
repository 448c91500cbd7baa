//! Finds passkeys, and users by their passkeys.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::queries::{Passkey, PasskeyFilter};
use super::{Passkeys, queries};
use crate::base::ids::{PasskeyId, UserId};
use crate::db;

/// Minimum length of a credential ID, in bytes (WebAuthn Level 3 §4, “Credential ID”). Many usernames are shorter.
const MIN_CREDENTIAL_ID_LEN: usize = 16;

impl Passkeys {
    /// Lists a user's passkeys, oldest first.
    pub async fn list(&self, user: UserId, filter: PasskeyFilter) -> db::Result<Vec<Passkey>> {
        self.database
            .read(move |conn| queries::list(conn, user, filter))
            .await
    }

    /// Finds the owner of a passkey, which may be revoked.
    pub async fn find_owner(&self, id: PasskeyId) -> db::Result<Option<UserId>> {
        self.database
            .read(move |conn| queries::find_owner(conn, id))
            .await
    }

    /// Finds the owner of a passkey by its ID, or by its credential ID as base64url.
    pub async fn search_owner(&self, id: &str) -> db::Result<Option<UserId>> {
        let passkey = PasskeyId::parse(id);
        let credential_id = URL_SAFE_NO_PAD.decode(id).unwrap_or_default();
        if passkey.is_none() && credential_id.len() < MIN_CREDENTIAL_ID_LEN {
            return Ok(None);
        }
        self.database
            .read(move |conn| match passkey {
                Some(id) => queries::find_owner(conn, id),
                None => queries::find_owner_of_credential(conn, &credential_id),
            })
            .await
    }

    /// Counts the valid passkeys of each of these users. Users without any are left out.
    pub async fn count_live(&self, users: Vec<UserId>) -> db::Result<HashMap<UserId, u64>> {
        self.database
            .read(move |conn| queries::count_live(conn, &users))
            .await
    }

    /// Finds the names of these passkeys, including revoked ones.
    pub async fn names(&self, ids: Vec<PasskeyId>) -> db::Result<HashMap<PasskeyId, String>> {
        self.database
            .read(move |conn| queries::list_names(conn, &ids))
            .await
    }
}
