//! What a verified ceremony proved: the one thing from which a session is made or raised.

use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};

/// How strong a sign-in was: the `acr` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acr {
    /// A passkey that its provider may copy to other devices: phishing-resistant.
    Synced,
    /// A passkey that can't leave its device.
    DeviceBound,
}

impl Acr {
    /// By the credential's backup eligibility, which never changes.
    pub fn of(backup_eligible: bool) -> Self {
        if backup_eligible {
            Self::Synced
        } else {
            Self::DeviceBound
        }
    }

    /// The value that services see (OpenID Connect EAP ACR Values 1.0 defines `phr`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "phr",
            Self::DeviceBound => "urn:doorward:acr:device-bound",
        }
    }

    /// The `amr` values (RFC 8176 §2): user verification makes possession and presence two factors.
    pub fn amr(self) -> [&'static str; 3] {
        match self {
            Self::Synced => ["swk", "user", "mfa"],
            Self::DeviceBound => ["hwk", "user", "mfa"],
        }
    }
}

/// Proof that this person just used this passkey. Its constructor is named only in `passkeys/{login,register,step_up}.rs`
/// (the architecture test looks): nothing else makes or raises a session.
#[derive(Debug)]
pub struct VerifiedCeremony {
    user: UserId,
    passkey: PasskeyId,
    acr: Acr,
    at: Timestamp,
}

impl VerifiedCeremony {
    /// Says that a ceremony verified. Call it nowhere else.
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

    /// With which passkey.
    pub fn passkey(&self) -> PasskeyId {
        self.passkey
    }

    /// `acr` that the ceremony gives.
    pub fn acr(&self) -> Acr {
        self.acr
    }

    /// When, by the clock that ends sessions: the `auth_time`.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}
