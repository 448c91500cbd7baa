//! Result of a verified ceremony, from which a session is created or stepped up.

use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};

/// Strength of a sign-in: the `acr` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acr {
    /// Passkey that its provider may copy to other devices; phishing-resistant.
    Synced,
    /// Passkey that can't leave its device.
    DeviceBound,
}

impl Acr {
    /// Determines the value from the credential's backup eligibility, which never changes.
    pub fn of(backup_eligible: bool) -> Self {
        if backup_eligible {
            Self::Synced
        } else {
            Self::DeviceBound
        }
    }

    /// Returns the value in tokens (OpenID Connect EAP ACR Values 1.0 defines `phr`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "phr",
            Self::DeviceBound => "urn:doorward:acr:device-bound",
        }
    }

    /// Returns the `amr` values (RFC 8176 §2): with user verification, possession and presence are two factors.
    pub fn amr(self) -> [&'static str; 3] {
        match self {
            Self::Synced => ["swk", "user", "mfa"],
            Self::DeviceBound => ["hwk", "user", "mfa"],
        }
    }
}

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

    /// ID of the verified user.
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
