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
    /// Public ID of the session.
    pub id: SessionId,
    /// Whether it is the session of the request.
    pub is_this: bool,
    /// Browser and operating system.
    pub browser: String,
    /// IP address of the sign-in.
    pub address: String,
    /// Time of creation.
    pub created: Timestamp,
    /// When it was last used.
    pub last_seen: Timestamp,
    /// Passkeys that the session depends on.
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
