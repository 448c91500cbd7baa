//! Checks identifiers of resource servers: the resources that a client may get tokens for, and its own audiences.

use uuid::Uuid;

use super::addresses::too_long_or;
use super::invalid_field::{FieldErrorKind, InvalidField};
use super::uris::parse_uri;
use super::{Client, ClientError, Metadata, queries};
use crate::base::config::Origin;
use crate::base::public_client_id::PublicClientId;
use crate::db::Connection;

/// Checks the resources and audiences in a client's metadata. Returns the first that can't be used as an error.
pub(super) fn check_resource_names(
    metadata: &Metadata,
    issuer: &Origin,
) -> Result<(), InvalidField> {
    for (entry, resource) in metadata.resources.iter().enumerate() {
        if !is_resource(resource) {
            let fault = too_long_or(resource, FieldErrorKind::Service);
            return Err(fault.at("resources", entry));
        }
    }
    for (entry, audience) in metadata.audiences.iter().enumerate() {
        check_audience(audience, issuer).map_err(|fault| fault.at("audiences", entry))?;
    }
    Ok(())
}

/// RFC 8707 §2: absolute, without fragment.
fn is_resource(text: &str) -> bool {
    !text.contains('#') && parse_uri(text).is_some()
}

const MAX_PLAIN_NAME_LEN: usize = 200;

/// RFC 7519 §2, `StringOrURI`: a value with a colon is a URI; any other value is a plain name.
fn check_audience(audience: &str, issuer: &Origin) -> Result<(), FieldErrorKind> {
    if audience.contains(':') {
        if !is_resource(audience) {
            return Err(too_long_or(audience, FieldErrorKind::Audience));
        }
        let origin = parse_uri(audience).map(|url| url.origin().ascii_serialization());
        if origin.as_deref() == Some(issuer.as_str()) || audience.starts_with("urn:doorward:") {
            return Err(FieldErrorKind::OwnAudience);
        }
        return Ok(());
    }
    let is_visible = audience.bytes().all(|byte| byte.is_ascii_graphic());
    let has_reserved_characters = audience.contains(['"', '\\', '#']) || audience.starts_with("//");
    if !(1..=MAX_PLAIN_NAME_LEN).contains(&audience.len()) || !is_visible || has_reserved_characters
    {
        return Err(too_long_or(audience, FieldErrorKind::Audience));
    }
    // The audience of an ID token is a client ID, and access tokens may have the same `typ`.
    if Uuid::try_parse(audience).is_ok() {
        return Err(FieldErrorKind::AudienceIsClient);
    }
    Ok(())
}

/// Checks that the new audiences of a client are neither another client's audience nor any client's ID.
pub(super) fn require_unused_audiences(
    conn: &mut Connection,
    client: &Client,
    before: &[String],
) -> Result<(), ClientError> {
    let mut new = client.metadata.audiences.iter();
    if new.all(|audience| before.contains(audience)) {
        return Ok(());
    }
    let taken = queries::list_audiences_of_others(conn, client.id)?;
    for (entry, audience) in client.metadata.audiences.iter().enumerate() {
        if taken.contains(audience) {
            return Err(ClientError::AudienceTaken(audience.clone()));
        }
        // The audience of an ID token is a client ID (possibly this client's), and access tokens may have the same `typ`.
        let named = PublicClientId::parse(audience).map(|public| public.id());
        let is_id = match named.filter(|_| !before.contains(audience)) {
            Some(id) => id == client.id || queries::find_including_deleted(conn, id)?.is_some(),
            None => false,
        };
        if is_id {
            let fault = FieldErrorKind::AudienceIsClient.at("audiences", entry);
            return Err(fault.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: impl FnOnce(&mut Metadata)) -> Option<(&'static str, FieldErrorKind)> {
        let mut metadata = Metadata::default();
        change(&mut metadata);
        let issuer = Origin::parse("https://id.example.com").expect("an origin");
        let fault = check_resource_names(&metadata, &issuer).err()?;
        Some((fault.field, fault.kind))
    }

    #[test]
    fn resources_are_uris_and_audiences_are_uris_or_plain_names() {
        for good in [
            "https://api.example/v1",
            "urn:example:orders",
            "api://orders",
            "orders",
            "orders.internal",
            "/projects/17/orders",
        ] {
            assert_eq!(
                fault(|metadata| metadata.audiences = vec![good.into()]),
                None,
                "{good}"
            );
        }
        for bad in [
            "orders",
            "https://api.example/#x",
            "",
            "//api.example",
            "https:/api.example",
            "https://ID.example.com:443/x",
        ] {
            let refused = fault(|metadata| metadata.resources = vec![bad.into()]);
            assert_eq!(
                refused,
                Some(("resources", FieldErrorKind::Service)),
                "{bad}"
            );
        }
        for bad in [
            "",
            "orders api",
            "//orders",
            "or\"ders",
            "orders#x",
            "https://api.example/#x",
            "örders",
            &"a".repeat(201),
        ] {
            let refused = fault(|metadata| metadata.audiences = vec![bad.into()]);
            assert_eq!(
                refused,
                Some(("audiences", FieldErrorKind::Audience)),
                "{bad}"
            );
        }
        let client = Uuid::new_v4().to_string();
        for id in [
            client.clone(),
            client.to_uppercase(),
            client.replace('-', ""),
        ] {
            let refused = fault(|metadata| metadata.audiences = vec![id.clone()]);
            assert_eq!(
                refused,
                Some(("audiences", FieldErrorKind::AudienceIsClient)),
                "{id}"
            );
        }
        for issuer in [
            "https://id.example.com",
            "https://id.example.com/x",
            "urn:doorward:api",
        ] {
            let refused = fault(|metadata| metadata.audiences = vec![issuer.into()]);
            assert_eq!(
                refused,
                Some(("audiences", FieldErrorKind::OwnAudience)),
                "{issuer}"
            );
        }
    }
}
