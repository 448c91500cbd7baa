//! Requested scopes that a client is not registered for: the authorization request continues without them (RFC 6749 §3.3), and the
//! developer who connects the client is notified.

use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::refusals::SCOPE_DROPPED;
use crate::clients::{Client, GrantType, Scope, Scopes};

/// Logs the requested scopes that were not granted, and returns the notice for the developer; `None` if all were granted.
pub fn dropped_scopes(
    parameters: &Parameters,
    client: &Client,
    granted: &Scopes,
) -> Option<OAuthError> {
    let asked = Scopes::parse(parameters.get("scope")?).ok()?;
    let dropped = asked.difference(granted);
    if dropped.is_empty() {
        return None;
    }
    tracing::info!(
        client_id = %client.public_id, %dropped, registered = %client.scopes,
        "scopes dropped: the client is not registered for them"
    );
    let description = "scopes are dropped from the request: the client is not registered for them";
    let mut refusal = OAuthError::new(ErrorCode::InvalidScope, description).with_rule(
        SCOPE_DROPPED,
        &dropped.to_text(),
        &client.scopes.to_text(),
    );
    // Only scopes about users are suggested: anyone can send a request with made-up scope names.
    let about_users: Scopes = Scope::OPENID.into_iter().collect();
    let missing = dropped
        .difference(&client.scopes)
        .intersection(&about_users);
    let mut flags: Vec<String> = missing
        .names()
        .map(|name| format!("--add-scope {name}"))
        .collect();
    if dropped.contains(Scope::OfflineAccess) && !client.metadata.allows(GrantType::RefreshToken) {
        flags.push("--add-grant refresh_token".to_owned());
    }
    if let Some(details) = refusal.details.as_mut().filter(|_| !flags.is_empty()) {
        let flags = flags.join(" ");
        details.remedy = Some(format!(
            "doorward client update {} {flags}",
            client.public_id
        ));
    }
    Some(refusal)
}
