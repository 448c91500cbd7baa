//! The first use of PKCE by a client that relied on `nonce`: from then on, PKCE is required (RFC 9700 §2.1.1, no downgrade).

use serde_json::json;

use super::Client;
use super::manage::{advance, keep};
use crate::base::clock::Timestamp;
use crate::db::{self, Connection};
use crate::history::{Author, Event};

/// Saves, as the client's next version, that it has used PKCE. The caller holds the client's row lock, and publishes
/// the record after the commit.
pub fn note_pkce_use(
    conn: &mut Connection,
    client: &Client,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    let mut client = client.clone();
    client.metadata.pkce_used = true;
    advance(conn, &mut client, now, author)?;
    let details = json!({
        "name": client.name, "pkce_used": { "before": false, "after": true },
    });
    let event = Event::done("client.pkce_required").details(details);
    keep(conn, &client, author, event)
}
