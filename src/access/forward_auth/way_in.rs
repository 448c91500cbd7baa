//! The sign-in flow from a protected host to Doorward and back: a pending sign-in, then a handoff code that creates the
//! forward-auth session.
//!
//! Both are stored under the hash of a random ID, and their own `expires_at` is checked. A pending sign-in is removed by
//! an atomic read-and-delete when its code has been stored; the use of a code is recorded as a row in the database. Both
//! are bound to one browser at one host by a cookie that the host set, so that an attacker can't complete a sign-in in
//! another user's browser.

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

/// Lifetime of a pending sign-in: enough for the user to find their passkey.
const WAITING: Duration = Duration::from_secs(900);
/// Lifetime of a handoff code: enough for the redirect.
const TICKET: Duration = Duration::from_secs(60);

/// Path at the protected host to which the browser returns with its handoff code.
pub const CALLBACK: &str = "/.doorward/callback";

/// A sign-in that waits for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Authority of the protected host.
    pub host: String,
    path: String,
    /// SHA-256 of the browser's cookie at the host.
    browser: String,
    /// Sign-in that a policy requires, if any.
    needed: Option<Needed>,
    began_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Needed {
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

impl Pending {
    /// Whether a session has one of the required `acr` values.
    pub fn is_strong(&self, session: &LiveSession) -> bool {
        self.needed.as_ref().is_none_or(|needed| {
            needed.acr_values.is_empty() || needed.acr_values.contains(&session.acr)
        })
    }

    /// Whether the session's last passkey authentication is recent enough. One after the start of this flow always is.
    fn is_fresh(&self, session: &LiveSession, now: Timestamp) -> bool {
        let most = self.needed.as_ref().and_then(|needed| needed.max_age);
        most.is_none_or(|most| {
            now.since(session.auth_time).as_secs() <= most || session.auth_time > self.began_at
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    host: String,
    path: String,
    browser: String,
    after_step_up: bool,
    expires_at: Timestamp,
    lent: Lent,
}

/// Why the flow can't continue.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// The ID or code was used, has expired, belongs to another browser or host, or never existed. The response is the
    /// same for all of these.
    #[error("no target: {0}")]
    Gone(&'static str),
    /// A store is unavailable.
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
            // The code may have been used: the user starts again, and is redirected immediately because they are signed in.
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
    /// Stores a pending sign-in, and returns the URL at Doorward where the flow continues.
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

    /// Returns the pending sign-in with an ID.
    ///
    /// # Errors
    /// [`WayError::Gone`] if there is none or it has expired.
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

    /// Whether the user's sign-in meets the requirements of a pending sign-in.
    pub fn is_enough(&self, pending: &Pending, person: &SignedIn) -> bool {
        let session = &person.session;
        pending.is_strong(session) && pending.is_fresh(session, self.clock.now())
    }

    /// Issues a handoff code for a completed sign-in, and returns the callback URL at the protected host. The pending sign-in is
    /// deleted after the code is stored.
    ///
    /// # Errors
    /// [`WayError::Gone`] for all but one of several concurrent calls, if the host is no longer protected, or if the sign-in
    /// is not sufficient.
    pub async fn issue(
        &self,
        id: &Token,
        pending: &Pending,
        person: &SignedIn,
    ) -> Result<String, WayError> {
        // The route may have been removed in the meantime.
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
            // The code is single-use even if the pending sign-in couldn't be deleted.
            Err(error) => {
                tracing::warn!(%error, "can't delete a completed request; it will expire");
            }
        }
        Ok(host.with_path(&format!("{CALLBACK}?ticket={}", ticket.expose())))
    }

    /// Redeems a handoff code at a host, and returns the key of the new forward-auth session and the path to continue to. The
    /// session is stored before the use of the code is committed; until then its key isn't returned to any browser.
    ///
    /// # Errors
    /// [`WayError::Gone`] if the code is invalid, was used, or belongs to another host or browser.
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
                // A code that is tried at another host or in another browser is revoked.
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

    /// Parses the stored code, and checks that it hasn't expired and belongs to this host and browser.
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

    /// Deletes a forward-auth session that was replaced or that the user ended.
    pub async fn close(&self, key: &DoorKey) -> Result<(), Away> {
        self.sessions.close_door(key).await
    }
}

/// Path of Doorward's page where a pending sign-in continues.
pub fn path_of(id: &Token) -> String {
    format!("/forward-auth/login?id={}", id.expose())
}
