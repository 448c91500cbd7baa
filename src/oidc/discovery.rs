//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2), built from the constants that the implementation uses.

use serde_json::{Value, json};

use super::request::{Prompt, ResponseMode};
use super::{path, pkce, user_claims};
use crate::base::config::ClaimRule;
use crate::clients::{Algorithm, AuthMethod, GrantType, Scope};
use crate::sessions::Acr;

/// Builds the discovery document. `rules` are the configured claims.
pub(super) fn metadata(issuer: &str, rules: &[ClaimRule]) -> Value {
    let endpoint = |path: &str| format!("{issuer}{path}");
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    let methods = AuthMethod::ALL.map(AuthMethod::as_str);
    let secret_methods =
        [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost].map(AuthMethod::as_str);
    // Scopes of the management API are not listed: a client that requests every listed scope would request
    // permissions over other users.
    let scopes = Scope::OPENID.map(Scope::as_str);
    let mut claims: Vec<&str> = user_claims::supported().collect();
    claims.extend(rules.iter().map(|rule| rule.claim.as_str()));
    json!({
        "issuer": issuer,
        "authorization_endpoint": endpoint(path::AUTHORIZE),
        "token_endpoint": endpoint(path::TOKEN),
        "userinfo_endpoint": endpoint(path::USERINFO),
        "introspection_endpoint": endpoint(path::INTROSPECT),
        "revocation_endpoint": endpoint(path::REVOKE),
        "end_session_endpoint": endpoint(path::LOGOUT),
        "jwks_uri": endpoint(path::JWKS),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::as_str),
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": secret_methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": pkce::METHODS,
        "acr_values_supported": Acr::REACHABLE,
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": Prompt::ALL,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "ui_locales_supported": ["en"],
    })
}
