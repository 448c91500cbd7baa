//! Registering, updating, reading and listing clients.

use std::sync::Arc;

use serde_json::{Value, json};

use super::chosen_credentials::{ChosenCredentials, require_unused_id};
use super::consent_invalidation::fields_voiding_consent;
use super::draft::Draft;
use super::permissions::{lock_target, require_may_manage, require_may_register};
use super::resource_names::require_unused_audiences;
use super::secret::StoredSecret;
use super::security_events::{record_security_changes, record_voided, void_consents};
use super::{
    ActingAs, Client, ClientChange, ClientError, Clients, FieldErrorKind, FindMissingRole,
    Metadata, queries,
};
use crate::account_state::ChangePending;
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::db::{self, Connection, Database};
use crate::history::{self, Author, Event, Revision, next_as_of};

/// The audit action of a deletion; the client's last revision is marked `deleted`.
pub(super) const DELETED_ACTION: &str = "client.deleted";

/// The result of a change of a client.
#[derive(Debug)]
pub struct ClientUpdate {
    /// The client after the change.
    pub client: Client,
    /// The new secret, if one was generated; it is shown only once.
    pub secret: Option<Token>,
    /// Number of consents that the change voided because it loosened the client; these users are asked again.
    pub voided_consents: i64,
    /// The change is committed, but not yet in force in every instance. Set only beside a secret, which an error would lose.
    pub pending: Option<ChangePending>,
}

impl ClientUpdate {
    pub(super) fn new(client: Client, secret: Option<Token>, voided_consents: i64) -> Self {
        Self {
            client,
            secret,
            voided_consents,
            pending: None,
        }
    }

    /// Adds the outcome of the publication: a failure becomes an error, unless that would lose a new secret.
    pub(super) fn published(
        self,
        published: Result<(), ChangePending>,
    ) -> Result<Self, ClientError> {
        match published {
            Err(pending) if self.secret.is_some() => Ok(Self {
                pending: Some(pending),
                ..self
            }),
            published => Ok(published.map(|()| self)?),
        }
    }
}

impl Clients {
    /// Registers a client. Returns its secret if Doorward generated one; it is shown only once.
    pub async fn register(
        &self,
        mut wanted: ClientChange,
        acting: ActingAs,
    ) -> Result<(Client, Option<Token>), ClientError> {
        let chosen = ChosenCredentials::take_from(&mut wanted)?;
        self.insert(wanted.into_draft()?, chosen, acting).await
    }

    async fn insert(
        &self,
        draft: Draft,
        chosen: ChosenCredentials,
        acting: ActingAs,
    ) -> Result<(Client, Option<Token>), ClientError> {
        let draft = draft.validated(&self.provider.origin)?;
        chosen.check(&draft.metadata)?;
        let makes_secret = !draft.metadata.is_public() && chosen.secret.is_none();
        let secret = makes_secret.then(Token::generate);
        let id = chosen.id.clone();
        let id = id.unwrap_or_else(|| ClientId::random().into());
        let stored = chosen.stored(id.id(), secret.as_ref(), &self.sealer);
        let (clock, provider) = (self.database.clone(), self.provider.clone());
        let find_missing_role = self.find_missing_role;
        let client = self
            .database
            .write(move |conn| {
                if acting.client().is_some() {
                    queries::lock_changes_by_clients(conn)?;
                }
                let author = acting.check(conn, &[])?;
                chosen.require_may_choose(&author)?;
                require_may_register(conn, &author, &draft, None, &provider)?;
                require_known_roles(conn, &draft.metadata, &[], find_missing_role)?;
                let client = new_client(id, draft, clock.now(conn)?, &author);
                if chosen.id.is_some() {
                    require_unused_id(conn, &client)?;
                }
                require_managers(conn, &client, &[])?;
                require_unused_audiences(conn, &client, &[])?;
                // The only unique value of the row is its ID.
                let taken = FieldErrorKind::ClientIdTaken.of("client_id");
                queries::insert(conn, &client, stored.as_ref(), &author)
                    .map_err(|error| error.taken_as(ClientError::Field(taken)))?;
                let event = Event::done("client.created").details(chosen.details(&client));
                record_version(conn, &client, &author, event)?;
                Ok::<_, ClientError>(client)
            })
            .await?;
        Ok((client, secret))
    }

    /// Updates a client; with `expected`, only if that is still its version. A client that is no longer public gets a secret, which
    /// is shown only once; one that becomes public loses its secret. A change that loosens the client voids its users' consents.
    pub async fn update(
        &self,
        id: ClientId,
        change: ClientChange,
        expected: Option<i64>,
        acting: ActingAs,
    ) -> Result<ClientUpdate, ClientError> {
        let (clock, provider) = (self.database.clone(), self.provider.clone());
        let find_missing_role = self.find_missing_role;
        let changed = self
            .database
            .write(move |conn| {
                let (record, author) = lock_target(conn, id, &acting)?;
                let before = record.client;
                let now = clock.now(conn)?;
                require_may_manage(conn, &author, &before, &provider)?;
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(ClientError::VersionMismatch(before.version));
                }
                let mut draft = Draft::of(&before);
                change.apply(&mut draft)?;
                let draft = draft.validated(&provider.origin)?;
                require_may_register(conn, &author, &draft, Some(&before), &provider)?;
                let allowed = &before.metadata.allowed_roles;
                require_known_roles(conn, &draft.metadata, allowed, find_missing_role)?;
                save(conn, &before, draft, now, &author)
            })
            .await;
        // A repeated request finds the version that it wrote itself; its record may not be in force yet.
        match changed {
            Ok(updated) => updated.published(self.publish(id).await),
            Err(ClientError::VersionMismatch(version)) => {
                self.publish(id).await?;
                Err(ClientError::VersionMismatch(version))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a client from the database; `Unknown` if no client has this ID.
    pub async fn read(&self, id: ClientId) -> Result<Client, ClientError> {
        let find = move |conn: &mut Connection| Ok::<_, ClientError>(queries::find(conn, id)?);
        let record = self.database.read(find).await?;
        let record = record.ok_or(ClientError::Unknown)?;
        Ok(Arc::unwrap_or_clone(record.client))
    }

    /// Lists at most `limit` clients, oldest first, after the client that the cursor names; `Unknown` if that client never existed.
    pub async fn list(
        &self,
        after: Option<ClientId>,
        limit: i64,
    ) -> Result<Vec<Client>, ClientError> {
        self.database
            .read(move |conn| queries::list_page(conn, after, limit)?.ok_or(ClientError::Unknown))
            .await
    }
}

fn new_client(public_id: PublicClientId, draft: Draft, now: Timestamp, author: &Author) -> Client {
    Client {
        id: public_id.id(),
        public_id,
        name: draft.name,
        scopes: draft.scopes,
        metadata: draft.metadata,
        enabled: true,
        registered_by_client: author.client(),
        consent_epoch: 0,
        created_at: now,
        version: 1,
        as_of: now,
    }
}

/// Saves the next version of the client if the draft differs from the current one.
fn save(
    conn: &mut Connection,
    before: &Client,
    draft: Draft,
    now: Timestamp,
    author: &Author,
) -> Result<ClientUpdate, ClientError> {
    let mut client = Client {
        name: draft.name,
        scopes: draft.scopes,
        metadata: draft.metadata,
        ..before.clone()
    };
    if client == *before {
        return Ok(ClientUpdate::new(client, None, 0));
    }
    require_managers(conn, &client, &before.metadata.managed_by)?;
    require_unused_audiences(conn, &client, &before.metadata.audiences)?;
    let secret = change_secret(conn, before, &client)?;
    let method = |client: &Client| client.metadata.token_endpoint_auth_method;
    let has_new_method = method(before) != method(&client);
    if has_new_method {
        queries::bump_token_epoch(conn, client.id)?;
    }
    if has_new_method || !before.scopes.is_subset(&client.scopes) {
        queries::bump_permissions_epoch(conn, client.id)?;
    }
    let because = fields_voiding_consent(before, &client);
    let voided_consents = if because.is_empty() {
        0
    } else {
        void_consents(conn, &mut client)?
    };
    let mut details = history::changes(&json!(before), &json!(client));
    details.insert("name".into(), json!(client.name));
    save_next_version(conn, &mut client, now, author)?;
    let (old, new) = (&before.metadata, &client.metadata);
    if old.audiences != new.audiences || old.origins() != new.origins() {
        queries::replace_names(conn, &client)?;
    }
    let event = Event::done("client.updated").details(Value::Object(details));
    record_version(conn, &client, author, event)?;
    record_security_changes(conn, before, &client, author)?;
    record_voided(conn, &client, (voided_consents, &because), author)?;
    Ok(ClientUpdate::new(client, secret, voided_consents))
}

/// Checks that new managers are other registered clients.
fn require_managers(
    conn: &mut Connection,
    client: &Client,
    before: &[ClientId],
) -> Result<(), ClientError> {
    for (entry, manager) in client.metadata.managed_by.iter().enumerate() {
        let is_known = before.contains(manager)
            || (*manager != client.id && queries::find(conn, *manager)?.is_some());
        if !is_known {
            return Err(FieldErrorKind::Client.at("managed_by", entry).into());
        }
    }
    Ok(())
}

/// Checks that newly allowed roles exist. Runs after the author's permissions were checked: the error reveals which roles exist.
fn require_known_roles(
    conn: &mut Connection,
    metadata: &Metadata,
    before: &[String],
    find_missing: FindMissingRole,
) -> Result<(), ClientError> {
    let new = metadata.allowed_roles.iter();
    let new: Vec<String> = new.filter(|role| !before.contains(role)).cloned().collect();
    match find_missing(conn, &new)? {
        Some(role) => Err(FieldErrorKind::RoleUnknown
            .with_value("allowed_roles", &role)
            .into()),
        None => Ok(()),
    }
}

/// Generates a secret for a client that is no longer public; deletes that of a client that becomes public.
fn change_secret(
    conn: &mut Connection,
    before: &Client,
    after: &Client,
) -> Result<Option<Token>, ClientError> {
    match (before.metadata.is_public(), after.metadata.is_public()) {
        (true, false) => {
            let secret = Token::generate();
            queries::update_secret(conn, after.id, Some(&StoredSecret::made(&secret)))?;
            Ok(Some(secret))
        }
        (false, true) => {
            queries::update_secret(conn, after.id, None)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Saves the client as its next version.
pub(super) fn save_next_version(
    conn: &mut Connection,
    client: &mut Client,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    client.version = client.version.saturating_add(1);
    client.as_of = next_as_of(now, client.as_of);
    queries::update(conn, client, now, author)
}

/// Records the client's revision and the audit event.
pub(super) fn record_version(
    conn: &mut Connection,
    client: &Client,
    author: &Author,
    event: Event,
) -> db::Result<()> {
    let mut data = json!(client);
    if let Some(members) = data
        .as_object_mut()
        .filter(|_| event.action == DELETED_ACTION)
    {
        members.insert("deleted".into(), json!(true));
    }
    let revision = Revision {
        entity: "client",
        entity_id: client.id.uuid(),
        version: client.version,
        as_of: client.as_of,
        data,
    };
    history::record_revision(conn, author, revision)?;
    history::record(conn, client.as_of, author, event.client(client.id))
}

/// Lists all clients, oldest first.
pub async fn list(database: &Database) -> Result<Vec<Client>, ClientError> {
    database
        .read(|conn| Ok::<_, ClientError>(queries::list(conn)?))
        .await
}
