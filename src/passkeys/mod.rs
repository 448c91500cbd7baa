//! Passkeys, and the ceremonies that create and use them (WebAuthn Level 3).
//!
//! Guarantees that a ceremony is used once, by the browser that started it, before it expires; that everything that the library
//! leaves to a relying party is checked; and that a revoked passkey can't be used. Owns the table `passkeys` and the key
//! `ceremony:…`. The only module that attests verified ceremonies.

mod assertion;
mod attestation;
mod authenticators;
mod ceremony;
mod client_data;
mod entry;
mod error;
pub mod http;
mod login;
mod lookup;
mod manage;
pub mod pages;
mod passkey;
mod queries;
mod register;
mod relying_party;
mod step_up;
#[cfg(test)]
mod tests;
mod well_formed;

use std::time::Duration;

use crate::account_state::AccountStates;
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::sessions::Sessions;
use crate::tokens::Tokens;
use crate::web::RefusalRecorder;

use relying_party::RelyingParty;

pub use entry::PasskeyEntry;
pub use http::well_known_routes;
pub use manage::{ManageError, RevocationResult, RevokeAs};
pub use passkey::PasskeyView;
pub use queries::PasskeyFilter;

/// The entry point of this module, with its dependencies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passkeys {
    party: RelyingParty,
    database: Database,
    ephemeral: Ephemeral,
    account_states: AccountStates,
    sessions: Sessions,
    clock: Clock,
    ceremony_timeout: Duration,
    refusals: RefusalRecorder,
}

impl Passkeys {
    /// Creates the entry point for the configured RP ID and origins.
    pub fn new(config: &Config, tokens: &Tokens, sessions: &Sessions) -> Result<Self, String> {
        let (database, ephemeral) = (tokens.database.clone(), tokens.ephemeral.clone());
        let clock = tokens.clock.clone();
        Ok(Self {
            refusals: RefusalRecorder::new(database.clone(), ephemeral.clone(), clock.clone()),
            party: RelyingParty::new(
                &config.passkeys.rp_id,
                &config.passkeys.rp_name,
                config.origins(),
                config.passkeys.ceremony_timeout,
            )?,
            database,
            ephemeral,
            account_states: tokens.account_states.clone(),
            sessions: sessions.clone(),
            clock,
            ceremony_timeout: config.passkeys.ceremony_timeout,
        })
    }

    /// The RP ID that passkeys are bound to.
    pub fn rp_id(&self) -> &str {
        &self.party.id
    }
}
