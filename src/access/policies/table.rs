//! A checked set of policies, arranged so that a question meets only those whose scope it can meet.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    ActionConstraint, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicySet, PrincipalConstraint, ResourceConstraint,
};

use super::declared::Declared;
use super::parse::Schemas;
use super::reads::{reads, reads_principal};

/// The type of everybody whom Doorward does not know.
pub(super) const OUTSIDER: &str = "Outsider";

/// Policies that are in force together.
#[derive(Debug, Default)]
pub(super) struct PolicyTable {
    /// By the name of an action that a policy or the schema names.
    by_action: HashMap<String, Slice>,
    /// What is asked about every other action.
    otherwise: Slice,
    /// What the schema declares, where there is one: nothing else is put to the policies.
    declared: Option<Declared>,
    /// Types that policies or the schema name, parsed once.
    types: HashMap<String, EntityTypeName>,
    /// Every action by name that policies and schema know, sorted.
    pub(super) actions: BTreeSet<String>,
    /// How many policies there are.
    pub(super) count: usize,
}

/// The policies whose scope an action can meet, by the type of the thing. What a question can't meet is false without being
/// looked at: a scope can't fail.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// For each type that one of them names: those about it, and those about everything.
    by_type: HashMap<String, Arranged>,
    /// For things of every other type.
    otherwise: Arranged,
    /// The action with its groups, where a schema declares it.
    pub(super) action: Option<Entity>,
    /// Whether any of them looks at how somebody signed in.
    pub(super) reads_auth: bool,
    /// Whether any of them permits something to somebody whom Doorward does not know.
    permits_outsiders: bool,
    /// Whether any of them looks at `context.time`, which Cedar reads from a text.
    pub(super) reads_time: bool,
    /// Whether any of them looks at what the caller says.
    pub(super) reads_claimed: bool,
    /// Whether any of them looks at what the principal has, beyond who it is and what it is in.
    pub(super) reads_principal: bool,
}

/// Policies by whom they name. Each stands in one of the sets.
#[derive(Debug, Default)]
pub(super) struct Arranged {
    /// Those about everybody, or about everybody of a type.
    anyone: PolicySet,
    /// Those about one person or client, or about whoever holds a role. Cedar's order of ids goes by where they were written as
    /// well; their hash and equality do not.
    named: HashMap<EntityUid, PolicySet>,
}

impl PolicyTable {
    /// Arranges policies that were checked.
    pub(super) fn new(policies: &[Policy], schemas: Option<&Schemas>) -> Result<Self, String> {
        let schema = schemas.map(|schemas| &schemas.whole);
        let declared = match schema {
            Some(schema) => schema
                .action_entities()
                .map_err(|error| error.to_string())?,
            None => Entities::empty(),
        };
        let mut names: HashSet<EntityUid> = declared.iter().map(Entity::uid).collect();
        // Questions know no other: one of a namespace would stand here under the same name.
        names.retain(|action| action.type_name().to_string() == "Action");
        for policy in policies {
            names.extend(named_actions(policy));
        }
        let mut table = Self {
            otherwise: Slice::of(policies, None, &declared)?,
            declared: schemas.map(Declared::of),
            count: policies.len(),
            ..Self::default()
        };
        for action in names {
            let name = action.id().unescaped().to_owned();
            let slice = Slice::of(policies, Some(&action), &declared)?;
            table.by_action.insert(name.clone(), slice);
            table.actions.insert(name);
        }
        if let Some(schema) = schema {
            for kind in schema.entity_types() {
                table.types.insert(kind.to_string(), kind.clone());
            }
        }
        Ok(table)
    }

    /// The policies that can say something about an action.
    pub(super) fn about(&self, action: &str) -> &Slice {
        self.by_action.get(action).unwrap_or(&self.otherwise)
    }

    /// Whether the policies can be asked this: anything without a schema, and with one what it declares.
    ///
    /// # Errors
    /// What the schema does not declare.
    pub(super) fn check(&self, principal: &str, action: &str, thing: &str) -> Result<(), String> {
        let declared = self.declared.as_ref();
        declared.map_or(Ok(()), |declared| declared.check(principal, action, thing))
    }

    /// Checks that a resource has the attributes that the schema, if there is one, declares for its type.
    ///
    /// # Errors
    /// Which attribute does not fit, and why.
    pub(super) fn check_attributes(&self, thing: Entity) -> Result<(), String> {
        let declared = self.declared.as_ref();
        declared.map_or(Ok(()), |declared| declared.check_attributes(thing))
    }

    /// Whether somebody whom Doorward does not know could be permitted this, whatever it is done to.
    pub(super) fn permits_outsiders(&self, action: &str) -> bool {
        let declared = self.declared.as_ref();
        self.about(action).permits_outsiders
            && declared.is_none_or(|declared| declared.is_for(OUTSIDER, action))
    }

    /// The entity of a type and an id, built from its parts: an id can't break out of its quotes. `None` for a type that is none.
    pub(super) fn entity(&self, kind: &str, id: &str) -> Option<EntityUid> {
        let kind = match self.types.get(kind) {
            Some(kind) => kind.clone(),
            None => kind.parse().ok()?,
        };
        Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
    }

    /// Parses a type once for all questions.
    pub(super) fn keep_type(&mut self, kind: EntityTypeName) {
        self.types.insert(kind.to_string(), kind);
    }
}

fn named_actions(policy: &Policy) -> Vec<EntityUid> {
    match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(action) => vec![action],
        ActionConstraint::In(actions) => actions,
    }
}

impl Slice {
    fn of(
        policies: &[Policy],
        action: Option<&EntityUid>,
        declared: &Entities,
    ) -> Result<Self, String> {
        let groups: HashSet<&EntityUid> = action
            .into_iter()
            .chain(
                action
                    .and_then(|action| declared.ancestors(action))
                    .into_iter()
                    .flatten(),
            )
            .collect();
        let reachable: Vec<&Policy> = policies
            .iter()
            .filter(|policy| match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(one) => action == Some(&one),
                ActionConstraint::In(some) => some.iter().any(|one| groups.contains(one)),
            })
            .collect();
        let types: BTreeSet<String> = reachable
            .iter()
            .filter_map(|policy| type_of(policy))
            .collect();
        let mut slice = Self {
            action: action.and_then(|action| declared.get(action)).cloned(),
            reads_auth: reachable.iter().any(|policy| reads(policy, "auth")),
            permits_outsiders: reachable.iter().any(|policy| permits_outsiders(policy)),
            reads_time: reachable.iter().any(|policy| reads(policy, "time")),
            reads_claimed: reachable.iter().any(|policy| reads(policy, "claimed")),
            reads_principal: reachable.iter().any(|policy| reads_principal(policy)),
            ..Self::default()
        };
        if types.len().saturating_mul(reachable.len()) > MOST_ENTRIES {
            slice.otherwise = Arranged::of(reachable.into_iter())?;
            return Ok(slice);
        }
        let about = |kind: Option<&String>| {
            let meets = move |policy: &&&Policy| {
                let of = type_of(policy);
                of.is_none() || of.as_ref() == kind
            };
            Arranged::of(reachable.iter().filter(meets).copied())
        };
        slice.otherwise = about(None)?;
        for kind in types {
            let policies = about(Some(&kind))?;
            slice.by_type.insert(kind, policies);
        }
        Ok(slice)
    }

    /// The policies that can say something about a thing of this type.
    pub(super) fn about(&self, kind: &str) -> &Arranged {
        self.by_type.get(kind).unwrap_or(&self.otherwise)
    }
}

impl Arranged {
    fn of<'p>(policies: impl Iterator<Item = &'p Policy>) -> Result<Self, String> {
        let mut arranged = Self::default();
        for policy in policies {
            let set = match named_principal(policy) {
                Some(named) => arranged.named.entry(named).or_default(),
                None => &mut arranged.anyone,
            };
            set.add(policy.clone()).map_err(|error| error.to_string())?;
        }
        Ok(arranged)
    }

    /// The sets that can say something about a principal who is these: itself, and everything that it is in.
    pub(super) fn about<'a>(
        &'a self,
        these: impl Iterator<Item = &'a EntityUid>,
    ) -> impl Iterator<Item = &'a PolicySet> {
        let anyone = (!self.anyone.is_empty()).then_some(&self.anyone);
        anyone
            .into_iter()
            .chain(these.filter_map(|one| self.named.get(one)))
    }
}

/// A set with more types and policies than this is not arranged by type: it would be held too many times.
const MOST_ENTRIES: usize = 20_000;

fn permits_outsiders(policy: &Policy) -> bool {
    let is_outsider = |kind: &EntityTypeName| kind.to_string() == OUTSIDER;
    policy.effect() == Effect::Permit
        && match policy.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => {
                is_outsider(&kind)
            }
            PrincipalConstraint::Eq(one) | PrincipalConstraint::In(one) => {
                is_outsider(one.type_name())
            }
        }
}

/// Whom a principal must be, or be in, to meet this policy's scope. `None`: anybody may meet it.
fn named_principal(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(one)
        | PrincipalConstraint::In(one)
        | PrincipalConstraint::IsIn(_, one) => Some(one),
    }
}

/// The type that a thing must be of to meet this policy's scope. `None`: any. What is `in` something may be of another type.
fn type_of(policy: &Policy) -> Option<String> {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::In(_) => None,
        ResourceConstraint::Eq(one) => Some(one.type_name().to_string()),
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => Some(kind.to_string()),
    }
}
