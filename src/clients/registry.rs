//! Looks up client records in the cache (the ephemeral store) or the database, and publishes changes.

use std::sync::Arc;

use serde_json::json;

use super::lifetimes::ServiceLifetimeLimits;
use super::parsed_cache::ParsedRecordCache;
use super::record::{ClientRecord, RevokedToken};
use super::{ClientError, queries};
use crate::account_state::{ChangePending, MAX_FILL_TIME, Unavailable, VersionedCache};
use crate::base::clock::{Clock, Stopwatch, Timestamp};
use crate::base::config::{Config, Origin};
use crate::base::ids::{AccessTokenId, ClientId};
use crate::base::seal::Sealer;
use crate::db::{self, Connection, Database};
use crate::ephemeral::Ephemeral;
use crate::history::{self, Author, Event};

/// Maximum number of individually revoked tokens per client. Beyond it, the client's token epoch is incremented instead.
const MAX_REVOKED: usize = 64;

/// What the client rules need to know about this OpenID provider.
#[derive(Clone, Debug)]
pub struct ProviderInfo {
    /// Doorward's origin, which can't be a client's audience.
    pub origin: Origin,
    /// The provider's name on its pages (`passkeys.rp_name`).
    pub name: String,
    /// The longest lifetimes that clients may set for other clients.
    pub(super) lifetime_limits: ServiceLifetimeLimits,
}

impl ProviderInfo {
    /// Reads the values from the configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            origin: config.server.public_url.clone(),
            name: config.passkeys.rp_name.clone(),
            lifetime_limits: ServiceLifetimeLimits::of(config),
        }
    }
}

/// Returns the first of these roles that does not exist.
pub type FindMissingRole = fn(&mut Connection, &[String]) -> db::Result<Option<String>>;

/// Looks up, checks and changes clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(super) database: Database,
    pub(super) cache: VersionedCache<ClientId>,
    parsed_cache: ParsedRecordCache,
    pub(super) clock: Clock,
    pub(super) provider: Arc<ProviderInfo>,
    pub(super) find_missing_role: FindMissingRole,
    pub(super) sealer: Sealer,
    installation: Arc<str>,
}

impl Clients {
    /// `provider` is Doorward itself; the sealer encrypts the hashes of chosen secrets.
    pub fn new(
        database: Database,
        ephemeral: Ephemeral,
        clock: Clock,
        provider: ProviderInfo,
        (sealer, find_missing_role): (Sealer, FindMissingRole),
    ) -> Self {
        Self {
            database,
            cache: VersionedCache::new(ephemeral),
            parsed_cache: ParsedRecordCache::default(),
            clock,
            provider: Arc::new(provider),
            find_missing_role,
            sealer,
            installation: Arc::from(""),
        }
    }

    /// Uses cache keys of this installation: other installations that share the store may have clients with the same chosen ID.
    #[must_use]
    pub fn for_installation(self, installation: &str) -> Self {
        Self {
            installation: installation.into(),
            ..self
        }
    }

    /// The key under which a client's record is cached.
    pub fn key(&self, id: ClientId) -> String {
        format!("client:{{{id}}}:{}", self.installation)
    }

    /// Finds the record of a client, including disabled clients; `None` if no client has this ID.
    pub async fn find(&self, id: ClientId) -> Result<Option<ClientRecord>, Unavailable> {
        let copy = self.cache.get(&self.key(id)).await?;
        self.find_with_cached(id, copy.as_deref()).await
    }

    /// Like [`Clients::find`], for a caller that has already read the client's cached record along with other keys.
    pub async fn find_with_cached(
        &self,
        id: ClientId,
        copy: Option<&str>,
    ) -> Result<Option<ClientRecord>, Unavailable> {
        if let Some(record) = copy.and_then(|copy| self.parse_if_fresh(id, copy)) {
            return Ok(Some(record));
        }
        let watch = Stopwatch::start();
        let found = self.database.read(move |conn| queries::find(conn, id));
        let Some(record) = found.await? else {
            return Ok(None);
        };
        // Does not raise the minimum version: a newer record may have been published during the read, so this row may already be
        // outdated. A slow reader does not fill the cache, because its entry could outlive the minimum version that rejects it.
        if watch.elapsed() < MAX_FILL_TIME {
            let key = self.key(id);
            self.cache.fill(&key, record.state_version, &record).await;
        }
        Ok(Some(record))
    }

    /// Parses a cached record; `None` if it is unreadable or below its minimum version.
    fn parse_if_fresh(&self, id: ClientId, copy: &str) -> Option<ClientRecord> {
        let (version, _) = copy.split_once(':')?;
        if !self.cache.is_fresh(id, version.parse().ok()?) {
            return None;
        }
        if let Some(record) = self.parsed_cache.get(id, copy) {
            return Some(record);
        }
        let record: ClientRecord = self.cache.parse_if_fresh(id, copy)?;
        if record.client.id != id {
            return None;
        }
        self.parsed_cache.insert(copy, &record);
        Some(record)
    }

    /// Puts a committed change in force in every instance.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed; this call may be repeated.
    pub async fn publish(&self, id: ClientId) -> Result<(), ChangePending> {
        self.store_current(id).await.map_err(ChangePending)
    }

    async fn store_current(&self, id: ClientId) -> Result<(), Unavailable> {
        let find = move |conn: &mut Connection| queries::find_including_deleted(conn, id);
        if let Some(record) = self.database.read(find).await? {
            let (key, version) = (self.key(id), record.state_version);
            self.cache.raise_min_version(id, version);
            self.cache.store(&key, version, &record).await?;
        }
        Ok(())
    }

    /// Polls for changed clients: before an instance serves its first request, then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .cache
            .poll_changes(&self.database, queries::list_changes_since)
            .await?)
    }

    /// Revokes one token that a client got on its own behalf under this token epoch, and ends what was created with it, even if the
    /// token is no longer accepted. Idempotent.
    pub async fn revoke_own_token(
        &self,
        id: ClientId,
        (token, epoch): (RevokedToken, i64),
        author: Author,
        end_created_by_token: fn(
            &mut Connection,
            ClientId,
            AccessTokenId,
            Timestamp,
        ) -> db::Result<()>,
    ) -> Result<(), ClientError> {
        let (database, clock) = (self.database.clone(), self.clock.clone());
        self.database
            .write(move |conn| {
                let mut record = queries::lock(conn, id)?.ok_or(ClientError::Unknown)?;
                let now = database.now(conn)?;
                end_created_by_token(conn, id, token.id, now)?;
                if !record.is_own_token_valid(token.id, epoch) {
                    return Ok(());
                }
                // An expired token is listed too: a request that it authenticated earlier may still be about to create something.
                let today = clock.now();
                record
                    .revoked_tokens
                    .retain(|revoked| revoked.expires_at > today);
                record.revoked_tokens.push(token);
                if record.revoked_tokens.len() > MAX_REVOKED {
                    record.token_epoch = record.token_epoch.saturating_add(1);
                    record.revoked_tokens.clear();
                }
                queries::update_revoked_tokens(conn, &record, now)?;
                let event = Event::done("token.revoked")
                    .client(id)
                    .details(json!({ "token": token.id }));
                Ok::<_, ClientError>(history::record(conn, now, &author, event)?)
            })
            .await?;
        Ok(self.publish(id).await?)
    }

    /// Whether this web origin belongs to a client whose pages may send cross-origin requests.
    pub async fn is_known_origin(&self, origin: &str) -> db::Result<bool> {
        let origin = origin.to_owned();
        self.database
            .read(move |conn| queries::is_known_origin(conn, &origin))
            .await
    }
}
