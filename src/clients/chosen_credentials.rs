//! A client ID and secret that an administrator chose, to migrate from another provider or for a program with a built-in ID.

use serde_json::{Value, json};
use uuid::Uuid;

use super::invalid_field::{FieldErrorKind, InvalidField};
use super::secret::StoredSecret;
use super::{Client, ClientChange, ClientError, ClientSecret, Metadata, TypedSecret, queries};
use crate::account_state;
use crate::base::ids::{ClientId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::base::seal::Sealer;
use crate::base::secrets::Token;
use crate::db::{self, Connection};
use crate::history::Author;

/// IDs that would collide with paths of the admin pages: `/admin/clients/new`.
const RESERVED: [&str; 1] = ["new"];

/// The client ID and the secret that were chosen, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct ChosenCredentials {
    pub(super) id: Option<PublicClientId>,
    pub(super) secret: Option<ClientSecret>,
}

impl ChosenCredentials {
    /// Takes the chosen ID and secret out of a registration, and checks them.
    pub(super) fn take_from(wanted: &mut ClientChange) -> Result<Self, InvalidField> {
        let id = wanted.client_id.take();
        let secret = Self::secret(wanted.client_secret.take().as_ref())?.secret;
        let parse = |text: String| {
            PublicClientId::parse(&text)
                .filter(|id| !RESERVED.contains(&id.as_str()) && !is_mixed_case_uuid(id))
                .ok_or(FieldErrorKind::ClientId.of("client_id"))
        };
        Ok(Self {
            id: id.map(parse).transpose()?,
            secret,
        })
    }

    /// Checks a secret that was chosen.
    pub(super) fn secret(secret: Option<&TypedSecret>) -> Result<Self, InvalidField> {
        let secret = secret.map(ClientSecret::choose).transpose()?;
        Ok(Self { id: None, secret })
    }

    /// The stored form of the chosen secret, or else of the generated one.
    pub(super) fn stored(
        &self,
        client: ClientId,
        made: Option<&Token>,
        sealer: &Sealer,
    ) -> Option<StoredSecret> {
        let chosen = self.secret.as_ref();
        chosen
            .map(|secret| StoredSecret::chosen(secret, client, sealer))
            .or_else(|| made.map(StoredSecret::made))
    }

    /// Refuses a secret for a public client.
    pub(super) fn check(&self, metadata: &Metadata) -> Result<(), InvalidField> {
        if self.secret.is_some() && metadata.is_public() {
            return Err(FieldErrorKind::SecretOfPublic.of("client_secret"));
        }
        Ok(())
    }

    /// Only the command line and signed-in administrators may choose IDs and secrets (RFC 9700 §4.15): a client could choose an ID
    /// that users mistake for another party's, and would know the secret.
    pub(super) fn require_may_choose(&self, author: &Author) -> Result<(), ClientError> {
        match self.names().first() {
            Some(field) if author.client().is_some() => {
                Err(ClientError::ChosenCredentialsNeedAdministrator(field))
            }
            _ => Ok(()),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        let id = self.id.as_ref().map(|_| "client_id");
        let secret = self.secret.as_ref().map(|_| "client_secret");
        id.into_iter().chain(secret).collect()
    }

    /// Details of the audit event.
    pub(super) fn details(&self, client: &Client) -> Value {
        let mut details = json!({ "name": client.name });
        let names = self.names();
        if let Some(members) = details.as_object_mut().filter(|_| !names.is_empty()) {
            members.insert("chosen".into(), json!(names));
        }
        if let (Some(id), Some(members)) = (&self.id, details.as_object_mut()) {
            members.insert("client_id".into(), json!(id));
        }
        details
    }
}

/// Checks that a chosen ID is not in use. Deleted clients keep their IDs, because tokens, consents and audit events refer to them.
/// If two clients with the same ID are created concurrently, the primary key decides.
pub(super) fn require_unused_id(conn: &mut Connection, client: &Client) -> Result<(), ClientError> {
    let audiences = queries::list_audiences_of_others(conn, client.id)?;
    let text = client.public_id.as_str();
    let is_taken = queries::find_including_deleted(conn, client.id)?.is_some()
        || resembles_known_uuid(conn, text)?
        || audiences.contains(text);
    if is_taken {
        return Err(FieldErrorKind::ClientIdTaken.of("client_id").into());
    }
    Ok(())
}

/// Whether the text is a spelling of the UUID of a user or of another client, and would be mistaken for that user or client.
fn resembles_known_uuid(conn: &mut Connection, text: &str) -> db::Result<bool> {
    let Ok(uuid) = Uuid::try_parse(text) else {
        return Ok(false);
    };
    // The `sub` of a token that a client gets on its own behalf is the client's ID (RFC 9700 §4.15).
    if account_state::find_version(conn, UserId::from_uuid(uuid))?.is_some() {
        return Ok(true);
    }
    let spellings = spellings(uuid);
    let spellings = spellings
        .iter()
        .filter_map(|one| PublicClientId::parse(one));
    // A chosen ID is stored under a UUID of version 8, which `PublicClientId::parse` refuses, so it is looked up directly.
    for id in spellings
        .map(|one| one.id())
        .chain([ClientId::from_uuid(uuid)])
    {
        if queries::find_including_deleted(conn, id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The spellings of a UUID that a client ID may have.
fn spellings(uuid: Uuid) -> [String; 4] {
    let (hyphenated, simple) = (uuid.hyphenated().to_string(), uuid.simple().to_string());
    [
        hyphenated.to_uppercase(),
        simple.to_uppercase(),
        hyphenated,
        simple,
    ]
}

/// Whether the ID is a UUID in mixed case. A UUID has too many mixed-case spellings to compare them all, so they are refused.
fn is_mixed_case_uuid(id: &PublicClientId) -> bool {
    let text = id.as_str();
    Uuid::try_parse(text).is_ok_and(|uuid| !spellings(uuid).iter().any(|one| one == text))
}
