//! By what right somebody changes clients: an administrator in person and the command change all; a client, also one that acts
//! for an administrator, those that may no more than itself, and gives no more than it has.

use super::{Client, ClientError, GrantType, Metadata, Scope, Scopes, queries};
use crate::db::Connection;
use crate::history::Author;

/// Asks whether the author may change this client at all.
pub(super) fn require_right_over(
    conn: &mut Connection,
    author: &Author,
    client: &Client,
) -> Result<(), ClientError> {
    let Some(held) = held_by(conn, author)? else {
        return Ok(());
    };
    // What it could not give itself it could otherwise write down for itself.
    if author.client() == Some(client.id) {
        return Err(ClientError::Itself);
    }
    if beyond(&client.scopes, &held).is_empty() {
        Ok(())
    } else {
        Err(ClientError::HoldsMore)
    }
}

/// Asks whether the author may give these scopes, and register a client so.
pub(super) fn require_right_to_give(
    conn: &mut Connection,
    author: &Author,
    scopes: &Scopes,
    metadata: &Metadata,
) -> Result<(), ClientError> {
    let Some(held) = held_by(conn, author)? else {
        return Ok(());
    };
    if is_approved_beforehand(metadata) {
        return Err(ClientError::Approval);
    }
    let beyond = beyond(scopes, &held);
    if beyond.is_empty() {
        Ok(())
    } else {
        Err(ClientError::NotHeld(beyond))
    }
}

/// Whether an app learns of people without asking them. Somebody in person stands for such an app.
fn is_approved_beforehand(metadata: &Metadata) -> bool {
    metadata.allows(GrantType::AuthorizationCode) && !metadata.require_consent
}

/// What a client that acts holds as of now; `None` for everybody else.
fn held_by(conn: &mut Connection, author: &Author) -> Result<Option<Scopes>, ClientError> {
    let Some(id) = author.client() else {
        return Ok(None);
    };
    let record = queries::find(conn, id)?.filter(|record| record.client.enabled);
    Ok(Some(
        record
            .map(|record| record.client.scopes.clone())
            .unwrap_or_default(),
    ))
}

/// Those that the author does not hold. What concerns a person alone that person lets the app have, not the author.
fn beyond(scopes: &Scopes, held: &Scopes) -> Scopes {
    let open = Scope::OPENID.into_iter().collect();
    scopes.difference(&open).difference(held)
}
