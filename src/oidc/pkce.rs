//! Proof Key for Code Exchange (RFC 7636), with no method other than S256.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::error::OAuthError;
use super::parameters::Parameters;
use crate::clients::{Client, CodeProtection, Scope, Scopes};

/// The code challenge methods that discovery lists.
pub const METHODS: [&str; 1] = ["S256"];

/// Returns the code challenge of an authorization request for these scopes, if it has one.
pub fn read_challenge(
    parameters: &Parameters,
    client: &Client,
    scopes: &Scopes,
) -> Result<Option<String>, OAuthError> {
    let Some(challenge) = parameters.get("code_challenge") else {
        let has_nonce = parameters.get("nonce").is_some();
        if !is_protected(client, (None, has_nonce), scopes) {
            return Err(unprotected(client));
        }
        if parameters.get("code_challenge_method").is_some() {
            return Err(OAuthError::invalid_request("code_challenge is missing"));
        }
        return Ok(None);
    };
    // RFC 7636 §4.3: without a method it is `plain`, which reveals the verifier (RFC 9700 §2.1.1).
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request(
            "code_challenge_method must be S256",
        ));
    }
    let is_sha256 = challenge.len() == 43
        && URL_SAFE_NO_PAD
            .decode(challenge)
            .is_ok_and(|bytes| bytes.len() == 32);
    if !is_sha256 {
        return Err(OAuthError::invalid_request(
            "code_challenge must be the base64url of a SHA-256, 43 characters",
        ));
    }
    Ok(Some(challenge.to_owned()))
}

/// Whether a code is protected as its client must protect it (RFC 9700 §2.1.1): by a challenge, or, for a client with a secret
/// that has not used PKCE yet, by a nonce, which is returned only in the ID token; or if an
/// administrator exempted the client.
pub fn is_protected(
    client: &Client,
    (challenge, has_nonce): (Option<&str>, bool),
    scopes: &Scopes,
) -> bool {
    challenge.is_some()
        || match client.metadata.code_protection() {
            CodeProtection::None => true,
            CodeProtection::PkceOrNonce => has_nonce && scopes.contains(Scope::OpenId),
            CodeProtection::Pkce => false,
        }
}

/// Returns the error for an unprotected request: what to send, or the command with which an administrator exempts the client.
fn unprotected(client: &Client) -> OAuthError {
    let metadata = &client.metadata;
    let send = match metadata.code_protection() {
        CodeProtection::PkceOrNonce => "send code_challenge (PKCE, S256) or, with openid, a nonce",
        CodeProtection::Pkce | CodeProtection::None => "send code_challenge (PKCE, S256)",
    };
    // Public clients can't be exempted.
    let command = (!metadata.is_public())
        .then(|| format!("doorward client update {} --no-pkce", client.public_id));
    let excuse = command.as_ref();
    let excuse = excuse.map(|command| format!(", or allow this client to omit it: {command}"));
    let registered = match metadata.code_protection() {
        CodeProtection::Pkce if metadata.pkce_used => "PKCE, which it has used",
        CodeProtection::Pkce | CodeProtection::None => "PKCE",
        CodeProtection::PkceOrNonce => "PKCE or a nonce",
    };
    let description = format!("{send}{}", excuse.unwrap_or_default());
    let mut refusal = OAuthError::invalid_request(description).with_rule("pkce", "", registered);
    if let Some(details) = &mut refusal.details {
        details.remedy = command;
    }
    refusal
}

/// Checks that the redemption comes from the client that created the challenge.
pub fn verify(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            let computed = URL_SAFE_NO_PAD.encode(hash);
            if bool::from(computed.as_bytes().ct_eq(challenge.as_bytes())) {
                Ok(())
            } else {
                Err(OAuthError::invalid_grant(
                    "code_verifier does not match the code_challenge",
                ))
            }
        }
        (Some(_), Some(_)) => Err(OAuthError::invalid_grant(
            "code_verifier must have 43 to 128 unreserved characters",
        )),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing")),
        // RFC 9700 §2.1.1: protects against PKCE downgrade attacks.
        (None, Some(_)) => Err(OAuthError::invalid_grant(
            "code_verifier without a code_challenge in the authorization request",
        )),
    }
}

/// Whether the text has the syntax of a verifier (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::error::ErrorCode;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_specifications_example_verifies() {
        assert_eq!(verify(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        assert_eq!(verify(None, None), Ok(()));
        let other = VERIFIER.replace('d', "e");
        for (challenge, verifier) in [
            (Some(CHALLENGE), Some(other.as_str())),
            (Some(CHALLENGE), Some("short")),
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
        ] {
            let refused = verify(challenge, verifier).expect_err("a refusal");
            assert_eq!(refused.code, ErrorCode::InvalidGrant);
        }
    }
}
