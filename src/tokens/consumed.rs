//! Proof that a single-use code or refresh token was consumed. No token for a user is issued without it.

use super::Authorization;

/// An authorization whose code or refresh token was consumed in the current transaction.
///
/// Only [`super::redeem_code`] and [`super::families::rotate`] create one, after their compare-and-set, and it can't be cloned.
/// Tokens for a user are only issued from it, so a grant type that forgets replay protection doesn't compile.
#[derive(Debug)]
pub struct ConsumedGrant {
    authorization: Authorization,
}

impl ConsumedGrant {
    pub(super) fn new(authorization: Authorization) -> Self {
        Self { authorization }
    }

    /// The authorization that the code or refresh token belongs to.
    pub fn authorization(&self) -> &Authorization {
        &self.authorization
    }
}
