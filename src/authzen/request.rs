//! Parses requests by hand: unknown members are ignored, and known members must have the right type.

use serde_json::{Map, Value};

use super::AuthZenError;
use crate::assignments::ResourceName;
use crate::base::text_type::TextError;
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

/// What a request searches for. Its ID or name in the request is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    /// Users who may perform the action.
    Subjects,
    /// Resources on which the subject may perform the action.
    Resources,
    /// Actions that the subject may perform.
    Actions,
}

impl EvaluationRequest {
    /// Reads the request body of one evaluation.
    pub fn read(object: &Object) -> Result<Self, AuthZenError> {
        Self::read_with(object, None)
    }

    /// Reads the request body of a search.
    pub(super) fn read_search(object: &Object, searched: Searched) -> Result<Self, AuthZenError> {
        Self::read_with(object, Some(searched))
    }

    fn read_with(object: &Object, searched: Option<Searched>) -> Result<Self, AuthZenError> {
        let needs = |searched_part| searched != Some(searched_part);
        Ok(Self {
            subject: read_entity(object, "subject", needs(Searched::Subjects))?,
            action: if needs(Searched::Actions) {
                read_action(object)?
            } else {
                NamedAction::default()
            },
            resource: read_entity(object, "resource", needs(Searched::Resources))?,
            context: read_properties(member(object, "context")?, "context")?,
        })
    }

    /// Returns the resource. No policy can apply to an invalid name.
    pub(super) fn resource_name(&self) -> Result<ResourceName, TextError> {
        ResourceName::parse(&self.resource.kind, &self.resource.id)
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

/// Reads a subject or a resource. If it needs no ID, an ID is ignored.
fn read_entity(object: &Object, name: &str, needs_id: bool) -> Result<NamedEntity, AuthZenError> {
    let entity = required(object, name)?;
    let id = if needs_id {
        text(entity, name, "id")?
    } else {
        String::new()
    };
    let properties = member(entity, "properties")?;
    Ok(NamedEntity {
        kind: text(entity, name, "type")?,
        id,
        properties: read_properties(properties, &format!("{name}.properties"))?,
    })
}

/// Reads an action; its name is required.
fn read_action(object: &Object) -> Result<NamedAction, AuthZenError> {
    let action = required(object, "action")?;
    Ok(NamedAction {
        name: text(action, "action", "name")?,
        properties: read_properties(member(action, "properties")?, "action.properties")?,
    })
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
    let items: &[Value] = match object.get("evaluations") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(_) => return Err(malformed("evaluations must be a list")),
    };
    if items.is_empty() {
        let single = Box::new(EvaluationRequest::read(object)?);
        return Ok(EvaluationsRequest::Single(single));
    }
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
    fn a_batch_item_replaces_defaults_except_a_missing_type_id_or_name() {
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
