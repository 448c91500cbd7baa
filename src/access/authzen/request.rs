//! What a request says, read by hand: unknown members are ignored, and what is there has its type.

use serde_json::{Map, Value};

use super::AuthZenError;
use crate::access::Claimed;
use crate::access::policies::readable;

type Object = Map<String, Value>;

/// The subject type of users.
pub(super) const USER: &str = "user";

/// One of many kinds, named by the caller.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) kind: String,
    /// Empty where a search ignores it.
    pub(super) id: String,
    pub(super) properties: Object,
}

/// An action, named by the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NamedAction {
    pub(super) name: String,
    pub(super) properties: Object,
}

/// Who wants to do what to which thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuple {
    pub(super) subject: Named,
    pub(super) action: NamedAction,
    pub(super) resource: Named,
    pub(super) context: Object,
}

/// Whether an id must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdOf {
    /// Somebody or something in particular.
    One,
    /// What is searched for: an id is ignored.
    Any,
}

impl Tuple {
    /// The four of an evaluation.
    ///
    /// # Errors
    /// What it should have been.
    pub fn read(object: &Object) -> Result<Self, AuthZenError> {
        Ok(Self {
            subject: read_named(object, "subject", IdOf::One)?,
            action: read_action(object)?,
            resource: read_named(object, "resource", IdOf::One)?,
            context: read_context(object)?,
        })
    }

    /// What the caller says beside names.
    pub(super) fn claimed(&self) -> Claimed {
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

/// A member that is an object; null is absent.
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

/// What callers say is bounded here, so that it is a mistake of theirs and not a denial.
fn said(object: Option<&Object>, of: &str) -> Result<Object, AuthZenError> {
    let object = object.cloned().unwrap_or_default();
    match readable(&object) {
        Ok(()) => Ok(object),
        Err(fault) => Err(malformed(format!("{of}: {fault}"))),
    }
}

/// A subject or a resource.
pub(super) fn read_named(object: &Object, name: &str, id_of: IdOf) -> Result<Named, AuthZenError> {
    let member_of = required(object, name)?;
    let id = match id_of {
        IdOf::One => text(member_of, name, "id")?,
        IdOf::Any => String::new(),
    };
    Ok(Named {
        kind: text(member_of, name, "type")?,
        id,
        properties: said(
            member(member_of, "properties")?,
            &format!("{name}.properties"),
        )?,
    })
}

/// An action.
pub(super) fn read_action(object: &Object) -> Result<NamedAction, AuthZenError> {
    let action = required(object, "action")?;
    Ok(NamedAction {
        name: text(action, "action", "name")?,
        properties: said(member(action, "properties")?, "action.properties")?,
    })
}

/// What else is the case, as the caller says.
pub(super) fn read_context(object: &Object) -> Result<Object, AuthZenError> {
    said(member(object, "context")?, "context")
}

/// When many evaluations end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// At most this many evaluations in one request.
const MOST: usize = 1_000;

/// At most this many values of defaults in all the evaluations that they are the defaults of.
const MOST_VALUES: usize = 100_000;

/// So many bytes of text weigh as much as one more value.
const TEXT: usize = 64;

/// How many values a document holds, long texts as several; the parser has bounded how deep they lie.
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

/// What is asked of the endpoint for many.
#[derive(Debug)]
pub(super) enum Asked<'o> {
    /// One evaluation after all.
    One(Box<Tuple>),
    /// Many.
    Many(Items<'o>, Semantic),
}

/// Evaluations, each made out of its own members and the defaults when its turn comes: the defaults are held once.
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

    /// Each in its turn, or what is wrong with it.
    pub(super) fn read(self) -> impl Iterator<Item = Result<Tuple, AuthZenError>> {
        self.items.iter().map(move |item| match item {
            Value::Object(item) => Tuple::read(&with_defaults(item, self.defaults)),
            _ => Err(malformed("an evaluation must be an object")),
        })
    }
}

/// Reads a request to the endpoint for many.
pub(super) fn read_many(object: &Object) -> Result<Asked<'_>, AuthZenError> {
    let semantic = read_semantic(object)?;
    let items = match object.get("evaluations") {
        None | Some(Value::Null) => return Ok(Asked::One(Box::new(Tuple::read(object)?))),
        Some(Value::Array(items)) if items.is_empty() => {
            return Ok(Asked::One(Box::new(Tuple::read(object)?)));
        }
        Some(Value::Array(items)) => items,
        Some(_) => return Err(malformed("evaluations must be a list")),
    };
    if items.len() > MOST {
        return Err(malformed(format!("at most {MOST} evaluations at once")));
    }
    // A default that is no object is a mistake in the request, not in an item.
    for name in FIELDS {
        member(object, name)?;
    }
    let of_defaults: usize = FIELDS
        .iter()
        .filter_map(|name| object.get(*name))
        .map(count)
        .sum();
    if of_defaults.saturating_mul(items.len()) > MOST_VALUES {
        return Err(malformed(format!(
            "the defaults contain {of_defaults} values, too many for {} evaluations: at most {MOST_VALUES} in total",
            items.len()
        )));
    }
    let items = Items {
        items,
        defaults: object,
    };
    Ok(Asked::Many(items, semantic))
}

const FIELDS: [&str; 4] = ["subject", "action", "resource", "context"];
/// Names without which a member is none: these alone are taken from a default of the same member.
const NAMES: [&str; 3] = ["type", "id", "name"];

/// An item's own member replaces the whole default; where it lacks a name that it must have, the default's is meant.
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
    fn an_items_own_member_replaces_the_whole_default() {
        let defaults = object(&json!({
            "subject": {"type": "user", "id": "ada", "properties": {"role": "admin"}},
            "action": {"name": "read", "properties": {"a": 1}},
            "resource": {"type": "record"},
            "context": {"a": 1, "type": "x"},
        }));
        let item = object(&json!({
            "subject": {"id": "bob"}, "resource": {"id": "7"}, "context": {"b": 2},
        }));
        let tuple = Tuple::read(&with_defaults(&item, &defaults)).expect("a tuple");
        assert_eq!(
            (tuple.subject.kind.as_str(), tuple.subject.id.as_str()),
            ("user", "bob")
        );
        assert!(tuple.subject.properties.is_empty(), "bob is no admin");
        assert_eq!(tuple.action.properties, object(&json!({"a": 1})));
        assert_eq!(
            (tuple.resource.kind.as_str(), tuple.resource.id.as_str()),
            ("record", "7")
        );
        assert_eq!(tuple.context, object(&json!({"b": 2})));
    }

    #[test]
    fn defaults_are_bounded_by_what_they_weigh_for_all_items() {
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
