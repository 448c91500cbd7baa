//! Sessions as pages list them.

use super::Sessions;
use super::list::SessionView;
use crate::account_state::Unavailable;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::web::browser_name;

/// Session in a list on a page.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    pub id: SessionId,
    pub is_this: bool,
    /// Browser and operating system.
    pub browser: String,
    pub address: String,
    pub created: Timestamp,
    pub last_seen: Timestamp,
    pub passkeys: Vec<PasskeyId>,
}

impl SessionEntry {
    fn new(session: SessionView, this: SessionId) -> Self {
        let unknown = || "–".to_owned();
        let user_agent = session.user_agent.as_deref();
        Self {
            id: session.id,
            is_this: session.id == this,
            browser: user_agent.and_then(browser_name).unwrap_or_else(unknown),
            address: session.address.unwrap_or_else(unknown),
            created: session.created_at,
            last_seen: session.last_seen_at,
            passkeys: session.passkeys,
        }
    }
}

impl Sessions {
    /// Lists the user's open sessions: the session `this` first, then the newest.
    pub async fn list_entries(
        &self,
        user: UserId,
        this: SessionId,
    ) -> Result<Vec<SessionEntry>, Unavailable> {
        let sessions = self.list(user).await?;
        let mut entries: Vec<SessionEntry> = sessions
            .into_iter()
            .map(|session| SessionEntry::new(session, this))
            .collect();
        entries.sort_by_key(|entry| !entry.is_this);
        Ok(entries)
    }
}
