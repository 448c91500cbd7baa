//! Size limits for the `attributes` of users and resources.

use serde_json::{Map, Value};

/// Maximum size of `attributes` as JSON text, in bytes.
const MAX_LEN: usize = 16 << 10;
/// Maximum nesting depth. Later wrappers (a revision, an audit event) stay far below the parser's limit of 128 levels.
const MAX_DEPTH: usize = 16;

/// Checks the size of the JSON text, which also bounds the number of values, and the nesting depth.
pub fn are_within_limits(attributes: &Map<String, Value>) -> bool {
    let text = serde_json::to_string(attributes);
    let is_short = text.is_ok_and(|text| text.len() <= MAX_LEN);
    let is_flat = attributes
        .values()
        .all(|value| depth_is_at_most(value, MAX_DEPTH - 1));
    is_short && is_flat
}

/// Checks the nesting depth. The recursion is bounded, because the JSON parser limits the depth of its input.
fn depth_is_at_most(value: &Value, max: usize) -> bool {
    let inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(items) => Box::new(items.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
    };
    let Some(left) = max.checked_sub(1) else {
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
    fn attributes_are_limited_in_size_and_depth() {
        assert!(are_within_limits(&Map::new()));
        assert!(are_within_limits(&nested(16)));
        assert!(!are_within_limits(&nested(17)));
        let list = json!({ "a": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]] });
        assert!(are_within_limits(list.as_object().expect("an object")));
        let list = json!({ "a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]] });
        assert!(!are_within_limits(list.as_object().expect("an object")));
        let long = json!({ "a": "x".repeat(16 << 10) });
        assert!(!are_within_limits(long.as_object().expect("an object")));
    }
}
