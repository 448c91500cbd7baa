//! A session as a line of a page.

use super::Sessions;
use super::list::SessionView;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::standing::Unavailable;
use crate::web::{Moment, browser_name};

/// A session as pages list it.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// The public id.
    pub id: SessionId,
    /// Whether it is the one of whoever looks.
    pub is_this: bool,
    /// Browser and system.
    pub browser: String,
    /// From where it was opened.
    pub address: String,
    /// When it began.
    pub created: Moment,
    /// When it was last seen.
    pub last_seen: Moment,
    /// The passkeys that it rests on.
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
            created: session.created_at.into(),
            last_seen: session.last_seen_at.into(),
            passkeys: session.passkeys,
        }
    }
}

impl Sessions {
    /// The open sessions of a person as a page lists them: the one of whoever looks first, then the newest.
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
