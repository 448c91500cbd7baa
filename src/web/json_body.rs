//! JSON bodies of Doorward's API: keys in any of three spellings, no duplicate keys, no unknown keys.

use std::collections::HashMap;
use std::fmt;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Problem;
use super::parse::media_type;

/// JSON body whose keys may be written in `snake_case`, `camelCase` or `kebab-case`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// Keys whose values contain keys of others; their spelling is not changed.
const OPAQUE: [&str; 4] = ["credential", "attributes", "properties", "context"];

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, body) = (is_json(request), read(request, payload));
        Box::pin(async move { parse_json(is_json, &body.await?).map(Self) })
    }
}

/// As [`JsonBody`]; an empty body of any content type is the default.
#[derive(Debug)]
pub struct JsonBodyOrEmpty<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for JsonBodyOrEmpty<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, body) = (is_json(request), read(request, payload));
        Box::pin(async move {
            match body.await? {
                empty if empty.is_empty() => Ok(Self(T::default())),
                body => parse_json(is_json, &body).map(Self),
            }
        })
    }
}

/// Reads the body. `read_body` has limited its size and the time to read it.
fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, Problem>> + use<> {
    let body = web::Bytes::from_request(request, payload);
    async {
        body.await
            .map_err(|_| Problem::invalid_body("The body is incomplete."))
    }
}

fn parse_json<T: DeserializeOwned>(is_json: bool, body: &[u8]) -> Result<T, Problem> {
    if !is_json {
        return Err(Problem::unsupported_media_type());
    }
    parse(body)
}

/// Parses a JSON body that must be one object, without changing the spelling of its keys.
///
/// # Errors
/// The content type is not JSON, the JSON is invalid, a key is duplicate, the nesting is too deep, or it is not an object.
pub fn read_object(request: &HttpRequest, body: &[u8]) -> Result<Map<String, Value>, Problem> {
    if !is_json(request) {
        return Err(Problem::invalid_body(
            "Send JSON with `Content-Type: application/json`.",
        ));
    }
    match parse_strictly(body)? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::invalid_body("Send one JSON object.")),
    }
}

/// Parses one JSON object in a form field as strictly as a body. Returns `None` if the text is not one.
pub fn parse_object(text: &str) -> Option<Map<String, Value>> {
    match parse_strictly(text.as_bytes()) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn parse_strictly(body: &[u8]) -> Result<Value, Problem> {
    let Strict(value) = serde_json::from_slice(body)
        .map_err(|error| Problem::invalid_body(format!("The JSON is invalid: {error}")))?;
    Ok(value)
}

fn is_json(request: &HttpRequest) -> bool {
    media_type(request).as_deref() == Some("application/json")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let value = parse_strictly(body)?;
    // Without this check a struct could also be deserialized from an array of its fields' values.
    if !value.is_object() {
        return Err(Problem::invalid_body("Send one JSON object."));
    }
    let value = to_snake_case(value)?;
    serde_json::from_value(value)
        .map_err(|error| Problem::invalid_body(format!("The JSON is invalid: {error}")))
}

/// JSON value in which no object has a duplicate key.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrictVisitor;
        impl<'de> Visitor<'de> for StrictVisitor {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
                without_null(value).map(Value::from)
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(Strict(value)) = items.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut values = Map::new();
                while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
                    if values
                        .insert(without_null(&key)?.to_owned(), value)
                        .is_some()
                    {
                        return Err(A::Error::custom(format!("duplicate member `{key}`")));
                    }
                }
                Ok(Value::Object(values))
            }
        }
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

/// U+0000 is allowed in JSON, but not in PostgreSQL's text.
fn without_null<E: Error>(text: &str) -> Result<&str, E> {
    if text.contains('\0') {
        return Err(E::custom("the character U+0000 is not allowed"));
    }
    Ok(text)
}

fn to_snake_case(value: Value) -> Result<Value, Problem> {
    match value {
        Value::Object(members) => {
            let mut spelled: HashMap<String, String> = HashMap::new();
            let mut converted = Map::new();
            for (key, value) in members {
                let own = snake_case(&key);
                if let Some(other) = spelled.insert(own.clone(), key.clone()) {
                    return Err(Problem::invalid_body(format!(
                        "`{other}` and `{key}` are the same member. Send it once."
                    )));
                }
                let value = if OPAQUE.contains(&own.as_str()) {
                    value
                } else {
                    to_snake_case(value)?
                };
                converted.insert(own, value);
            }
            Ok(Value::Object(converted))
        }
        Value::Array(items) => items
            .into_iter()
            .map(to_snake_case)
            .collect::<Result<_, _>>()
            .map(Value::Array),
        other => Ok(other),
    }
}

fn snake_case(key: &str) -> String {
    let mut own = String::with_capacity(key.len().saturating_add(4));
    for letter in key.chars() {
        match letter {
            '-' => own.push('_'),
            'A'..='Z' => {
                own.push('_');
                own.push(letter.to_ascii_lowercase());
            }
            _ => own.push(letter),
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &str) -> Result<Value, String> {
        parse::<Value>(body.as_bytes()).map_err(|problem| problem.detail.into_owned())
    }

    #[test]
    fn three_spellings_of_a_key_are_equivalent() {
        let wanted = json!({"display_name": "Ada"});
        for key in ["display_name", "displayName", "display-name"] {
            assert_eq!(read(&format!("{{\"{key}\": \"Ada\"}}")), Ok(wanted.clone()));
        }
    }

    #[test]
    fn two_spellings_of_a_key_in_one_body_are_refused() {
        assert!(read(r#"{"display_name": "a", "displayName": "b"}"#).is_err());
        assert!(read(r#"{"name": "a", "name": "b"}"#).is_err());
    }

    #[test]
    fn unknown_keys_keep_their_spelling() {
        let body = r#"{"credential": {"rawId": "x", "response": {"clientDataJSON": "y"}}}"#;
        assert_eq!(
            read(body),
            Ok(json!({"credential": {"rawId": "x", "response": {"clientDataJSON": "y"}}}))
        );
        assert!(read(r#"{"attributes": {"a": 1, "a": 2}}"#).is_err());
    }

    #[test]
    fn malformed_and_deeply_nested_json_is_refused() {
        assert!(read("").is_err());
        assert!(read("{\"a\": \"\\u0000\"}").is_err());
        assert!(read("{\"\\u0000\": 1}").is_err());
        assert!(read("{").is_err());
        assert!(read("[]").is_err() && read("null").is_err());
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(parse::<Value>(&[0x22, 0xff, 0x22]).is_err());
    }
}
