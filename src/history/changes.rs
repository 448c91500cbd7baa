//! Compares two versions of a record, for the audit event of a change.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Returns the members in which two records differ: `{name: {"before": …, "after": …}}`. A missing member counts as `null`; a value
/// that is not an object has no members.
pub fn changes(before: &Value, after: &Value) -> Map<String, Value> {
    let (none, null) = (Map::new(), Value::Null);
    let before = before.as_object().unwrap_or(&none);
    let after = after.as_object().unwrap_or(&none);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let before = before.get(name).unwrap_or(&null);
        let after = after.get(name).unwrap_or(&null);
        (before != after).then(|| (name.clone(), json!({ "before": before, "after": after })))
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differing_fields_are_returned() {
        let before = json!({ "name": "Ada", "roles": ["a"], "email": null, "gone": 1 });
        let after = json!({ "name": "Ada", "roles": ["a", "b"], "title": "Countess" });
        let told = json!({
            "roles": { "before": ["a"], "after": ["a", "b"] },
            "gone": { "before": 1, "after": null },
            "title": { "before": null, "after": "Countess" },
        });
        assert_eq!(Value::Object(changes(&before, &after)), told);
        assert!(changes(&after, &after).is_empty());
        assert!(changes(&Value::Null, &json!({ "email": null })).is_empty());
    }
}
