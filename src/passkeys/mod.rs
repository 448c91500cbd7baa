//! Passkeys and the ceremonies that make and use them (WebAuthn Level 3).
//!
//! Promises that a ceremony is used once, by the browser that began it, within its time; that what the library leaves to a
//! relying party is checked here; and that a passkey, once revoked, opens nothing. Owns `passkeys` and the key
//! `ceremony:…`. The only room in which a verified ceremony is attested.

mod assertion;
mod authenticators;
mod ceremony;
mod client_data;
mod entry;
pub mod http;
mod login;
mod lookup;
mod manage;
pub mod pages;
mod passkey;
mod queries;
mod register;
mod registration;
mod step_up;
mod well_known;

use std::sync::Arc;
use std::time::Duration;

use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::base::clock::Clock;
use crate::base::config::{Config, Origin};
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::sessions::Sessions;
use crate::standing::Standings;

pub use entry::PasskeyEntry;
pub use login::LoginError;
pub use manage::{ManageError, Revoked, Right};
pub use passkey::{Passkey, PasskeyView};
pub use register::RegisterError;
pub use step_up::StepUpError;
pub use well_known::routes as well_known_routes;

/// Everything that ceremonies need. Cheap to clone.
#[derive(Clone)]
pub struct Passkeys {
    webauthn: Arc<Webauthn>,
    origins: Arc<[Origin]>,
    rp_id: Arc<str>,
    database: Database,
    ephemeral: Ephemeral,
    standings: Standings,
    sessions: Sessions,
    clock: Clock,
    ceremony_timeout: Duration,
}

impl std::fmt::Debug for Passkeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Passkeys")
            .field("rp_id", &self.rp_id)
            .finish_non_exhaustive()
    }
}

impl Passkeys {
    /// For the configured name and origins.
    ///
    /// # Errors
    /// When the library refuses the RP ID for the public URL.
    pub fn new(
        config: &Config,
        database: Database,
        ephemeral: Ephemeral,
        standings: Standings,
        sessions: Sessions,
        clock: Clock,
    ) -> Result<Self, String> {
        let origins = config.origins();
        // Subdomains and other ports are never allowed: origins are compared whole, here and in `client_data`.
        let mut builder =
            WebauthnBuilder::new(&config.passkeys.rp_id, config.server.public_url.url())
                .map_err(|error| format!("passkeys.rp_id: {error}"))?
                .rp_name(&config.passkeys.rp_name)
                .timeout(config.passkeys.ceremony_timeout);
        for origin in &config.passkeys.related_origins {
            builder = builder.append_allowed_origin(origin.url());
        }
        Ok(Self {
            webauthn: Arc::new(builder.build().map_err(|error| error.to_string())?),
            origins: origins.into(),
            rp_id: config.passkeys.rp_id.as_str().into(),
            database,
            ephemeral,
            standings,
            sessions,
            clock,
            ceremony_timeout: config.passkeys.ceremony_timeout,
        })
    }

    /// The name that passkeys here are bound to.
    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }
}
