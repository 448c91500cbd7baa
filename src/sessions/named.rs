//! Finds a valid session by its public ID (the `sid` of tokens).

use super::key::{Seen, seen_key};
use super::{Sessions, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::SessionId;
use crate::standing::{Claim, Standing, Unavailable, Verdict};

/// How and when the user of a valid session authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSession {
    /// `acr` of the session.
    pub acr: String,
    /// `amr` of the session: the authentication methods used.
    pub amr: Vec<String>,
    /// Time of the last ceremony.
    pub auth_time: Timestamp,
}

impl Sessions {
    /// Returns the user's session with this ID if it is valid: it has not ended, has not expired or reached the idle timeout, and
    /// the account state accepts it. This does not extend the session.
    pub async fn find_good(
        &self,
        standing: &Standing,
        session: SessionId,
    ) -> Result<Option<NamedSession>, Unavailable> {
        let user = standing.user_id;
        let found = self
            .database
            .read(move |conn| queries::find_named(conn, user, session));
        let Some(row) = found.await? else {
            return Ok(None);
        };
        let claim = Claim {
            session,
            epoch: row.epoch,
            passkeys: &row.passkeys.0,
            auth_time: None,
        };
        let judged = self
            .standings
            .judge(standing.clone(), |record| record.judge(&claim))
            .await?;
        // The row says that the session has not ended, and the row is authoritative.
        let is_good = judged
            .is_some_and(|(_, verdict)| matches!(verdict, Verdict::Good | Verdict::AskTheRow));
        let now = self.clock.now();
        if !is_good || row.absolute_end <= now {
            return Ok(None);
        }
        let seen = self.ephemeral.get(&[&seen_key(user, session)]).await?;
        let seen = seen.into_iter().next().flatten();
        let is_idle = seen
            .and_then(|seen| Seen::parse(&seen))
            .is_none_or(|seen| seen.at.after(self.idle_timeout) <= now);
        Ok((!is_idle).then_some(NamedSession {
            acr: row.acr,
            amr: row.amr.0,
            auth_time: row.auth_time,
        }))
    }
}
