//! Every sentence that people see, by key: `ui/text/en.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

const ENGLISH: &str = include_str!("../../ui/text/en.json");

// Compiled-in and never changed: a constant that has to be parsed, not state.
static TEXTS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(ENGLISH).unwrap_or_default());

/// The sentence of a key; the key itself where there is none (a test finds those).
pub(super) fn text(key: &str) -> &str {
    TEXTS.get(key).map_or(key, String::as_str)
}

/// The sentence of a key that may have none.
pub(super) fn find_text(key: &str) -> Option<&'static str> {
    TEXTS.get(key).map(String::as_str)
}

/// The sentence of a key with `{name}` filled in.
pub(super) fn text_with(key: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text(key);
    // One pass over the template: a value that holds braces is not filled in again.
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

/// The sentences whose keys begin with `prefix`, as JSON that may stand in a `<script>` data block.
pub(super) fn texts_json(prefix: &str) -> String {
    let chosen: BTreeMap<&String, &String> = TEXTS
        .iter()
        .filter(|(key, _)| key.starts_with(prefix))
        .collect();
    script_json(&chosen)
}

/// JSON that is safe in a `<script>` data block.
pub(super) fn script_json(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|_| "{}".into())
        // Nothing in it can end the script element (HTML §4.12.1.3).
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_readable() {
        let texts: BTreeMap<String, String> = serde_json::from_str(ENGLISH).expect("JSON");
        assert!(!texts.is_empty());
    }

    /// Every file below a folder of the repository.
    fn files_below(folder: &str) -> Vec<(String, String)> {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a text");
                files.push((path.display().to_string(), text));
            }
        }
        files
    }

    /// Every key that is written out as the first argument of `call`.
    fn keys_in<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        text.split(call)
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
            .filter(move |key| key.chars().all(is_letter))
    }

    #[test]
    fn every_key_that_a_template_or_a_handler_names_has_a_sentence() {
        let mut named = 0;
        for folder in ["ui/templates", "src"] {
            for (path, text) in files_below(folder) {
                for key in ["frame.text(", "frame.text_with("]
                    .iter()
                    .flat_map(|call| keys_in(&text, call))
                {
                    assert!(TEXTS.contains_key(key), "{path}: {key}");
                    named += 1;
                }
                for key in keys_in(&text, "frame.text_counted(") {
                    for form in ["one", "other"] {
                        assert!(
                            TEXTS.contains_key(&format!("{key}.{form}")),
                            "{path}: {key}"
                        );
                    }
                }
            }
        }
        assert!(named > 50, "nothing was read");
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
}
