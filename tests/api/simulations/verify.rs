//! Verification of tokens by programs.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use crate::support::relying_party::header_of;
use crate::support::test_server::TestServer;

/// Tokens that a program accepts.
pub struct Accepts {
    /// Accepted values of `alg` in the header.
    pub algorithms: &'static [&'static str],
    /// Accepted values of `typ` in the header; if empty, the program ignores `typ`.
    pub types: &'static [&'static str],
    /// Key types that the program can read: it rejects a key set with any other type. If empty, it skips unknown keys.
    pub key_types: &'static [&'static str],
}

/// The usual case: RS256, which every program can verify; any `typ`, and unknown keys are skipped.
pub const RS256: Accepts = Accepts {
    algorithms: &["RS256"],
    types: &[],
    key_types: &[],
};

/// Verifies a token with the issuer's keys, and returns its claims. Expiry is not checked, because the library doesn't use
/// the test's clock.
///
/// # Errors
/// The error that the program would report.
pub fn verify(
    token: &str,
    keys: &Value,
    accepts: &Accepts,
    issuer: &str,
    audience: &str,
) -> Result<Value, String> {
    let header = header_of(token);
    let member = |name: &str| header[name].as_str().unwrap_or_default();
    let (algorithm, typ, kid) = (member("alg"), member("typ"), member("kid"));
    if !accepts.algorithms.contains(&algorithm) {
        return Err(format!("alg {algorithm} is not accepted"));
    }
    if !accepts.types.is_empty() && !accepts.types.contains(&typ) {
        return Err(format!("typ {typ} is not accepted"));
    }
    let keys = keys["keys"].as_array().ok_or("no keys")?;
    for key in keys {
        let kind = key["kty"].as_str().unwrap_or_default();
        if !accepts.key_types.is_empty() && !accepts.key_types.contains(&kind) {
            return Err(format!("a key of type {kind}"));
        }
    }
    let key = keys
        .iter()
        .find(|key| key["kid"] == kid)
        .ok_or("no such kid")?;
    let key: Jwk = serde_json::from_value(key.clone()).map_err(|error| error.to_string())?;
    let key = DecodingKey::from_jwk(&key).map_err(|error| error.to_string())?;
    let algorithm: Algorithm = algorithm.parse().map_err(|_| "an unknown alg")?;
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let read = decode::<Value>(token, &key, &validation);
    let claims = read.map_err(|error| error.to_string())?.claims;
    if claims["exp"].as_i64() <= claims["iat"].as_i64() {
        return Err("expired when it was issued".to_owned());
    }
    Ok(claims)
}

#[test]
fn the_simulated_token_verifier_refuses_invalid_tokens() {
    let server = TestServer::embedded();
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let token = app.sign_in(&root.browser, &[]).id_token;
    let keys = server.browser().get("/oauth2/jwks").json();
    let (own, issuer) = (app.id.as_str(), server.origin());
    let refusal = |token: &str, accepts: &Accepts, issuer: &str, audience: &str| {
        verify(token, &keys, accepts, issuer, audience)
            .err()
            .unwrap_or_default()
    };
    assert_eq!(refusal(&token, &RS256, issuer, own), "");
    let (rest, _) = token.rsplit_once('.').expect("a signature");
    let forged = format!("{rest}.{}", "A".repeat(342));
    assert_eq!(refusal(&forged, &RS256, issuer, own), "InvalidSignature");
    assert_eq!(
        refusal(&token, &RS256, "https://elsewhere.example", own),
        "InvalidIssuer"
    );
    assert_eq!(
        refusal(&token, &RS256, issuer, "another"),
        "InvalidAudience"
    );
    let es256 = Accepts {
        algorithms: &["ES256"],
        ..RS256
    };
    assert_eq!(
        refusal(&token, &es256, issuer, own),
        "alg RS256 is not accepted"
    );
    let access_tokens = Accepts {
        types: &["at+jwt"],
        ..RS256
    };
    assert_eq!(
        refusal(&token, &access_tokens, issuer, own),
        "typ JWT is not accepted"
    );
    let elliptic = Accepts {
        key_types: &["EC"],
        ..RS256
    };
    assert_eq!(refusal(&token, &elliptic, issuer, own), "a key of type RSA");
}
