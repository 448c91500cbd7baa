//! Authorization codes of stored requests. A code is computed, not random, so that a step that is repeated because its response was
//! lost returns the same code.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::secrets::{MasterKey, Token};

/// Computes codes from the IDs of stored requests (HMAC-SHA-256). Cheap to clone. `Debug` shows the key's algorithm only.
#[derive(Clone, Debug)]
pub struct CodeDeriver(hmac::Key);

impl CodeDeriver {
    /// Derives the HMAC key from the master key. Codes live for a minute, so codes under the previous master key are not needed.
    pub fn new(master: &MasterKey) -> Self {
        let key = master.derive::<32>("authorization-code");
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// Returns the code of a stored request. It can't be computed from the request's ID without the key.
    pub fn derive(&self, request: &Token) -> Token {
        let tag = hmac::sign(&self.0, request.expose().as_bytes());
        // Never `None`: the tag has 32 bytes, like every token.
        Token::parse(&URL_SAFE_NO_PAD.encode(tag)).unwrap_or_else(Token::generate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_code_under_each_key() {
        let (request, other) = (Token::generate(), Token::generate());
        let (codes, elsewhere) = (
            CodeDeriver::new(&MasterKey::generate()),
            CodeDeriver::new(&MasterKey::generate()),
        );
        assert_eq!(codes.derive(&request), codes.derive(&request));
        assert_ne!(codes.derive(&request), codes.derive(&other));
        assert_ne!(codes.derive(&request), elsewhere.derive(&request));
        assert_ne!(codes.derive(&request), request);
    }
}
