//! Parses and validates policies. Rejects everything that could give a policy less effect than its author intended.

use std::collections::HashMap;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::fault::{PolicyFault, position};
use super::policy_folder::{Source, Sources};
use super::schema::PolicySchema;
use super::scope;
use super::table::PolicyTable;

/// A set of policies and the validator's warnings.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) table: PolicyTable,
    pub(super) warnings: Vec<String>,
}

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

/// Parses and checks all policies.
pub(super) fn parse(sources: &Sources) -> Result<Parsed, PolicyFault> {
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for source in &sources.policies {
        placed.extend(parse_file(source)?);
    }
    refuse_twice(&placed)?;
    for policy in &placed {
        scope::check(&policy.policy).map_err(|reason| policy.fault(reason))?;
    }
    let schema = sources
        .schema
        .as_ref()
        .map(PolicySchema::parse)
        .transpose()?;
    let warnings = match &schema {
        Some(schema) => validate(&placed, &schema.whole)?,
        None => Vec::new(),
    };
    let policies: Vec<Policy> = placed.iter().map(|placed| placed.policy.clone()).collect();
    let table = PolicyTable::new(&policies, schema)
        .map_err(|reason| PolicyFault::of_file("policies", reason))?;
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
        let reason = "policy templates are not supported: write the policy out";
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

/// Rejects duplicate IDs: a decision names the policies that determined it by ID.
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

/// Validates the policies against the schema, and returns the warnings.
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
