//! How much may be kept in the `attributes` of a person or a thing.

use serde_json::{Map, Value};

/// The largest `attributes`, as JSON text.
const MOST_ATTRIBUTES: usize = 16 << 10;
/// How deep they may be nested: whatever wraps them later (a version, an audit event) stays far below the 128 levels that are read
/// again.
const DEEPEST: usize = 16;

/// Whether attributes are small enough to be kept: their text, and so the number of their values, and their depth.
pub fn are_bounded(attributes: &Map<String, Value>) -> bool {
    let text = serde_json::to_string(attributes);
    let is_short = text.is_ok_and(|text| text.len() <= MOST_ATTRIBUTES);
    let is_flat = attributes
        .values()
        .all(|value| depth_is_at_most(value, DEEPEST - 1));
    is_short && is_flat
}

/// Whether a value is nested at most this deep; the parser has bounded the recursion.
fn depth_is_at_most(value: &Value, most: usize) -> bool {
    let inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(items) => Box::new(items.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
    };
    let Some(left) = most.checked_sub(1) else {
        return false;
    };
    inner.into_iter().all(|value| depth_is_at_most(value, left))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Map<String, Value> {
        let mut value = json!(1);
        for _ in 1..levels {
            value = json!({ "a": value });
        }
        json!({ "a": value })
            .as_object()
            .expect("an object")
            .clone()
    }

    #[test]
    fn attributes_are_bounded_in_size_and_in_depth() {
        assert!(are_bounded(&Map::new()));
        assert!(are_bounded(&nested(16)));
        assert!(!are_bounded(&nested(17)));
        let list = json!({ "a": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]] });
        assert!(are_bounded(list.as_object().expect("an object")));
        let list = json!({ "a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]] });
        assert!(!are_bounded(list.as_object().expect("an object")));
        let long = json!({ "a": "x".repeat(16 << 10) });
        assert!(!are_bounded(long.as_object().expect("an object")));
    }
}
