//! Rotating a client's secret; disabling, enabling and deleting clients.

use std::sync::Arc;

use serde_json::json;

use super::chosen_credentials::ChosenCredentials;
use super::manage::{DELETED_ACTION, record_version, save_next_version};
use super::permissions::{lock_target, require_may_manage};
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
pub(super) enum LifecycleAction {
    Enable,
    Disable,
    Delete,
}

impl LifecycleAction {
    fn event_name(self) -> &'static str {
        match self {
            Self::Enable => "client.enabled",
            Self::Disable => "client.disabled",
            Self::Delete => DELETED_ACTION,
        }
    }
}

impl Clients {
    /// Replaces a client's secret. When this returns, the old secret is invalid and the tokens that the client got with it on its
    /// own behalf are revoked. If a client rotated the secret, consents are voided too: the secret may be known to a party that
    /// users did not consent to. Errors include `NoSecret` for a public client.
    /// `chosen`: the new secret, if an administrator chose it.
    pub async fn rotate_secret(
        &self,
        id: ClientId,
        chosen: Option<TypedSecret>,
        acting: ActingAs,
    ) -> Result<ClientUpdate, ClientError> {
        let chosen = ChosenCredentials::secret(chosen.as_ref())?;
        let secret = chosen.secret.is_none().then(Token::generate);
        let stored = chosen.stored(id, secret.as_ref(), &self.sealer);
        let (clock, provider) = (self.database.clone(), self.provider.clone());
        let (client, voided_consents) = self
            .database
            .write(move |conn| {
                let (record, author) = lock_target(conn, id, &acting)?;
                let mut client = Arc::unwrap_or_clone(record.client);
                let now = clock.now(conn)?;
                require_may_manage(conn, &author, &client, &provider)?;
                chosen.require_may_choose(&author)?;
                if client.metadata.is_public() {
                    return Err(ClientError::NoSecret);
                }
                queries::update_secret(conn, id, stored.as_ref())?;
                queries::bump_token_epoch(conn, id)?;
                queries::bump_permissions_epoch(conn, id)?;
                let voided = match author.client() {
                    Some(_) => void_consents(conn, &mut client)?,
                    None => 0,
                };
                save_next_version(conn, &mut client, now, &author)?;
                let event = Event::done("client.secret_rotated").details(chosen.details(&client));
                record_version(conn, &client, &author, event)?;
                record_voided(conn, &client, (voided, &["client_secret"]), &author)?;
                Ok::<_, ClientError>((client, voided))
            })
            .await?;
        let updated = ClientUpdate::new(client, secret, voided_consents);
        updated.published(self.publish(id).await)
    }

    /// Disables a client and revokes all its tokens. Idempotent.
    pub async fn disable(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        self.run_action(id, LifecycleAction::Disable, reason, acting)
            .await
    }

    /// Enables a disabled client. Idempotent.
    pub async fn enable(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        self.run_action(id, LifecycleAction::Enable, reason, acting)
            .await
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
        self.run_action(id, LifecycleAction::Delete, reason, acting)
            .await
    }

    async fn run_action(
        &self,
        id: ClientId,
        action: LifecycleAction,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Client, ClientError> {
        let clients = self.clone();
        let done = self
            .database
            .write(move |conn| {
                let (record, author) = lock_target(conn, id, &acting)?;
                let now = clients.database.now(conn)?;
                clients.apply_action(conn, record, (action, reason.as_deref()), (now, &author))
            })
            .await;
        // A repeated deletion returns `Unknown`; the first one may not be in force yet, so publish in that case too.
        if matches!(done, Ok(_) | Err(ClientError::Unknown)) {
            self.publish(id).await?;
        }
        done
    }

    /// Applies a step in the caller's transaction, which holds the client's row lock and has checked the author.
    pub(super) fn apply_action(
        &self,
        conn: &mut Connection,
        mut record: ClientRecord,
        (action, reason): (LifecycleAction, Option<&str>),
        (now, author): (Timestamp, &Author),
    ) -> Result<Client, ClientError> {
        let mut client = Client::clone(&record.client);
        let id = client.id;
        require_may_manage(conn, author, &client, &self.provider)?;
        let is_done = match action {
            LifecycleAction::Enable => client.enabled,
            // Not a no-op if another party disabled the client: the latest author decides who may enable it again.
            LifecycleAction::Disable => {
                !client.enabled && queries::find_latest_author(conn, id)? == author.client()
            }
            LifecycleAction::Delete => false,
        };
        if is_done {
            return Ok(client);
        }
        client.enabled = matches!(action, LifecycleAction::Enable);
        if !client.enabled {
            // Tokens and authorizations from before stay invalid when the client is enabled again.
            record.user_authorizations_epoch = record.user_authorizations_epoch.saturating_add(1);
            record.token_epoch = record.token_epoch.saturating_add(1);
            record.revoked_tokens.clear();
            queries::update_revoked_tokens(conn, &record, now)?;
            queries::bump_permissions_epoch(conn, id)?;
        }
        save_next_version(conn, &mut client, now, author)?;
        if let LifecycleAction::Delete = action {
            queries::mark_deleted(conn, id, now)?;
        }
        let event = Event::done(action.event_name())
            .with_reason(reason)
            .details(json!({ "name": client.name }));
        record_version(conn, &client, author, event)?;
        Ok(client)
    }
}
