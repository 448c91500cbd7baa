//! Strength of a sign-in (`acr`), and the authentication methods that belong to it (`amr`).

use crate::base::text_enum::text_enum;

/// Strength of a sign-in: the `acr` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acr {
    /// Passkey that its provider may copy to other devices; phishing-resistant.
    Synced,
    /// Passkey that can't leave its device.
    DeviceBound,
}

// The values in tokens; OpenID Connect EAP ACR Values 1.0 defines `phr`.
text_enum!(Acr { Synced = "phr", DeviceBound = "urn:doorward:acr:device-bound" });

/// Attested hardware. It has a rank, but no session reaches it, because Doorward requests no attestation.
const ATTESTED: &str = "phrh";

impl Acr {
    /// The values that a sign-in can reach, weakest first.
    pub const REACHABLE: [&str; 2] = [Self::Synced.as_str(), Self::DeviceBound.as_str()];

    /// Returns the rank of an `acr` value, 1 being the weakest; `None` for an unknown value.
    pub fn rank(acr: &str) -> Option<u8> {
        match acr {
            acr if acr == Self::Synced.as_str() => Some(1),
            acr if acr == Self::DeviceBound.as_str() => Some(2),
            ATTESTED => Some(3),
            _ => None,
        }
    }

    /// Determines the value from the credential's backup eligibility, which never changes.
    pub fn of(backup_eligible: bool) -> Self {
        if backup_eligible {
            Self::Synced
        } else {
            Self::DeviceBound
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
