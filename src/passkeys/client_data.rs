//! Checks the browser's statement of where a ceremony ran, because the library leaves that to the relying party.

use serde::Deserialize;

use super::well_formed::FormatError;
use crate::base::config::Origin;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    origin: String,
    #[serde(default)]
    cross_origin: Option<serde_json::Value>,
    #[serde(default)]
    top_origin: Option<serde_json::Value>,
}

/// WebAuthn Level 3 §7.1 steps 9–11 and §7.2 steps 12–14: the origin is one of ours, compared as text, and the page was not in
/// another origin's frame. The library checks the type and the challenge.
pub(super) fn check(client_data: &[u8], origins: &[Origin]) -> Result<(), FormatError> {
    let data: ClientData =
        serde_json::from_slice(client_data).map_err(|_| FormatError("client-data-malformed"))?;
    if !origins.iter().any(|origin| origin.as_str() == data.origin) {
        return Err(FormatError("origin"));
    }
    if data
        .cross_origin
        .is_some_and(|value| value != serde_json::Value::Bool(false))
    {
        return Err(FormatError("cross-origin"));
    }
    if data.top_origin.is_some() {
        return Err(FormatError("top-origin"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(json: &str) -> Result<(), FormatError> {
        let origins = [Origin::parse("https://id.example.com").expect("an origin")];
        check(json.as_bytes(), &origins)
    }

    #[test]
    fn only_same_origin_top_level_pages_are_accepted() {
        assert_eq!(check_text(r#"{"origin":"https://id.example.com"}"#), Ok(()));
        assert_eq!(
            check_text(
                r#"{"origin":"https://id.example.com","crossOrigin":false,"other_keys":"x"}"#
            ),
            Ok(())
        );
        for origin in [
            "https://id.example.com/",
            "https://ID.example.com",
            "https://user@id.example.com",
            "https://id.example.com:443",
            "https://sub.id.example.com",
            "http://id.example.com",
            "",
        ] {
            let json = serde_json::json!({ "origin": origin }).to_string();
            assert_eq!(check_text(&json), Err(FormatError("origin")), "{origin}");
        }
        assert_eq!(
            check_text(r#"{"origin":"https://id.example.com","crossOrigin":true}"#),
            Err(FormatError("cross-origin"))
        );
        assert_eq!(
            check_text(r#"{"origin":"https://id.example.com","crossOrigin":"false"}"#),
            Err(FormatError("cross-origin"))
        );
        assert_eq!(
            check_text(
                r#"{"origin":"https://id.example.com","topOrigin":"https://id.example.com"}"#
            ),
            Err(FormatError("top-origin"))
        );
        assert_eq!(check_text("{}"), Err(FormatError("client-data-malformed")));
        assert_eq!(
            check_text("\u{feff}{}"),
            Err(FormatError("client-data-malformed"))
        );
    }
}
