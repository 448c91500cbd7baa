//! From texts to a checked set of policies: everything that could make one of them say less than its writer meant is refused.

use std::collections::HashMap;

use cedar_policy::{
    EntityTypeName, Policy, PolicyId, PolicySet, ResourceConstraint, Schema, SchemaError,
    SchemaFragment, ValidationMode, Validator,
};
use miette::Diagnostic;
use serde_json::{Map, Value};

use super::fault::{PolicyFault, position};
use super::read::{Source, Sources};
use super::scope;
use super::table::PolicyTable;

/// What Doorward declares itself: a schema of one's own adds actions and things to it.
pub const BASE_SCHEMA: &str = include_str!("base.cedarschema");

/// A set, and what may be a mistake in it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) table: PolicyTable,
    pub(super) warnings: Vec<String>,
}

/// A policy, and where it stands.
struct Placed<'s> {
    policy: Policy,
    source: &'s Source,
    offset: usize,
}

impl Placed<'_> {
    fn fault(&self, reason: impl Into<String>) -> PolicyFault {
        PolicyFault::at(&self.source.name, &self.source.text, self.offset, reason)
    }
}

/// Parses and checks them all.
///
/// # Errors
/// The first mistake.
pub(super) fn parse(sources: &Sources) -> Result<Parsed, PolicyFault> {
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for source in &sources.policies {
        placed.extend(parse_file(source)?);
    }
    refuse_twice(&placed)?;
    for policy in &placed {
        scope::check(&policy.policy).map_err(|reason| policy.fault(reason))?;
    }
    let schema = sources.schema.as_ref().map(parse_schema).transpose()?;
    let warnings = match &schema {
        Some(schema) => validate(&placed, &schema.whole)?,
        None => Vec::new(),
    };
    let policies: Vec<Policy> = placed.iter().map(|placed| placed.policy.clone()).collect();
    let mut table = PolicyTable::new(&policies, schema.as_ref())
        .map_err(|reason| PolicyFault::of_file("policies", reason))?;
    for policy in &policies {
        if let Some(kind) = resource_types(policy) {
            table.keep_type(kind);
        }
    }
    for own in ["User", "Role", "Client", "Outsider", "Action"] {
        if let Ok(kind) = own.parse() {
            table.keep_type(kind);
        }
    }
    Ok(Parsed { table, warnings })
}

fn parse_file(source: &Source) -> Result<Vec<Placed<'_>>, PolicyFault> {
    let set: PolicySet = source
        .text
        .parse()
        .map_err(|errors: cedar_policy::ParseErrors| {
            let first: &dyn Diagnostic = &errors;
            PolicyFault::of_diagnostic(&source.name, &source.text, first)
        })?;
    if let Some(template) = set.templates().next() {
        let offset = template.as_ref().loc().map_or(0, |place| place.start());
        let reason = "a template is filled in by nobody here: write the policy out";
        return Err(PolicyFault::at(&source.name, &source.text, offset, reason));
    }
    let place = |policy: &Policy| {
        let offset = policy.as_ref().loc().map_or(0, |place| place.start());
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let line = position(&source.text, offset).0;
        let id = id.map_or_else(|| format!("{}:{line}", source.name), str::to_owned);
        Placed {
            policy: policy.new_id(PolicyId::new(id)),
            source,
            offset,
        }
    };
    Ok(set.policies().map(place).collect())
}

/// Two of one name: nobody could tell which of them decided.
fn refuse_twice(placed: &[Placed<'_>]) -> Result<(), PolicyFault> {
    let mut seen: HashMap<&PolicyId, &Placed<'_>> = HashMap::new();
    for policy in placed {
        if let Some(first) = seen.insert(policy.policy.id(), policy) {
            return Err(policy.fault(format!(
                "the ID {} is already used in {}",
                policy.policy.id(),
                first.source.name
            )));
        }
    }
    Ok(())
}

fn resource_types(policy: &Policy) -> Option<EntityTypeName> {
    match policy.resource_constraint() {
        ResourceConstraint::Any => None,
        ResourceConstraint::Eq(one) | ResourceConstraint::In(one) => Some(one.type_name().clone()),
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => Some(kind),
    }
}

/// A schema, and its types of entities alone: an entity is checked against these without a look at all actions.
#[derive(Debug)]
pub(super) struct Schemas {
    pub(super) whole: Schema,
    pub(super) entities: Schema,
}

fn parse_schema(source: &Source) -> Result<Schemas, PolicyFault> {
    let fault =
        |error: &dyn Diagnostic| PolicyFault::of_diagnostic(&source.name, &source.text, error);
    let (own, _) =
        SchemaFragment::from_cedarschema_str(&source.text).map_err(|error| fault(&error))?;
    let (base, _) = SchemaFragment::from_cedarschema_str(BASE_SCHEMA)
        .map_err(|error| PolicyFault::of_file("the built-in schema", error.to_string()))?;
    let entities = [without_actions(base.clone()), without_actions(own.clone())];
    let [base_entities, own_entities] =
        entities.map(|types| types.map_err(|error| fault(error.as_ref())));
    let entities = Schema::from_schema_fragments([base_entities?, own_entities?]);
    Ok(Schemas {
        whole: Schema::from_schema_fragments([base, own]).map_err(|error| fault(&error))?,
        entities: entities.map_err(|error| fault(&error))?,
    })
}

fn without_actions(fragment: SchemaFragment) -> Result<SchemaFragment, Box<SchemaError>> {
    let mut json = fragment.to_json_value()?;
    for namespace in json.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(actions) = namespace.get_mut("actions") {
            *actions = Value::Object(Map::new());
        }
    }
    SchemaFragment::from_json_value(json).map_err(Box::new)
}

/// Holds the policies to the schema; what is only suspicious is handed back.
fn validate(placed: &[Placed<'_>], schema: &Schema) -> Result<Vec<String>, PolicyFault> {
    let policies = placed.iter().map(|placed| placed.policy.clone());
    let set = PolicySet::from_policies(policies)
        .map_err(|error| PolicyFault::of_file("policies", error.to_string()))?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let of = |id: &PolicyId| placed.iter().find(|placed| placed.policy.id() == id);
    let tell = |id: &PolicyId, found: &dyn Diagnostic| match of(id) {
        Some(placed) => {
            let source = placed.source;
            let fault = PolicyFault::of_diagnostic(&source.name, &source.text, found);
            if fault.line.is_some() {
                return fault;
            }
            placed.fault(fault.reason)
        }
        None => PolicyFault::of_file("policies", found.to_string()),
    };
    if let Some(error) = result.validation_errors().next() {
        return Err(tell(error.policy_id(), error));
    }
    Ok(result
        .validation_warnings()
        .map(|warning| tell(warning.policy_id(), warning).to_string())
        .collect())
}
