//! The proof that a one-use grant was consumed, without which no token for a user is issued.

use super::Authorization;

/// An authorization whose code or refresh token was consumed in the current transaction.
///
/// Only [`super::redeem_code`] and [`super::refresh::rotate`] create one, after their conditional write, and it can't be cloned. Tokens
/// for a user are issued from it alone, so a grant that forgets replay protection does not compile.
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
