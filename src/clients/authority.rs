//! Which clients an author may change, and how: an administrator in person and the command may change all of them. A client,
//! also one that acts for an administrator, may change those that it registered or was granted, that hold no more than it
//! does; and it gives no more than it holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::{Draft, lifetimes};
use super::{Client, ClientError, GrantType, Metadata, Scope, Scopes, queries};
use crate::base::config::Origin;
use crate::base::ids::ClientId;
use crate::db::Connection;
use crate::history::Author;

/// Checks that the author may change this client at all. Every operation on an existing client passes here.
pub(super) fn require_right_over(
    conn: &mut Connection,
    author: &Author,
    client: &Client,
    own: &Origin,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    // What it could not give itself it could otherwise write down for itself.
    if acting.id == client.id {
        return Err(ClientError::Itself);
    }
    if !manages(&acting, client) {
        return Err(ClientError::NotManaged);
    }
    require_not_approved_beforehand(&client.metadata)?;
    match require_held(&acting, &client.scopes, &client.metadata, own) {
        Err(ClientError::NotHeld(_) | ClientError::NotHeldServices { .. }) => {
            Err(ClientError::HoldsMore)
        }
        checked => checked,
    }
}

/// Checks that the author may register a client like this, or leave it so; `before` is how an existing one stands.
pub(super) fn require_right_to_give(
    conn: &mut Connection,
    author: &Author,
    draft: &Draft,
    before: Option<&Client>,
    own: &Origin,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    require_not_approved_beforehand(&draft.metadata)?;
    let managers: &[ClientId] = before.map_or(&[], |before| &before.metadata.managed_by);
    if draft.metadata.managed_by != managers {
        return Err(ClientError::ManagersInPerson);
    }
    require_not_longer(&draft.metadata, before.map(|before| &before.metadata))?;
    require_held(&acting, &draft.scopes, &draft.metadata, own)
}

/// Seconds for which a client may let another one's tokens be valid.
const LONGEST_GIVEN: u32 = 300;

/// A client only shortens lifetimes: services that check tokens by themselves learn of a revocation when a token ends.
fn require_not_longer(after: &Metadata, before: Option<&Metadata>) -> Result<(), ClientError> {
    let known = before.map_or([None; 2], |before| {
        lifetimes(before).map(|(_, lifetime)| lifetime)
    });
    for ((field, lifetime), before) in lifetimes(after).into_iter().zip(known) {
        let most = before.unwrap_or(LONGEST_GIVEN).min(LONGEST_GIVEN);
        let is_shorter = lifetime.is_some_and(|lifetime| lifetime <= most);
        if lifetime != before && !is_shorter {
            return Err(ClientError::LongerInPerson(field));
        }
    }
    Ok(())
}

/// An app that learns of users without asking them needs an administrator in person.
fn require_not_approved_beforehand(metadata: &Metadata) -> Result<(), ClientError> {
    if metadata.allows(GrantType::AuthorizationCode) && !metadata.require_consent {
        return Err(ClientError::Approval);
    }
    Ok(())
}

/// The client that acts, as of now; `None` if none does.
fn acting_client(
    conn: &mut Connection,
    author: &Author,
) -> Result<Option<Arc<Client>>, ClientError> {
    let Some(id) = author.client() else {
        return Ok(None);
    };
    let record = queries::find(conn, id)?.filter(|record| record.client.enabled);
    record
        .map(|record| Some(record.client))
        .ok_or(ClientError::NotManaged)
}

fn manages(acting: &Client, client: &Client) -> bool {
    client.registered_by_client == Some(acting.id)
        || client.metadata.managed_by.contains(&acting.id)
}

/// Checks that the acting client holds these scopes and services. The scopes about a user are the user's to give.
fn require_held(
    acting: &Client,
    scopes: &Scopes,
    metadata: &Metadata,
    own: &Origin,
) -> Result<(), ClientError> {
    let open = Scope::OPENID.into_iter().collect();
    let beyond = scopes.difference(&open).difference(&acting.scopes);
    if !beyond.is_empty() {
        return Err(ClientError::NotHeld(beyond));
    }
    // Every client may get tokens for Doorward itself.
    let held: BTreeSet<&str> = acting
        .metadata
        .resources
        .iter()
        .map(String::as_str)
        .chain([own.as_str()])
        .collect();
    require_services("resources", &metadata.resources, &held)?;
    let held = acting
        .metadata
        .audiences
        .iter()
        .map(String::as_str)
        .collect();
    require_services("audiences", &metadata.audiences, &held)
}

fn require_services(
    field: &'static str,
    given: &[String],
    held: &BTreeSet<&str>,
) -> Result<(), ClientError> {
    let values: Vec<String> = given
        .iter()
        .filter(|service| !held.contains(service.as_str()))
        .cloned()
        .collect();
    if values.is_empty() {
        Ok(())
    } else {
        Err(ClientError::NotHeldServices { field, values })
    }
}
