//! Reads a user as of the user's current account state, usually without the database.

use super::{User, queries};
use crate::account_state::{self, AccountState, AccountStates, Unavailable};
use crate::base::ids::UserId;

/// Returns the key of a user's copy in the ephemeral store. It has the hash slot of the account state, so both are read together.
pub fn copy_key(user: UserId) -> String {
    format!("user:{{{user}}}")
}

/// Returns the user of an account state that was just read or checked. `copy` is the text under [`copy_key`], read with it.
pub async fn find_current(
    account_states: &AccountStates,
    account_state: &AccountState,
    copy: Option<&str>,
) -> Result<Option<User>, Unavailable> {
    let user = account_state.user_id;
    account_states
        .find_by_copy(account_state, (&copy_key(user), copy), move |conn| {
            let version = account_state::find_version(conn, user)?;
            Ok(version.zip(queries::find_user(conn, user)?))
        })
        .await
}
