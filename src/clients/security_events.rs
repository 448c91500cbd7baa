//! Audit events for security-relevant changes of clients: voided consents, changed redirect URIs, changed authentication.

use serde_json::{Map, Value, json};

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
    let changes = history::changes(&json!(before.metadata), &json!(after.metadata));
    let mut record = |action, members: &[&str]| {
        let mut details = Map::from_iter([("name".to_owned(), json!(after.name))]);
        let differing = members
            .iter()
            .filter_map(|member| changes.get_key_value(*member));
        details.extend(differing.map(|(member, change)| (member.clone(), change.clone())));
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
            "redirect_uris",
            "post_logout_redirect_uris",
            "allowed_origins",
            "backchannel_logout_uri",
        ],
    )?;
    record(
        "client.authentication_changed",
        &["token_endpoint_auth_method", "accepts_either_secret_method"],
    )
}
