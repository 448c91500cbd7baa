//! UI texts by key: `ui/text/en.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

const ENGLISH: &str = include_str!("../../ui/text/en.json");

// A parsed constant, compiled in and never changed.
static TEXTS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(ENGLISH).unwrap_or_default());

/// Returns the text of a key, or the key itself if it has none (a test finds those).
pub(super) fn text(key: &str) -> &str {
    TEXTS.get(key).map_or(key, String::as_str)
}

/// Returns the text of a key, if it has one.
pub(super) fn find_text(key: &str) -> Option<&'static str> {
    TEXTS.get(key).map(String::as_str)
}

/// Returns what follows `prefix` in the keys that begin with it, in alphabetical order.
pub fn names_with_text(prefix: &str) -> impl Iterator<Item = &'static str> {
    TEXTS.keys().filter_map(move |key| key.strip_prefix(prefix))
}

/// Returns all keys.
#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    TEXTS.keys().map(String::as_str)
}

/// Returns the text of a key with `{name}` replaced by values.
pub(super) fn text_with(key: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text(key);
    // One pass over the template: braces in a value are not replaced.
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => {
                filled.push('{');
                filled.push_str(name);
                filled.push('}');
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// Returns the texts whose keys begin with `prefix`, with `values` filled in, as JSON for a `<script>` data block.
pub(super) fn texts_json(prefix: &str, values: &[(&str, &str)]) -> String {
    let chosen: BTreeMap<&String, String> = TEXTS
        .keys()
        .filter(|key| key.starts_with(prefix))
        .map(|key| (key, text_with(key, values)))
        .collect();
    script_json(&chosen)
}

/// Returns JSON that is safe in a `<script>` data block.
pub(super) fn script_json(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|_| "{}".into())
        // The escaped JSON can't end the script element (HTML §4.12.1.3).
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_parsed() {
        let texts: BTreeMap<String, String> = serde_json::from_str(ENGLISH).expect("JSON");
        assert!(!texts.is_empty());
    }

    #[test]
    fn a_value_is_filled_in_once() {
        assert_eq!(
            text_with("no.such {name}", &[("name", "{name}")]),
            "no.such {name}"
        );
        assert_eq!(
            text_with("{a} and {b}", &[("a", "1"), ("b", "2")]),
            "1 and 2"
        );
        assert_eq!(text_with("an open {", &[]), "an open {");
    }

    #[test]
    fn texts_for_scripts_name_the_installation_and_keep_the_scripts_placeholders() {
        let values = [("place", "Acme"), ("public_url", "https://id.acme.example")];
        let json: serde_json::Value =
            serde_json::from_str(&texts_json("shared.", &values)).expect("JSON");
        let text = |key: &str| json[key].as_str().expect("a text");
        assert!(text("shared.unreachable").contains("Acme"));
        assert!(text("shared.wrong_address").contains("https://id.acme.example"));
        assert!(text("shared.rate_limited").contains("{seconds}"));
    }
}
