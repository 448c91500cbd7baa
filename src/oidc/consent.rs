//! Consent: the scopes and resources that users allow clients to use, until they withdraw it.

use std::sync::Arc;

use super::Oidc;
use super::request::AuthorizationRequest;
use super::resources::userinfo_audience;
use crate::account_state::{self, ChangePending};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients::consents::{self, ConsentTerms};
use crate::clients::{self, ActingAs, ActingError, Client, Scopes};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::tokens::{self, revoke};
use crate::users;
use serde_json::json;

/// An app that has access to a user's account.
#[derive(Clone, Debug)]
pub struct AppAccess {
    pub client: Arc<Client>,
    /// Scopes that the user consented to, or that an active authorization has.
    pub scopes: Scopes,
    /// Time of the consent, or of the authorization if there is no consent.
    pub since: Timestamp,
}

/// Why consent was not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    #[error("this app has no access")]
    Unknown,
    #[error(transparent)]
    Acting(#[from] ActingError),
    #[error(transparent)]
    Pending(#[from] ChangePending),
    #[error(transparent)]
    Unavailable(#[from] account_state::Unavailable),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl AuthorizationRequest {
    /// Returns what the user must have consented to. Tokens for Doorward itself need consent only for their scopes; turning on the
    /// `UserInfo` audience voids consents instead.
    pub fn consent_terms(&self, issuer: &str) -> ConsentTerms {
        let own = [issuer.to_owned(), userinfo_audience(issuer)];
        let resources = self.resources.iter();
        ConsentTerms {
            scopes: self.consent.clone(),
            resources: resources
                .filter(|resource| !own.contains(resource))
                .cloned()
                .collect(),
        }
    }
}

/// Adds these terms to the user's consent for the client. Does nothing if the consent covers them already.
pub(super) fn store_consent(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    terms: &ConsentTerms,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    let before = consents::find(conn, user, client)?;
    if before.is_in_force && terms.are_subset_of(&before.terms) {
        return Ok(());
    }
    let all = before.terms.union(terms);
    consents::store(conn, (user, client), &all, &before, now)?;
    let event = Event::done("consent.granted")
        .subject(user)
        .client(client)
        .details(json!({ "scope": all.scopes, "resources": all.resources }));
    history::record(conn, now, author, event)
}

/// Whether the user's consent covers these terms. The caller holds the lock of the user's account.
pub(super) fn is_covered(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    terms: &ConsentTerms,
) -> db::Result<bool> {
    let granted = consents::find(conn, user, client)?;
    Ok(granted.is_in_force && terms.are_subset_of(&granted.terms))
}

impl Oidc {
    /// Returns what the user has consented to. `None` is not the same as consent without scopes: a request without scopes also
    /// tells the app who the user is.
    pub async fn find_consent(
        &self,
        user: UserId,
        client: ClientId,
    ) -> db::Result<Option<ConsentTerms>> {
        self.database
            .read(move |conn| {
                let granted = consents::find(conn, user, client)?;
                Ok(granted.is_in_force.then_some(granted.terms))
            })
            .await
    }

    /// Returns the resources of a request that need consent, with the names of their resource servers where these are registered.
    pub async fn find_resource_servers(
        &self,
        request: &AuthorizationRequest,
    ) -> db::Result<Vec<(String, Option<String>)>> {
        let resources = request.consent_terms(self.issuer()).resources;
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        self.database
            .read(move |conn| {
                let mut names = clients::list_resource_server_names(conn, &resources)?;
                let services = resources.into_iter().map(|resource| {
                    let name = names.remove(&resource);
                    (resource, name)
                });
                Ok(services.collect())
            })
            .await
    }

    /// Returns the name of the service that registered a client; `None` if none did.
    pub async fn find_registrar(&self, client: &Client) -> db::Result<Option<String>> {
        let Some(registrar) = client.registered_by_client else {
            return Ok(None);
        };
        let names = self
            .database
            .read(move |conn| clients::list_names(conn, &[registrar]));
        Ok(names.await?.remove(&registrar))
    }

    /// Returns the apps that the user consented to or that have an active authorization, sorted by name.
    pub async fn list_apps(
        &self,
        user: UserId,
    ) -> Result<Vec<AppAccess>, account_state::Unavailable> {
        let now = self.clock.now();
        let (mut found, live) = self
            .database
            .read(move |conn| {
                let consents = consents::list(conn, user)?;
                let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
                let live = tokens::list_live_of(conn, user, epoch, now)?;
                Ok::<_, db::Error>((consents, live))
            })
            .await?;
        for (client, scopes, since) in live {
            match found.iter_mut().find(|(known, ..)| *known == client) {
                Some((_, known, _)) => *known = known.union(&scopes),
                None => found.push((client, scopes, since)),
            }
        }
        let mut apps = Vec::new();
        for (client, scopes, since) in found {
            if let Some(record) = self.clients.find(client).await? {
                apps.push(AppAccess {
                    client: record.client,
                    scopes,
                    since,
                });
            }
        }
        apps.sort_by(|one, other| one.client.name.cmp(&other.client.name));
        Ok(apps)
    }

    /// Withdraws the user's consent for a client, and ends its authorizations and the links created through it. Idempotent.
    ///
    /// # Errors
    /// `Unknown` if there was nothing to withdraw; `Pending` if the change is not yet in force.
    pub async fn withdraw(
        &self,
        user: UserId,
        client: ClientId,
        acting: ActingAs,
    ) -> Result<(), WithdrawError> {
        let database = self.database.clone();
        let withdrawn = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                let Some(now) = account_state::begin_change(conn, &database, user)? else {
                    return Ok(false);
                };
                let had_consent = consents::delete(conn, user, client)?;
                let ended = revoke::end_client(conn, user, client, now)?;
                // Also links whose authorization has ended.
                let voided = users::void_links_through_client(conn, user, client, now)?;
                if !had_consent && ended == 0 && voided == 0 {
                    return Ok(false);
                }
                let event = Event::done("consent.withdrawn")
                    .subject(user)
                    .client(client)
                    .details(json!({ "authorizations": ended }));
                history::record(conn, now, &author, event)?;
                Ok::<_, WithdrawError>(true)
            })
            .await?;
        self.account_states.publish(user).await?;
        if withdrawn {
            Ok(())
        } else {
            Err(WithdrawError::Unknown)
        }
    }
}
