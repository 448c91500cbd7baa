//! A checked set of policies, arranged so that a question meets only those that its action can reach.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    ActionConstraint, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicySet,
    Schema,
};

/// Policies that are in force together.
#[derive(Debug, Default)]
pub(super) struct PolicyTable {
    /// By the name of an action that a policy or the schema names.
    by_action: HashMap<String, Slice>,
    /// What is asked about every other action.
    otherwise: Slice,
    /// Types that policies or the schema name, parsed once.
    types: HashMap<String, EntityTypeName>,
    /// Every action by name that policies and schema know, sorted.
    pub(super) actions: BTreeSet<String>,
    /// How many policies there are.
    pub(super) count: usize,
}

/// The policies whose scope an action can meet. What it can't meet is false without being looked at: a scope can't fail.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) policies: PolicySet,
    /// The action with its groups, where a schema declares it.
    pub(super) action: Option<Entity>,
    /// Whether any of them looks at how somebody signed in.
    pub(super) reads_auth: bool,
}

impl PolicyTable {
    /// Arranges policies that were checked.
    pub(super) fn new(policies: &[Policy], schema: Option<&Schema>) -> Result<Self, String> {
        let declared = schema.map_or_else(|| Ok(Entities::empty()), Schema::action_entities);
        let declared = declared.map_err(|error| error.to_string())?;
        let mut names: BTreeSet<EntityUid> = declared.iter().map(Entity::uid).collect();
        for policy in policies {
            names.extend(named_actions(policy));
        }
        let mut table = Self {
            otherwise: Slice::of(policies, None, &declared)?,
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
        let groups: BTreeSet<&EntityUid> = action
            .into_iter()
            .chain(
                action
                    .and_then(|action| declared.ancestors(action))
                    .into_iter()
                    .flatten(),
            )
            .collect();
        let reachable: Vec<Policy> = policies
            .iter()
            .filter(|policy| match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(one) => action == Some(&one),
                ActionConstraint::In(some) => some.iter().any(|one| groups.contains(one)),
            })
            .cloned()
            .collect();
        Ok(Self {
            action: action.and_then(|action| declared.get(action)).cloned(),
            reads_auth: reachable.iter().any(reads_auth),
            policies: PolicySet::from_policies(reachable).map_err(|error| error.to_string())?,
        })
    }
}

/// Whether a policy may look at `context.auth`: a word too many costs a few evaluations, so the text of the parsed policy will do.
fn reads_auth(policy: &Policy) -> bool {
    match policy.to_json() {
        Ok(json) => json.to_string().contains("\"auth\""),
        Err(_) => true,
    }
}
