//! Checks the URIs and origins in a client's metadata.

use super::invalid_field::{FieldErrorKind, InvalidField};
use super::uris::{MAX_LEN, is_endpoint, is_origin, is_page};
use super::{Metadata, RedirectUri};
use crate::base::config::Origin;

pub(super) fn check_addresses(metadata: &Metadata) -> Result<(), InvalidField> {
    for (field, page) in [
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ] {
        if let Some(page) = page.as_deref().filter(|page| !is_page(page)) {
            return Err(too_long_or(page, FieldErrorKind::Page).of(field));
        }
    }
    let origins = &metadata.allowed_origins;
    let unfit = origins.iter().enumerate().find(|(_, one)| !is_origin(one));
    if let Some((entry, origin)) = unfit {
        let fault = too_long_or(origin, FieldErrorKind::Origin);
        return Err(fault.at("allowed_origins", entry));
    }
    let endpoint = metadata.backchannel_logout_uri.as_deref();
    if let Some(endpoint) = endpoint.filter(|endpoint| !is_endpoint(endpoint)) {
        let fault = too_long_or(endpoint, FieldErrorKind::Endpoint);
        return Err(fault.of("backchannel_logout_uri"));
    }
    if metadata.backchannel_logout_without_sid && metadata.backchannel_logout_session_required {
        return Err(FieldErrorKind::SidRequired.of("backchannel_logout_without_sid"));
    }
    Ok(())
}

/// Refuses redirect URIs at Doorward's own origin: a response sent there would act with the user's own session.
pub(super) fn check_redirects(metadata: &Metadata, issuer: &Origin) -> Result<(), InvalidField> {
    for (field, uris) in [
        ("redirect_uris", &metadata.redirect_uris),
        (
            "post_logout_redirect_uris",
            &metadata.post_logout_redirect_uris,
        ),
    ] {
        let is_own = |uri: &RedirectUri| uri.origin().as_deref() == Some(issuer.as_str());
        if let Some(entry) = uris.iter().position(is_own) {
            return Err(FieldErrorKind::OwnRedirect.at(field, entry));
        }
    }
    Ok(())
}

/// Returns `TooLong` for an address above the maximum length, which may cause any other fault, and else `fault`.
pub(super) fn too_long_or(address: &str, fault: FieldErrorKind) -> FieldErrorKind {
    if address.len() > MAX_LEN {
        FieldErrorKind::TooLong
    } else {
        fault
    }
}
