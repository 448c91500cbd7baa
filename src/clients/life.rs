//! Rotating a client's secret; disabling, enabling and deleting clients.

use std::sync::Arc;

use serde_json::json;

use super::authority::{lock_target, require_right_over};
use super::chosen::Chosen;
use super::manage::{DELETED, advance, keep};
use super::security_events::{record_voided, void_consents};
use super::{
    ActingAs, Client, ClientError, ClientRecord, ClientUpdate, Clients, TypedSecret, queries,
};
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::db::Connection;
use crate::history::{Author, Event};

/// An operation on a client as a whole.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Enable,
    Disable,
    Delete,
}

impl Step {
    fn action(self) -> &'static str {
        match self {
            Self::Enable => "client.enabled",
            Self::Disable => "client.disabled",
            Self::Delete => DELETED,
        }
    }
}

impl Clients {
    /// Replaces a client's secret. When this returns, the old secret is invalid and the tokens that the client got with it on its
    /// own behalf are revoked. If a client rotated the secret, consents are voided too: the secret may be known to a party that
    /// users did not consent to. Errors include `NoSecret` for a public client.
    pub async fn rotate_secret(
        &self,
        id: ClientId,
        acting: ActingAs,
    ) -> Result<ClientUpdate, ClientError> {
        self.replace_secret(id, Chosen::default(), acting).await
    }

    /// Like [`Clients::rotate_secret`], with a secret that an administrator chose.
    pub async fn set_secret(
        &self,
        id: ClientId,
        secret: TypedSecret,
        acting: ActingAs,
    ) -> Result<ClientUpdate, ClientError> {
        self.replace_secret(id, Chosen::secret(Some(&secret))?, acting)
            .await
    }

    async fn replace_secret(
        &self,
        id: ClientId,
        chosen: Chosen,
        acting: ActingAs,
    ) -> Result<ClientUpdate, ClientError> {
        let secret = chosen.secret.is_none().then(Token::generate);
        let stored = chosen.stored(id, secret.as_ref(), &self.sealer);
        let (clock, own) = (self.database.clone(), self.own.clone());
        let (client, voided_consents) = self
            .database
            .write(move |conn| {
                let (record, author) = lock_target(conn, id, &acting)?;
                let mut client = Arc::unwrap_or_clone(record.client);
                let now = clock.now(conn)?;
                require_right_over(conn, &author, &client, &own)?;
                chosen.require_right(&author)?;
                if client.metadata.is_public() {
                    return Err(ClientError::NoSecret);
                }
                queries::update_secret(conn, id, stored.as_ref())?;
                queries::raise_tokens(conn, id)?;
                queries::raise_authority(conn, id)?;
                let voided = match author.client() {
                    Some(_) => void_consents(conn, &mut client)?,
                    None => 0,
                };
                advance(conn, &mut client, now, &author)?;
                let event = Event::done("client.secret_rotated").details(chosen.details(&client));
                keep(conn, &client, &author, event)?;
                record_voided(conn, &client, (voided, &["client_secret"]), &author)?;
                Ok::<_, ClientError>((client, voided))
            })
            .await?;
        let updated = ClientUpdate {
            client,
            secret,
            voided_consents,
            pending: None,
        };
        updated.published(self.publish(id).await)
    }

    /// Disables a client and revokes all its tokens. Idempotent.
    pub async fn disable(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        self.step(id, Step::Disable, reason, acting).await
    }

    /// Enables a disabled client. Idempotent.
    pub async fn enable(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        self.step(id, Step::Enable, reason, acting).await
    }

    /// Deletes a client permanently: it can't authenticate, is not listed any more, and its ID is never reused.
    ///
    /// # Errors
    /// A deletion that is not yet in force may be repeated: this publishes it, and returns `Unknown`.
    pub async fn delete(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        self.step(id, Step::Delete, reason, acting).await
    }

    async fn step(
        &self,
        id: ClientId,
        step: Step,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        let own = self.clone();
        let done = self
            .database
            .write(move |conn| {
                let (record, author) = lock_target(conn, id, &acting)?;
                let now = own.database.now(conn)?;
                own.take_step(conn, record, (step, reason.as_deref()), (now, &author))
            })
            .await;
        // A repeated deletion returns `Unknown`; the first one may not be in force yet, so publish in that case too.
        if matches!(done, Ok(_) | Err(ClientError::Unknown)) {
            self.publish(id).await?;
        }
        done
    }

    /// Applies a step in the caller's transaction, which holds the client's row lock and has checked the author.
    pub(super) fn take_step(
        &self,
        conn: &mut Connection,
        mut record: ClientRecord,
        (step, reason): (Step, Option<&str>),
        (now, author): (Timestamp, &Author),
    ) -> Result<Client, ClientError> {
        let mut client = Client::clone(&record.client);
        let id = client.id;
        require_right_over(conn, author, &client, &self.own)?;
        let is_done = match step {
            Step::Enable => client.enabled,
            // Not a no-op if another party disabled the client: the latest author decides who may enable it again.
            Step::Disable => {
                !client.enabled && queries::find_latest_author(conn, id)? == author.client()
            }
            Step::Delete => false,
        };
        if is_done {
            return Ok(client);
        }
        client.enabled = matches!(step, Step::Enable);
        if !client.enabled {
            // Tokens and authorizations from before stay invalid when the client is enabled again.
            record.people_epoch = record.people_epoch.saturating_add(1);
            record.token_epoch = record.token_epoch.saturating_add(1);
            record.revoked_tokens.clear();
            queries::update_tokens(conn, &record, now)?;
            queries::raise_authority(conn, id)?;
        }
        advance(conn, &mut client, now, author)?;
        if let Step::Delete = step {
            queries::update_deleted(conn, id, now)?;
        }
        let event = Event::done(step.action())
            .because(reason)
            .details(json!({ "name": client.name }));
        keep(conn, &client, author, event)?;
        Ok(client)
    }
}
