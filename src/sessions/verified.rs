//! Result of a verified ceremony, from which a session is created or stepped up.

use super::acr::Acr;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};

/// Proof that the user has just used the passkey. Nothing else creates or steps up a session: the constructor is used only in
/// `passkeys/{login,register,step_up}.rs`, which the architecture test checks.
#[derive(Debug)]
pub struct VerifiedCeremony {
    user: UserId,
    passkey: PasskeyId,
    acr: Acr,
    at: Timestamp,
}

impl VerifiedCeremony {
    /// Attests that a ceremony was verified. Only ceremonies may call it.
    pub fn attest(user: UserId, passkey: PasskeyId, acr: Acr, at: Timestamp) -> Self {
        Self {
            user,
            passkey,
            acr,
            at,
        }
    }

    pub fn user(&self) -> UserId {
        self.user
    }

    /// ID of the passkey that was used.
    pub fn passkey(&self) -> PasskeyId {
        self.passkey
    }

    /// `acr` of the ceremony.
    pub fn acr(&self) -> Acr {
        self.acr
    }

    /// Time of the ceremony, by the clock that ends sessions: the `auth_time`.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}
