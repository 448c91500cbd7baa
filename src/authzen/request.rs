//! Parses requests by hand: unknown members are ignored, and known members must have the right type.

use serde_json::{Map, Value};

use super::AuthZenError;
use crate::policies::{Claimed, readable};

type Object = Map<String, Value>;

/// The subject type of users.
pub(super) const USER: &str = "user";

/// A subject or a resource, as named by the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedEntity {
    /// Type.
    pub kind: String,
    /// ID; empty if the request searches for this entity.
    pub id: String,
    /// Claimed properties.
    pub properties: Object,
}

/// An action, as named by the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedAction {
    /// Name of the action.
    pub name: String,
    /// Claimed properties.
    pub properties: Object,
}

/// The subject, action, resource and context of one evaluation, as named by the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationRequest {
    /// Subject of the decision.
    pub subject: NamedEntity,
    /// Action of the decision.
    pub action: NamedAction,
    /// Resource of the decision.
    pub resource: NamedEntity,
    /// Context that the caller claims.
    pub context: Object,
}

/// Whether an entity must have an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdRule {
    /// The ID is required.
    Required,
    /// The request searches for this entity: an ID is ignored.
    Ignored,
}

impl EvaluationRequest {
    /// Reads the request body of one evaluation.
    ///
    /// # Errors
    /// The request is malformed.
    pub fn read(object: &Object) -> Result<Self, AuthZenError> {
        Ok(Self {
            subject: read_entity(object, "subject", IdRule::Required)?,
            action: read_action(object)?,
            resource: read_entity(object, "resource", IdRule::Required)?,
            context: read_context(object)?,
        })
    }

    /// Returns the claimed properties and the context.
    pub fn claimed(&self) -> Claimed {
        Claimed {
            subject: self.subject.properties.clone(),
            resource: self.resource.properties.clone(),
            action: self.action.properties.clone(),
            context: self.context.clone(),
        }
    }
}

fn malformed(what: impl Into<String>) -> AuthZenError {
    AuthZenError::Malformed(what.into())
}

/// Returns a member that must be an object; `null` counts as absent.
fn member<'o>(object: &'o Object, name: &str) -> Result<Option<&'o Object>, AuthZenError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(member)) => Ok(Some(member)),
        Some(_) => Err(malformed(format!("{name} must be an object"))),
    }
}

fn required<'o>(object: &'o Object, name: &str) -> Result<&'o Object, AuthZenError> {
    member(object, name)?.ok_or_else(|| malformed(format!("{name} is missing")))
}

fn text(object: &Object, of: &str, name: &str) -> Result<String, AuthZenError> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        None | Some(Value::Null) => Err(malformed(format!("{of}.{name} is missing"))),
        Some(_) => Err(malformed(format!("{of}.{name} must be a string"))),
    }
}

/// Reads claimed properties. Values that policies can't read are reported as a malformed request rather than causing a denial.
fn read_properties(object: Option<&Object>, of: &str) -> Result<Object, AuthZenError> {
    let object = object.cloned().unwrap_or_default();
    match readable(&object) {
        Ok(()) => Ok(object),
        Err(fault) => Err(malformed(format!("{of}: {fault}"))),
    }
}

/// Reads a subject or a resource.
pub(super) fn read_entity(
    object: &Object,
    name: &str,
    id_rule: IdRule,
) -> Result<NamedEntity, AuthZenError> {
    let member_of = required(object, name)?;
    let id = match id_rule {
        IdRule::Required => text(member_of, name, "id")?,
        IdRule::Ignored => String::new(),
    };
    Ok(NamedEntity {
        kind: text(member_of, name, "type")?,
        id,
        properties: read_properties(
            member(member_of, "properties")?,
            &format!("{name}.properties"),
        )?,
    })
}

/// Reads an action; its name is required.
pub(super) fn read_action(object: &Object) -> Result<NamedAction, AuthZenError> {
    let action = required(object, "action")?;
    Ok(NamedAction {
        name: text(action, "action", "name")?,
        properties: read_properties(member(action, "properties")?, "action.properties")?,
    })
}

/// Reads the context that the caller claims; empty if absent.
pub(super) fn read_context(object: &Object) -> Result<Object, AuthZenError> {
    read_properties(member(object, "context")?, "context")
}

/// When a batch of evaluations stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

const MAX_EVALUATIONS: usize = 1_000;

/// Maximum number of values of the defaults, multiplied by the number of evaluations.
const MAX_VALUES: usize = 100_000;

/// This many bytes of text count as one additional value.
const TEXT: usize = 64;

/// Counts the values of a document; long texts count as several. The parser has already limited the depth.
pub(super) fn count(value: &Value) -> usize {
    let within: usize = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.len() / TEXT).saturating_add(count(value)))
            .sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        Value::String(text) => text.len() / TEXT,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    within.saturating_add(1)
}

/// A request to the Access Evaluations API.
#[derive(Debug)]
pub(super) enum EvaluationsRequest<'o> {
    /// A request without `evaluations`.
    Single(Box<EvaluationRequest>),
    /// A batch of evaluations.
    Batch(Items<'o>, Semantic),
}

/// The evaluations of a batch. Each is merged with the defaults when it is evaluated, so that the defaults are stored only once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'o> {
    items: &'o [Value],
    defaults: &'o Object,
}

impl Items<'_> {
    /// Number of evaluations.
    pub(super) fn len(self) -> usize {
        self.items.len()
    }

    /// Reads each evaluation in order. An error concerns that item only.
    pub(super) fn read(self) -> impl Iterator<Item = Result<EvaluationRequest, AuthZenError>> {
        self.items.iter().map(move |item| match item {
            Value::Object(item) => EvaluationRequest::read(&with_defaults(item, self.defaults)),
            _ => Err(malformed("an evaluation must be an object")),
        })
    }
}

/// Reads a request to the Access Evaluations API.
pub(super) fn read_many(object: &Object) -> Result<EvaluationsRequest<'_>, AuthZenError> {
    let semantic = read_semantic(object)?;
    let items = match object.get("evaluations") {
        None | Some(Value::Null) => {
            return Ok(EvaluationsRequest::Single(Box::new(
                EvaluationRequest::read(object)?,
            )));
        }
        Some(Value::Array(items)) if items.is_empty() => {
            return Ok(EvaluationsRequest::Single(Box::new(
                EvaluationRequest::read(object)?,
            )));
        }
        Some(Value::Array(items)) => items,
        Some(_) => return Err(malformed("evaluations must be a list")),
    };
    if items.len() > MAX_EVALUATIONS {
        return Err(malformed(format!(
            "at most {MAX_EVALUATIONS} evaluations at once"
        )));
    }
    // A default that is not an object is an error of the request, not of an item.
    for name in FIELDS {
        member(object, name)?;
    }
    let of_defaults: usize = FIELDS
        .iter()
        .filter_map(|name| object.get(*name))
        .map(count)
        .sum();
    if of_defaults.saturating_mul(items.len()) > MAX_VALUES {
        return Err(malformed(format!(
            "the defaults contain {of_defaults} values, too many for {} evaluations: at most {MAX_VALUES} in total",
            items.len()
        )));
    }
    let items = Items {
        items,
        defaults: object,
    };
    Ok(EvaluationsRequest::Batch(items, semantic))
}

const FIELDS: [&str; 4] = ["subject", "action", "resource", "context"];
/// The members that identify an entity. Only these are taken from the default when the item has the same field.
const NAMES: [&str; 3] = ["type", "id", "name"];

/// Merges an item with the defaults. A field of the item replaces the whole default, except for a missing `type`, `id` or `name`.
fn with_defaults(item: &Object, defaults: &Object) -> Object {
    let mut merged = Map::new();
    for field in FIELDS {
        let default = defaults.get(field);
        let own = item.get(field).filter(|own| !own.is_null());
        let value = match (own, default) {
            (Some(Value::Object(own)), Some(Value::Object(default))) if field != "context" => {
                let mut own = own.clone();
                for name in NAMES {
                    if let (false, Some(value)) = (own.contains_key(name), default.get(name)) {
                        own.insert(name.to_owned(), value.clone());
                    }
                }
                Some(Value::Object(own))
            }
            (Some(own), _) => Some(own.clone()),
            (None, default) => default.cloned(),
        };
        if let Some(value) = value {
            merged.insert(field.to_owned(), value);
        }
    }
    merged
}

fn read_semantic(object: &Object) -> Result<Semantic, AuthZenError> {
    let Some(options) = member(object, "options")? else {
        return Ok(Semantic::ExecuteAll);
    };
    match options.get("evaluations_semantic") {
        None | Some(Value::Null) => Ok(Semantic::ExecuteAll),
        Some(Value::String(name)) => match name.as_str() {
            "execute_all" => Ok(Semantic::ExecuteAll),
            "deny_on_first_deny" => Ok(Semantic::DenyOnFirstDeny),
            "permit_on_first_permit" => Ok(Semantic::PermitOnFirstPermit),
            _ => Err(malformed(
                "options.evaluations_semantic must be execute_all, deny_on_first_deny or permit_on_first_permit",
            )),
        },
        Some(_) => Err(malformed("options.evaluations_semantic must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Object {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_member_of_an_item_replaces_the_whole_default() {
        let defaults = object(&json!({
            "subject": {"type": "user", "id": "ada", "properties": {"role": "admin"}},
            "action": {"name": "read", "properties": {"a": 1}},
            "resource": {"type": "record"},
            "context": {"a": 1, "type": "x"},
        }));
        let item = object(&json!({
            "subject": {"id": "bob"}, "resource": {"id": "7"}, "context": {"b": 2},
        }));
        let evaluation =
            EvaluationRequest::read(&with_defaults(&item, &defaults)).expect("a tuple");
        assert_eq!(
            (
                evaluation.subject.kind.as_str(),
                evaluation.subject.id.as_str()
            ),
            ("user", "bob")
        );
        assert!(evaluation.subject.properties.is_empty(), "bob is no admin");
        assert_eq!(evaluation.action.properties, object(&json!({"a": 1})));
        assert_eq!(
            (
                evaluation.resource.kind.as_str(),
                evaluation.resource.id.as_str()
            ),
            ("record", "7")
        );
        assert_eq!(evaluation.context, object(&json!({"b": 2})));
    }

    #[test]
    fn the_size_limit_counts_defaults_once_per_item() {
        let request = |bytes: usize, items: usize| {
            object(&json!({
                "subject": {"type": "user", "id": "ada"},
                "context": {"note": "x".repeat(bytes)},
                "evaluations": vec![json!({}); items],
            }))
        };
        assert!(read_many(&request(60_000, 100)).is_ok());
        assert!(read_many(&request(1_000, 1_000)).is_ok());
        let Err(AuthZenError::Malformed(reason)) = read_many(&request(60_000, 1_000)) else {
            panic!("sixty megabytes of one request");
        };
        assert!(reason.contains("too many"), "{reason}");
    }
}
