//! Refresh tokens: `{family}.{generation}.{HMAC}`. Each family has one row, whose number says which of its tokens is the current one.
//!
//! Because a token is computed, not random, the successor of a token whose response was lost can be returned again without being
//! stored. A genuine token that is neither the current one nor its predecessor within the grace period proves that two parties hold
//! the family (RFC 9700 §4.14.2).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use super::queries::rows::Family;
use crate::base::clock::Timestamp;
use crate::base::ids::RefreshFamilyId;
use crate::base::secrets::MasterKey;

/// The parsed form of a genuine refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// ID of the token's family.
    pub family: RefreshFamilyId,
    /// Number of the token within its family.
    pub generation: i64,
}

/// Writes refresh tokens, and distinguishes genuine ones from forged ones. Cheap to clone. `Debug` shows the keys' algorithm only.
#[derive(Clone, Debug)]
pub struct RefreshTokens {
    current: hmac::Key,
    previous: Option<hmac::Key>,
}

impl RefreshTokens {
    /// Derives the keys from the current and the previous master key.
    pub fn new(master: &MasterKey, previous: Option<&MasterKey>) -> Self {
        let key = |master: &MasterKey| {
            hmac::Key::new(hmac::HMAC_SHA256, &master.derive::<32>("refresh-token"))
        };
        Self {
            current: key(master),
            previous: previous.map(key),
        }
    }

    /// Returns the text of a token, as the client receives it.
    pub fn write(&self, token: RefreshToken) -> String {
        let body = format!("{}.{}", token.family, token.generation);
        let tag = hmac::sign(&self.current, body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Parses a presented token and verifies its HMAC; returns `None` if Doorward did not write it.
    pub fn read(&self, presented: &str) -> Option<RefreshToken> {
        let (body, tag) = presented.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let is_genuine = std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|key| hmac::verify(key, body.as_bytes(), &tag).is_ok());
        if !is_genuine {
            return None;
        }
        let (family, generation) = body.split_once('.')?;
        Some(RefreshToken {
            family: RefreshFamilyId::parse(family)?,
            generation: generation.parse().ok()?,
        })
    }
}

/// Whether refresh tokens are single-use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Each use returns the next token. Within the grace period, the predecessor still returns the current token.
    EachUse {
        /// How long after the rotation the predecessor is accepted.
        grace: Duration,
    },
    /// The client keeps its token (RFC 9700 §4.14.2 permits this for clients with a secret).
    Never,
}

impl Rotation {
    /// Returns whether a token may be used again because the response to its first use was lost.
    pub fn has_grace(self) -> bool {
        match self {
            Self::EachUse { grace } => !grace.is_zero(),
            Self::Never => true,
        }
    }
}

/// How a genuine token relates to the current one of its family.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// The current token; `next` is the number of its successor.
    First { next: i64 },
    /// The predecessor of the current token, within the grace period.
    Repeated,
    /// Any other token of the family.
    Replayed,
}

/// Returns how a token of a family is used. The caller must hold the lock of the family's row.
pub(super) fn check_use(
    family: &Family,
    presented: i64,
    rotation: Rotation,
    now: Timestamp,
) -> TokenUse {
    let Rotation::EachUse { grace } = rotation else {
        return if presented == family.generation {
            TokenUse::First {
                next: family.generation,
            }
        } else {
            TokenUse::Replayed
        };
    };
    if presented == family.generation {
        return TokenUse::First {
            next: family.generation.saturating_add(1),
        };
    }
    // Only the direct predecessor is accepted: once its successor has been used, the current number is higher.
    let is_predecessor = presented.saturating_add(1) == family.generation;
    if is_predecessor && !grace.is_zero() && now.since(family.rotated_at) <= grace {
        TokenUse::Repeated
    } else {
        TokenUse::Replayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::AuthorizationId;

    fn family(generation: i64) -> Family {
        let at = Timestamp::from_micros(1_000_000_000);
        Family {
            id: RefreshFamilyId::random(),
            authorization: AuthorizationId::random(),
            generation,
            rotated_at: at,
            expires_at: at.after(Duration::from_secs(3_600)),
            created_at: at,
        }
    }

    #[test]
    fn only_genuine_refresh_tokens_are_parsed() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let token = RefreshToken {
            family: RefreshFamilyId::random(),
            generation: 7,
        };
        let text = RefreshTokens::new(&old, None).write(token);
        let tokens = RefreshTokens::new(&new, Some(&old));
        assert_eq!(tokens.read(&text), Some(token));
        assert_eq!(RefreshTokens::new(&new, None).read(&text), None);
        let altered = text.replace(".7.", ".8.");
        for forged in [altered.as_str(), "", "..", "a.b.c", &text[1..]] {
            assert_eq!(tokens.read(forged), None, "{forged}");
        }
        assert_eq!(tokens.read(&format!("{text}=")), None);
    }

    #[test]
    fn the_previous_token_returns_the_same_successor_within_the_grace_period() {
        let family = family(5);
        let rotation = Rotation::EachUse {
            grace: Duration::from_secs(10),
        };
        let soon = family.rotated_at.after(Duration::from_secs(10));
        let late = family.rotated_at.after(Duration::from_secs(11));
        let check = |generation, at| check_use(&family, generation, rotation, at);
        assert_eq!(check(5, soon), TokenUse::First { next: 6 });
        assert_eq!(check(4, soon), TokenUse::Repeated);
        assert_eq!(check(4, late), TokenUse::Replayed);
        assert_eq!(check(3, soon), TokenUse::Replayed);
        assert_eq!(check(6, soon), TokenUse::Replayed);
    }

    #[test]
    fn without_a_grace_period_the_previous_token_is_treated_as_theft() {
        let family = family(5);
        let rotation = Rotation::EachUse {
            grace: Duration::ZERO,
        };
        let judged = check_use(&family, 4, rotation, family.rotated_at);
        assert_eq!(judged, TokenUse::Replayed);
    }

    #[test]
    fn a_client_without_rotation_keeps_its_token() {
        let family = family(1);
        let at = family.rotated_at;
        let judged = check_use(&family, 1, Rotation::Never, at);
        assert_eq!(judged, TokenUse::First { next: 1 });
        assert_eq!(
            check_use(&family, 2, Rotation::Never, at),
            TokenUse::Replayed
        );
    }
}
