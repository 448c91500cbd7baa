//! The way from a protected host through the sign-in and back: a request that waits, and a ticket that opens the door.
//!
//! Both are stored under the hash of a random id, and judged by their own end. A request is taken out by one read-and-delete when
//! its ticket is stored; the use of a ticket is a row of the database. Both belong to one browser at one host, by a mark that the
//! host has set there: nobody can send somebody else through a door.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ForwardAuth;
use super::target::Target;
use crate::access::Wanted;
use crate::access::routes::AppHost;
use crate::base::clock::Timestamp;
use crate::base::secrets::{Token, TokenHash};
use crate::db;
use crate::ephemeral::Away;
use crate::sessions::{DoorError, DoorKey, Lent, LiveSession, SignedIn, SingleUse, UseError};
use crate::standing::Unavailable;

/// As long as somebody may look for their passkey.
const WAITING: Duration = Duration::from_secs(900);
/// As long as a browser takes from here to there.
const TICKET: Duration = Duration::from_secs(60);

/// Where a browser comes back to, with its ticket.
pub const CALLBACK: &str = "/.doorward/callback";

/// A request that waits for its person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The host.
    pub host: String,
    /// Path and query there.
    path: String,
    /// SHA-256 of the mark of the browser there.
    browser: String,
    /// What a policy wanted of the sign-in, if anything.
    needed: Option<Needed>,
    began_at: Timestamp,
    expires_at: Timestamp,
}

/// What a sign-in must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Needed {
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

impl Pending {
    /// Whether a session is strong enough.
    pub fn is_strong(&self, session: &LiveSession) -> bool {
        self.needed.as_ref().is_none_or(|needed| {
            needed.acr_values.is_empty() || needed.acr_values.contains(&session.acr)
        })
    }

    /// Whether its last ceremony is fresh enough; one after the request began always is.
    fn is_fresh(&self, session: &LiveSession, now: Timestamp) -> bool {
        let most = self.needed.as_ref().and_then(|needed| needed.max_age);
        most.is_none_or(|most| {
            now.since(session.auth_time).as_secs() <= most || session.auth_time > self.began_at
        })
    }
}

/// A way back that is used once.
#[derive(Serialize, Deserialize)]
struct Ticket {
    host: String,
    path: String,
    browser: String,
    after_step_up: bool,
    expires_at: Timestamp,
    lent: Lent,
}

/// Why there is no way on.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// Used, expired, another browser's or host's, or never there: all look alike.
    #[error("no target: {0}")]
    Gone(&'static str),
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<Away> for WayError {
    fn from(error: Away) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DoorError> for WayError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Closed(reason) => Self::Gone(reason),
            DoorError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl From<UseError> for WayError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::Used => Self::Gone("used"),
            // It may be used: the person starts again, and is sent on at once.
            UseError::Database(db::Error::InDoubt(cause)) => {
                tracing::error!(cause, "the outcome of using a ticket is unknown");
                Self::Gone("interrupted")
            }
            UseError::Database(error) => Self::Unavailable(error.into()),
        }
    }
}

fn request_key(id: &Token) -> String {
    format!("door-request:{}", id.hash().to_text())
}

fn ticket_key(ticket: &Token) -> String {
    format!("door-ticket:{}", ticket.hash().to_text())
}

fn text(value: &impl Serialize) -> Result<String, Away> {
    serde_json::to_string(value).map_err(|error| Away(format!("not JSON: {error}")))
}

impl ForwardAuth {
    /// Keeps a request of a browser: the address at this place where it goes on.
    pub async fn begin(
        &self,
        target: &Target,
        browser: TokenHash,
        wanted: Option<Wanted>,
    ) -> Result<String, Away> {
        let id = Token::generate();
        let now = self.clock.now();
        let needed = wanted.map(|wanted| Needed {
            acr_values: wanted.acr_values.iter().map(ToString::to_string).collect(),
            max_age: wanted.max_age,
        });
        let pending = Pending {
            host: target.host.authority().to_owned(),
            path: target.path_and_query().to_owned(),
            browser: browser.to_text(),
            needed,
            began_at: now,
            expires_at: now.after(WAITING),
        };
        let key = request_key(&id);
        self.ephemeral.put(&key, &text(&pending)?, WAITING).await?;
        Ok(self.place.with_path(&path_of(&id)))
    }

    /// The request of an id.
    ///
    /// # Errors
    /// `Gone`, or the store is away.
    pub async fn find_pending(&self, id: &str) -> Result<(Token, Pending), WayError> {
        let id = Token::parse(id).ok_or(WayError::Gone("no-id"))?;
        let stored = self.ephemeral.get(&[&request_key(&id)]).await?;
        let pending = self.read_pending(stored.into_iter().next().flatten())?;
        Ok((id, pending))
    }

    fn read_pending(&self, stored: Option<String>) -> Result<Pending, WayError> {
        let stored = stored.ok_or(WayError::Gone("not-there"))?;
        let pending: Pending =
            serde_json::from_str(&stored).map_err(|_| WayError::Gone("unreadable"))?;
        if self.clock.now() >= pending.expires_at {
            return Err(WayError::Gone("expired"));
        }
        Ok(pending)
    }

    /// Whether somebody's sign-in is all that a request needs.
    pub fn is_enough(&self, pending: &Pending, person: &SignedIn) -> bool {
        let session = &person.session;
        pending.is_strong(session) && pending.is_fresh(session, self.clock.now())
    }

    /// Sends the person of a request on: the address with a ticket, at a host that is still protected. The request is taken out
    /// when the ticket is stored.
    ///
    /// # Errors
    /// `Gone` for all but one, or a store is away.
    pub async fn issue(
        &self,
        id: &Token,
        pending: &Pending,
        person: &SignedIn,
    ) -> Result<String, WayError> {
        // A route may be gone by now.
        let host = self.routes.host(&pending.host);
        let host = host.ok_or(WayError::Gone("unknown-host"))?;
        if !self.is_enough(pending, person) {
            return Err(WayError::Gone("not-enough"));
        }
        let ticket = Token::generate();
        let written = Ticket {
            host: pending.host.clone(),
            path: pending.path.clone(),
            browser: pending.browser.clone(),
            after_step_up: pending.needed.is_some(),
            expires_at: self.clock.now().after(TICKET),
            lent: person.lend(),
        };
        let key = ticket_key(&ticket);
        self.ephemeral.put(&key, &text(&written)?, TICKET).await?;
        match self.ephemeral.take(&request_key(id)).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.forget(&key).await;
                return Err(WayError::Gone("answered"));
            }
            // The ticket is good for one use, whatever became of the request.
            Err(error) => {
                tracing::warn!(%error, "can't delete a completed request; it will expire");
            }
        }
        Ok(host.with_path(&format!("{CALLBACK}?ticket={}", ticket.expose())))
    }

    /// Uses a ticket at a host: the new door, and the path to go on to. The ticket's use is committed when the door is stored;
    /// before that nobody holds the door's key.
    ///
    /// # Errors
    /// `Gone`, or a store is away.
    pub async fn redeem(
        &self,
        host: &AppHost,
        ticket: &str,
        browser: Option<TokenHash>,
    ) -> Result<(DoorKey, String), WayError> {
        let token = Token::parse(ticket).ok_or(WayError::Gone("no-ticket"))?;
        let stored_at = ticket_key(&token);
        let stored = self.ephemeral.get(&[&stored_at]).await?;
        let ticket = match self.read_ticket(stored, host, browser) {
            Ok(ticket) => ticket,
            Err(error) => {
                // Tried at another host or by another browser, it is over.
                self.forget(&stored_at).await;
                return Err(error);
            }
        };
        let key = self
            .sessions
            .open_door(host.authority(), ticket.lent, ticket.after_step_up)
            .await?;
        let single_use = SingleUse::new(token.hash(), ticket.expires_at);
        let used = self.sessions.consume(single_use).await;
        if let Err(error) = used {
            if let Err(error) = self.close(&key).await {
                tracing::warn!(%error, "can't delete an unused forward-auth session; it will expire");
            }
            return Err(error.into());
        }
        self.forget(&stored_at).await;
        Ok((key, ticket.path))
    }

    /// The ticket that is stored, if it is for this host and browser.
    fn read_ticket(
        &self,
        stored: Vec<Option<String>>,
        host: &AppHost,
        browser: Option<TokenHash>,
    ) -> Result<Ticket, WayError> {
        let stored = stored.into_iter().next().flatten();
        let stored = stored.ok_or(WayError::Gone("not-there"))?;
        let ticket: Ticket =
            serde_json::from_str(&stored).map_err(|_| WayError::Gone("unreadable"))?;
        if self.clock.now() >= ticket.expires_at {
            return Err(WayError::Gone("expired"));
        }
        if ticket.host != host.authority() {
            return Err(WayError::Gone("other-host"));
        }
        let bound = TokenHash::from_text(&ticket.browser);
        if browser.is_none() || bound != browser {
            return Err(WayError::Gone("other-browser"));
        }
        Ok(ticket)
    }

    async fn forget(&self, key: &str) {
        if let Err(error) = self.ephemeral.remove(key).await {
            tracing::warn!(%error, "can't delete a ticket; it will expire");
        }
    }

    /// Forgets a door that another one replaces, or that its person shuts.
    pub async fn close(&self, key: &DoorKey) -> Result<(), Away> {
        self.sessions.close_door(key).await
    }
}

/// The page of this place where a request goes on.
pub fn path_of(id: &Token) -> String {
    format!("/forward-auth/login?id={}", id.expose())
}
