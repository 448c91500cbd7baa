//! The first use of PKCE by a client that relied on `nonce`: from then on, PKCE is required (RFC 9700 §2.1.1, no downgrade).

use serde_json::json;

use super::Client;
use super::manage::{record_version, save_next_version};
use crate::base::clock::Timestamp;
use crate::db::{self, Connection};
use crate::history::{Author, Event};

/// Saves, as the client's next version, that it has used PKCE. The caller holds the client's row lock, and publishes
/// the record after the commit.
pub fn record_pkce_use(
    conn: &mut Connection,
    client: &Client,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    let mut client = client.clone();
    client.metadata.pkce_used = true;
    save_next_version(conn, &mut client, now, author)?;
    let details = json!({
        "name": client.name, "pkce_used": { "before": false, "after": true },
    });
    let event = Event::done("client.pkce_required").details(details);
    record_version(conn, &client, author, event)
}
