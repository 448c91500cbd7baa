//! Audit events for security-relevant changes of clients: voided consents, changed redirect URIs, changed authentication.

use serde_json::{Value, json};

use super::{Client, queries};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};

/// Voids all consents to the client by incrementing its consent epoch, which the caller saves. Returns how many were in force.
pub(super) fn void_consents(conn: &mut Connection, client: &mut Client) -> db::Result<i64> {
    let counted = queries::consents::count(conn, client.id, client.consent_epoch)?;
    client.consent_epoch = client.consent_epoch.saturating_add(1);
    Ok(counted)
}

/// Records that consents were voided, unless there were none.
pub(super) fn record_voided(
    conn: &mut Connection,
    client: &Client,
    (consents, because): (i64, &[&str]),
    author: &Author,
) -> db::Result<()> {
    if consents == 0 {
        return Ok(());
    }
    let event = Event::done("client.consents_voided")
        .client(client.id)
        .details(json!({ "name": client.name, "consents": consents, "because": because }));
    history::record(conn, client.as_of, author, event)
}

/// Records changes of redirect URIs and of authentication as separate events, in addition to `client.updated`.
pub(super) fn record_security_changes(
    conn: &mut Connection,
    before: &Client,
    after: &Client,
    author: &Author,
) -> db::Result<()> {
    let (old, new) = (&before.metadata, &after.metadata);
    let mut record = |action, members: &[(&str, Value, Value)]| {
        let mut details = serde_json::Map::new();
        details.insert("name".into(), json!(after.name));
        for (member, old, new) in members.iter().filter(|(_, old, new)| old != new) {
            details.insert((*member).into(), json!({ "before": old, "after": new }));
        }
        if details.len() == 1 {
            return Ok(());
        }
        let event = Event::done(action)
            .client(after.id)
            .details(Value::Object(details));
        history::record(conn, after.as_of, author, event)
    };
    record(
        "client.redirect_uris_changed",
        &[
            (
                "redirect_uris",
                json!(old.redirect_uris),
                json!(new.redirect_uris),
            ),
            (
                "post_logout_redirect_uris",
                json!(old.post_logout_redirect_uris),
                json!(new.post_logout_redirect_uris),
            ),
            (
                "allowed_origins",
                json!(old.allowed_origins),
                json!(new.allowed_origins),
            ),
            (
                "backchannel_logout_uri",
                json!(old.backchannel_logout_uri),
                json!(new.backchannel_logout_uri),
            ),
        ],
    )?;
    record(
        "client.authentication_changed",
        &[
            (
                "token_endpoint_auth_method",
                json!(old.token_endpoint_auth_method),
                json!(new.token_endpoint_auth_method),
            ),
            (
                "accepts_either_secret_method",
                json!(old.accepts_either_secret_method),
                json!(new.accepts_either_secret_method),
            ),
        ],
    )
}
