//! Serializes JSON canonically, because databases may store the keys of an object in any order.

use serde_json::Value;

/// Writes a value without white space, with the keys of every object in byte order; numbers are written as they are.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<_> = members.iter().collect();
            keys.sort_unstable_by(|one, other| one.0.cmp(other.0));
            text.push('{');
            for (place, (key, value)) in keys.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_order_of_keys_is_ignored() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let one = parse(r#"{"b":[1,{"y":null,"x":"é\"\u0001"}],"aa":1.50,"a":true}"#);
        let other = parse(r#"{"a":true,"aa":1.5,"b":[1,{"x":"é\"\u0001","y":null}]}"#);
        assert_eq!(canonical(&one), canonical(&other));
        assert_eq!(
            canonical(&one),
            r#"{"a":true,"aa":1.5,"b":[1,{"x":"é\"\u0001","y":null}]}"#
        );
        assert_ne!(canonical(&parse("[1,[2]]")), canonical(&parse("[[1],2]")));
        assert_ne!(
            canonical(&parse(r#"{"a":"1"}"#)),
            canonical(&parse(r#"{"a":1}"#))
        );
    }
}
