//! Passkeys as pages list them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::queries::{Passkey, PasskeyFilter};
use super::{Passkeys, authenticators, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};
use crate::db;
use crate::history::{self, PasskeyUse};
use crate::web::browser_name;

/// Maximum number of recent uses that are read to find where each passkey was last used.
const MAX_USES_READ: i64 = 200;

/// A passkey as pages list it.
#[derive(Clone, Debug)]
pub struct PasskeyEntry {
    pub id: PasskeyId,
    /// Credential ID, base64url.
    pub credential_id: String,
    pub name: String,
    pub provider: Option<&'static str>,
    /// `key`, `phone` or `laptop`.
    pub icon_name: &'static str,
    /// Whether its provider copies it to other devices.
    pub synced: bool,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
    /// The browser and the address that it was last used from; `None` if unknown or too long ago.
    pub last_used_from: Option<String>,
    pub revoked: Option<Timestamp>,
    pub revoked_reason: Option<String>,
}

impl PasskeyEntry {
    fn new(passkey: Passkey, uses: &[PasskeyUse]) -> Self {
        // The newest use comes first.
        let last_use = uses.iter().find(|used| used.passkey == passkey.id);
        Self {
            id: passkey.id,
            credential_id: URL_SAFE_NO_PAD.encode(&passkey.credential_id),
            provider: authenticators::provider(passkey.aaguid),
            icon_name: icon_name(&passkey.transports),
            synced: passkey.backup_eligible,
            created: passkey.created_at,
            last_used: passkey.last_used_at,
            last_used_from: last_use.and_then(browser_and_address),
            revoked: passkey.revoked_at,
            revoked_reason: passkey.revoked_reason,
            name: passkey.name,
        }
    }
}

/// Browser and address, as far as known.
fn browser_and_address(last_use: &PasskeyUse) -> Option<String> {
    let browser = last_use.user_agent.as_deref().and_then(browser_name);
    let parts: Vec<String> = browser
        .into_iter()
        .chain(last_use.address.clone())
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Guesses the device that the passkey is on from its transports: other devices can reach a phone, but not a
/// laptop's own authenticator.
fn icon_name(transports: &[String]) -> &'static str {
    let has = |wanted: &str| transports.iter().any(|transport| transport == wanted);
    if has("hybrid") {
        "phone"
    } else if has("internal") {
        "laptop"
    } else {
        "key"
    }
}

impl Passkeys {
    /// Lists a user's passkeys, oldest first, with the revoked ones at the end.
    pub async fn list_entries(
        &self,
        user: UserId,
        filter: PasskeyFilter,
    ) -> db::Result<Vec<PasskeyEntry>> {
        let (passkeys, latest) = self
            .database
            .read(move |conn| {
                let passkeys = queries::list(conn, user, filter)?;
                let latest = history::list_passkey_uses(conn, user, MAX_USES_READ)?;
                Ok::<_, db::Error>((passkeys, latest))
            })
            .await?;
        let mut entries: Vec<PasskeyEntry> = passkeys
            .into_iter()
            .map(|passkey| PasskeyEntry::new(passkey, &latest))
            .collect();
        entries.sort_by_key(|entry| entry.revoked.is_some());
        Ok(entries)
    }
}
