//! Resources (services) that a client may get tokens for (RFC 8707), and the grant types that it may use.

use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::path;
use crate::clients::{Client, GrantType, Scope, Scopes};

/// Reads the `resource` parameters of an authorization request, without duplicates (RFC 8707 §2.1). A client that is registered
/// for exactly one resource need not name it; with `openid` it is authorized together with the issuer, as if both were named.
pub fn read_resources(
    parameters: &Parameters,
    client: &Client,
    scopes: &Scopes,
    issuer: &str,
) -> Result<Vec<String>, OAuthError> {
    let mut resources = requested_resources(parameters, client, issuer)?;
    if let (true, Some(only)) = (resources.is_empty(), only_resource(client)) {
        if scopes.contains(Scope::OpenId) && only != issuer {
            resources.push(issuer.to_owned());
        }
        resources.push(only.to_owned());
    }
    // Recorded with the authorization: a client that is registered for it later gains nothing for earlier authorizations.
    let is_for_others = resources.iter().any(|resource| resource != issuer);
    if client.metadata.userinfo_audience && scopes.contains(Scope::OpenId) && is_for_others {
        resources.push(userinfo_audience(issuer));
    }
    Ok(resources)
}

/// Returns the requested resources without duplicates, if the client may request all of them.
pub(super) fn requested_resources(
    parameters: &Parameters,
    client: &Client,
    issuer: &str,
) -> Result<Vec<String>, OAuthError> {
    let mut resources = Vec::new();
    for resource in parameters.resources() {
        check_resource(&resource, client, issuer)?;
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    Ok(resources)
}

/// Returns the audience that the `UserInfo` endpoint of this issuer accepts in addition to the issuer.
pub fn userinfo_audience(issuer: &str) -> String {
    format!("{issuer}{}", path::USERINFO)
}

/// Returns the resource of a client that is registered for exactly one.
pub fn only_resource(client: &Client) -> Option<&str> {
    match client.metadata.resources.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

pub fn is_registered(resource: &str, client: &Client) -> bool {
    let mut registered = client.metadata.resources.iter();
    registered.any(|known| known == resource)
}

/// Checks that a client may request tokens for a service (RFC 8707 §2).
pub fn check_resource(resource: &str, client: &Client, issuer: &str) -> Result<(), OAuthError> {
    if is_registered(resource, client) || resource == issuer {
        return Ok(());
    }
    let description = "the client is not registered for this resource";
    Err(OAuthError::new(ErrorCode::InvalidTarget, description)
        .with_rule(
            "resource-not-registered",
            resource,
            &client.metadata.resources.join(" "),
        )
        .with_remedy(format!(
            "doorward client update {} --add-resource URI",
            client.public_id
        )))
}

/// Returns the error for a grant type that a client is not registered for.
pub fn not_this_grant(client: &Client, grant: GrantType) -> OAuthError {
    let grants: Vec<&str> = client
        .metadata
        .grant_types
        .iter()
        .map(|grant| grant.as_str())
        .collect();
    let description = format!(
        "the client is not registered for the grant type {}",
        grant.as_str()
    );
    OAuthError::new(ErrorCode::UnauthorizedClient, description)
        .with_rule("grant-not-registered", grant.as_str(), &grants.join(" "))
        .with_remedy(format!(
            "doorward client update {} --add-grant {}",
            client.public_id,
            grant.as_str()
        ))
}
