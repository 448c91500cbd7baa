//! Resources in paths: `{type}/{id}`, each one percent-encoded segment.

use crate::assignments::{ResourceId, ResourceName, ResourceType};
use crate::web::Problem;

/// Parses the resource that a path names.
pub(super) fn parse_path(path: &(String, String)) -> Result<ResourceName, Problem> {
    // Bytes that are not UTF-8 were replaced by this character, so the path would name another resource.
    if path.1.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Problem::invalid_parameter("id", "must be UTF-8"));
    }
    Ok(ResourceName {
        kind: ResourceType::parse(&path.0)
            .map_err(|fault| Problem::invalid_parameter("type", fault))?,
        id: ResourceId::parse(&path.1).map_err(|fault| Problem::invalid_parameter("id", fault))?,
    })
}

/// The path of a resource below `/v1/resources`.
pub(super) fn path_of(name: &ResourceName) -> String {
    format!(
        "/v1/resources/{}/{}",
        segment(name.kind.as_str()),
        segment(name.id.as_str())
    )
}

/// Encodes a text as one segment of a path (RFC 3986 §3.3).
fn segment(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_two_path_segments_for_any_type_and_id() {
        let name = ResourceName::parse("Shop::order", "a/b c+d%2Fé?#").expect("a name");
        assert_eq!(
            path_of(&name),
            "/v1/resources/Shop%3A%3Aorder/a%2Fb%20c%2Bd%252F%C3%A9%3F%23"
        );
    }
}
