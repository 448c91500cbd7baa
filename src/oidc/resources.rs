//! Which services a client may get tokens for (RFC 8707), and by which grant types.

use super::error::{ErrorCode, Refusal};
use super::parameters::Parameters;
use crate::clients::{Client, GrantType};

/// Reads the `resource` parameters of an authorization request, without duplicates (RFC 8707 §2.1).
///
/// # Errors
/// `invalid_target`.
pub fn read_resources(
    parameters: &Parameters,
    client: &Client,
    issuer: &str,
) -> Result<Vec<String>, Refusal> {
    let mut resources = Vec::new();
    for resource in parameters.resources() {
        check_resource(resource, client, issuer)?;
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    refuse_mixed(&resources, issuer)?;
    Ok(resources)
}

/// Checks that a client may request tokens for a service.
///
/// # Errors
/// `invalid_target` (RFC 8707 §2).
pub fn check_resource(resource: &str, client: &Client, issuer: &str) -> Result<(), Refusal> {
    let is_registered = client
        .metadata
        .resources
        .iter()
        .any(|known| known == resource);
    if is_registered || resource == issuer {
        return Ok(());
    }
    let description = "resource is not among those that this client is registered for";
    Err(Refusal::new(ErrorCode::InvalidTarget, description)
        .because(
            "resource-not-registered",
            resource,
            &client.metadata.resources.join(" "),
        )
        .remedy(format!(
            "doorward client update {} --add-resource URI",
            client.id
        )))
}

/// The refusal of a grant type that a client is not registered for.
pub fn not_this_grant(client: &Client, grant: GrantType) -> Refusal {
    let grants: Vec<&str> = client
        .metadata
        .grant_types
        .iter()
        .map(|grant| grant.as_str())
        .collect();
    let description = format!(
        "this client is not registered for the grant {}",
        grant.as_str()
    );
    Refusal::new(ErrorCode::UnauthorizedClient, description)
        .because("grant-not-registered", grant.as_str(), &grants.join(" "))
        .remedy(format!(
            "doorward client update {} --add-grant {}",
            client.id,
            grant.as_str()
        ))
}

/// Refuses a token for Doorward and other services together: another service could use it to call Doorward.
///
/// # Errors
/// `invalid_target`.
pub fn refuse_mixed(resources: &[String], issuer: &str) -> Result<(), Refusal> {
    if resources.len() > 1 && resources.iter().any(|resource| resource == issuer) {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "a token for the issuer itself is not valid for other services: request two tokens",
        ));
    }
    Ok(())
}
