//! Finds a valid session by its public ID (the `sid` of tokens).

use super::acr::Acr;
use super::key::{LastSeen, last_seen_key};
use super::{Sessions, queries};
use crate::account_state::{AccountState, CheckResult, SessionRef, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::SessionId;

/// How and when the user of a valid session authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAuthentication {
    /// `acr` of the session.
    pub acr: String,
    /// `amr` of the session: the authentication methods used.
    pub amr: Vec<String>,
    pub auth_time: Timestamp,
}

impl SessionAuthentication {
    /// Builds the sign-in that an `acr` stands for, with the `amr` values that belong to it.
    pub fn assumed(acr: &str, auth_time: Timestamp) -> Self {
        let strength = if acr == Acr::Synced.as_str() {
            Acr::Synced
        } else {
            Acr::DeviceBound
        };
        Self {
            acr: acr.to_owned(),
            amr: strength.amr().map(str::to_owned).to_vec(),
            auth_time,
        }
    }
}

impl Sessions {
    /// Returns the user's session with this ID if it is valid: it has not ended, has not expired or reached the idle timeout, and
    /// the account state accepts it. This does not extend the session.
    pub async fn find_valid(
        &self,
        account_state: &AccountState,
        session: SessionId,
    ) -> Result<Option<SessionAuthentication>, Unavailable> {
        let user = account_state.user_id;
        let found = self
            .database
            .read(move |conn| queries::find_open(conn, user, session));
        let Some(row) = found.await? else {
            return Ok(None);
        };
        let session_ref = SessionRef {
            session,
            epoch: row.epoch,
            passkeys: &row.passkeys.0,
            auth_time: None,
        };
        let checked = self
            .account_states
            .check(account_state.clone(), |record| {
                record.check_session(&session_ref)
            })
            .await?;
        // The row says that the session has not ended, and the row is authoritative.
        let is_valid = checked
            .is_some_and(|(_, result)| matches!(result, CheckResult::Valid | CheckResult::ReadRow));
        let now = self.clock.now();
        if !is_valid || row.absolute_end <= now {
            return Ok(None);
        }
        let seen = self
            .ephemeral
            .get_one(&last_seen_key(user, session))
            .await?;
        let is_idle = seen
            .and_then(|seen| LastSeen::parse(&seen))
            .is_none_or(|seen| seen.at.after(self.idle_timeout) <= now);
        Ok((!is_idle).then_some(SessionAuthentication {
            acr: row.acr,
            amr: row.amr.0,
            auth_time: row.auth_time,
        }))
    }
}
