//! The clients as every request asks for them: from the copy in the ephemeral store, else from the database.

use std::sync::Arc;

use serde_json::json;

use super::lifetimes::GivenLifetimes;
use super::parsed::Parsed;
use super::record::{ClientRecord, RevokedToken};
use super::{ClientError, queries};
use crate::base::clock::{Clock, Stopwatch, Timestamp};
use crate::base::config::{Config, Origin};
use crate::base::ids::{AccessTokenId, ClientId};
use crate::base::seal::Sealer;
use crate::db::{self, Connection, Database};
use crate::ephemeral::Ephemeral;
use crate::history::{self, Author, Event};
use crate::standing::{ChangePending, Copies, SLOWEST_FILL, Unavailable};

/// More tokens revoked one by one than this, and the epoch of the client's own tokens is raised instead.
const MOST_REVOKED: usize = 64;

/// This OpenID provider, as clients need to know it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its origin, which is no client's audience.
    pub origin: Origin,
    /// Its name on its pages (`passkeys.rp_name`).
    pub name: String,
    /// How long services may make the lifetimes of clients.
    pub(super) given: GivenLifetimes,
}

impl Provider {
    /// As it is configured.
    pub fn of(config: &Config) -> Self {
        Self {
            origin: config.server.public_url.clone(),
            name: config.passkeys.rp_name.clone(),
            given: GivenLifetimes::of(config),
        }
    }
}

/// Finds the first of these roles that does not exist.
pub type FindMissingRole = fn(&mut Connection, &[String]) -> db::Result<Option<String>>;

/// All clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(super) database: Database,
    pub(super) copies: Copies<ClientId>,
    parsed: Parsed,
    pub(super) clock: Clock,
    pub(super) own: Arc<Provider>,
    pub(super) find_missing_role: FindMissingRole,
    pub(super) sealer: Sealer,
    installation: Arc<str>,
}

impl Clients {
    /// Over both stores; `own` is Doorward itself. The sealer is for the hashes of chosen secrets.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        clock: Clock,
        own: Provider,
        (sealer, find_missing_role): (Sealer, FindMissingRole),
    ) -> Self {
        Self {
            database,
            copies: Copies::new(ephemeral),
            parsed: Parsed::default(),
            clock,
            own: Arc::new(own),
            find_missing_role,
            sealer,
            installation: Arc::from(""),
        }
    }

    /// The same, with copies under keys of this installation: others that share the store may have clients of the same chosen ID.
    #[must_use]
    pub fn of_installation(self, installation: &str) -> Self {
        Self {
            installation: installation.into(),
            ..self
        }
    }

    /// Where the copy is kept.
    pub fn key(&self, id: ClientId) -> String {
        format!("client:{{{id}}}:{}", self.installation)
    }

    /// The record of a client, disabled ones included; `None`: there is none of this id.
    pub async fn find(&self, id: ClientId) -> Result<Option<ClientRecord>, Unavailable> {
        let copy = self.copies.get(&self.key(id)).await?;
        self.of_copy(id, copy.as_deref()).await
    }

    /// As [`Clients::find`], for a caller who read the copy together with something else.
    pub async fn of_copy(
        &self,
        id: ClientId,
        copy: Option<&str>,
    ) -> Result<Option<ClientRecord>, Unavailable> {
        if let Some(record) = copy.and_then(|copy| self.believe(id, copy)) {
            return Ok(Some(record));
        }
        let watch = Stopwatch::start();
        let found = self.database.read(move |conn| queries::find(conn, id));
        let Some(record) = found.await? else {
            return Ok(None);
        };
        // A copy may have been published meanwhile, and this row may be older than the floor: the floor stands.
        if watch.elapsed() < SLOWEST_FILL {
            let key = self.key(id);
            self.copies.fill(&key, record.moves, &record).await;
        }
        Ok(Some(record))
    }

    /// The record in a copy, unless it is below its floor or unreadable.
    fn believe(&self, id: ClientId, copy: &str) -> Option<ClientRecord> {
        let (version, _) = copy.split_once(':')?;
        if !self.copies.admits(id, version.parse().ok()?) {
            return None;
        }
        if let Some(record) = self.parsed.find(id, copy) {
            return Some(record);
        }
        let record: ClientRecord = self.copies.believe(id, copy)?;
        if record.client.id != id {
            return None;
        }
        self.parsed.keep(copy, &record);
        Some(record)
    }

    /// Puts a committed change in force everywhere.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed, this call may be repeated.
    pub async fn publish(&self, id: ClientId) -> Result<(), ChangePending> {
        let pending = |error: Unavailable| ChangePending(error);
        let found = self
            .database
            .read(move |conn| queries::find_ever(conn, id))
            .await;
        let Some(record) = found.map_err(|error: db::Error| pending(error.into()))? else {
            return Ok(());
        };
        self.copies.raise_floor(id, record.moves);
        let stored = self
            .copies
            .store(&self.key(id), record.moves, &record)
            .await;
        stored.map_err(|error| pending(error.into()))?;
        Ok(())
    }

    /// Looks which clients moved: before an instance answers anybody, then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .copies
            .look(&self.database, queries::list_moved_since)
            .await?)
    }

    /// Revokes one token that a client got on its own behalf, issued under this token epoch, and ends what it made, also if the token
    /// is no longer accepted. Safe to repeat.
    ///
    /// # Errors
    /// `Unknown`, or when the change is not in force.
    pub async fn revoke_own_token(
        &self,
        id: ClientId,
        (token, epoch): (RevokedToken, i64),
        author: Author,
        end_what_it_made: fn(&mut Connection, ClientId, AccessTokenId, Timestamp) -> db::Result<()>,
    ) -> Result<(), ClientError> {
        let (database, clock) = (self.database.clone(), self.clock.clone());
        self.database
            .write(move |conn| {
                let mut record = queries::lock(conn, id)?.ok_or(ClientError::Unknown)?;
                let now = database.now(conn)?;
                end_what_it_made(conn, id, token.id, now)?;
                if !record.is_own_token_good(token.id, epoch) {
                    return Ok(());
                }
                // Listed also if it has expired: a request that was authenticated before may be about to make something.
                let today = clock.now();
                record
                    .revoked_tokens
                    .retain(|revoked| revoked.expires_at > today);
                record.revoked_tokens.push(token);
                if record.revoked_tokens.len() > MOST_REVOKED {
                    record.token_epoch = record.token_epoch.saturating_add(1);
                    record.revoked_tokens.clear();
                }
                queries::update_tokens(conn, &record, now)?;
                let event = Event::done("token.revoked")
                    .client(id)
                    .details(json!({ "token": token.id }));
                Ok::<_, ClientError>(history::record(conn, now, &author, event)?)
            })
            .await?;
        Ok(self.publish(id).await?)
    }

    /// Whether a page of this web origin belongs to a client that may ask across origins.
    pub async fn is_known_origin(&self, origin: &str) -> db::Result<bool> {
        let origin = origin.to_owned();
        self.database
            .read(move |conn| queries::is_known_origin(conn, &origin))
            .await
    }
}
