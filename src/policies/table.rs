//! A validated set of policies, grouped by what their scopes name. A request is evaluated only against the groups that its
//! action, resource type and principal can match: in all others the scope is false without an error, so the result equals
//! that of the whole set.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    ActionConstraint, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicySet, PrincipalConstraint, ResourceConstraint,
};

use super::schema::PolicySchema;
use super::used_inputs::UsedInputs;

/// Cedar type of external subjects.
pub(super) const EXTERNAL_SUBJECT: &str = "ExternalSubject";

/// The policies in force.
#[derive(Debug, Default)]
pub(super) struct PolicyTable {
    /// Groups by the action that the scope names, then by resource type, then by the principal or its group. `None`: any.
    groups: HashMap<Option<EntityUid>, ByResourceType>,
    /// The actions for which a policy may permit an external subject something.
    open_actions: HashSet<Option<EntityUid>>,
    /// The schema, if there is one, and the actions that it declares, with their groups.
    schema: Option<PolicySchema>,
    declared_actions: Entities,
    /// Types that policies or the schema name, parsed once.
    types: HashMap<String, EntityTypeName>,
    /// Names of all actions that policies and the schema name, sorted.
    pub(super) actions: BTreeSet<String>,
    /// Number of policies.
    pub(super) count: usize,
}

type ByResourceType = HashMap<Option<EntityTypeName>, HashMap<Option<EntityUid>, Group>>;

/// Policies whose scopes name the same entities. A policy that names several actions is in several groups.
#[derive(Debug, Default)]
struct Group {
    policies: PolicySet,
    used: UsedInputs,
}

/// The entities of a request.
pub(super) struct Names {
    pub(super) principal: EntityUid,
    /// The roles of the principal. Roles have no parents.
    pub(super) parents: HashSet<EntityUid>,
    pub(super) action: EntityUid,
    pub(super) resource: EntityUid,
}

/// The policies that can apply to a request, and what they read.
#[derive(Debug, Default)]
pub(super) struct Selection<'t> {
    pub(super) sets: Vec<&'t PolicySet>,
    pub(super) used: UsedInputs,
}

impl PolicyTable {
    /// Groups validated policies.
    pub(super) fn new(policies: &[Policy], schema: Option<PolicySchema>) -> Result<Self, String> {
        let mut table = Self {
            count: policies.len(),
            ..Self::default()
        };
        for own in ["User", "Role", "Client", EXTERNAL_SUBJECT, "Action"] {
            let kind = own.parse().map_err(|_| format!("{own} is no type"))?;
            table.keep_type(kind);
        }
        if let Some(schema) = &schema {
            let declared = schema.whole.action_entities();
            table.declared_actions = declared.map_err(|error| error.to_string())?;
            for kind in schema.whole.entity_types() {
                table.keep_type(kind.clone());
            }
        }
        let declared = table.declared_actions.iter().map(Entity::uid);
        // Actions in a namespace can't occur in requests.
        let own = declared.filter(|action| action.type_name().to_string() == "Action");
        table.actions = own.map(|action| name(&action)).collect();
        for policy in policies {
            table.add(policy)?;
        }
        table.schema = schema;
        Ok(table)
    }

    fn add(&mut self, policy: &Policy) -> Result<(), String> {
        let used = UsedInputs::of(policy);
        if let Some(kind) = named_type(policy) {
            self.keep_type(kind);
        }
        for action in named_actions(policy) {
            self.actions.extend(action.as_ref().map(name));
            if permits_external_subjects(policy) {
                self.open_actions.insert(action.clone());
            }
            let by_type = self.groups.entry(action).or_default();
            let by_principal = by_type.entry(named_type(policy)).or_default();
            let group = by_principal.entry(named_principal(policy)).or_default();
            let added = group.policies.add(policy.clone());
            added.map_err(|error| error.to_string())?;
            group.used = group.used.or(used);
        }
        Ok(())
    }

    /// Returns the policies that can apply to a request.
    pub(super) fn select(&self, names: &Names) -> Selection<'_> {
        let types = [None, Some(names.resource.type_name().clone())];
        let principals = std::iter::once(&names.principal).chain(&names.parents);
        let principals: Vec<Option<EntityUid>> = std::iter::once(None)
            .chain(principals.cloned().map(Some))
            .collect();
        let mut selection = Selection::default();
        let by_type = self.matching_actions(&names.action);
        for by_type in by_type.filter_map(|action| self.groups.get(&action)) {
            for by_principal in types.iter().filter_map(|kind| by_type.get(kind)) {
                for group in principals.iter().filter_map(|one| by_principal.get(one)) {
                    selection.sets.push(&group.policies);
                    selection.used = selection.used.or(group.used);
                }
            }
        }
        selection
    }

    /// Returns what a matching scope can name as its action: nothing, the action, or one of its groups.
    fn matching_actions(&self, action: &EntityUid) -> impl Iterator<Item = Option<EntityUid>> {
        let groups = self.declared_actions.ancestors(action);
        let named = std::iter::once(action).chain(groups.into_iter().flatten());
        let named: Vec<EntityUid> = named.cloned().collect();
        std::iter::once(None).chain(named.into_iter().map(Some))
    }

    /// Returns the entity of an action that the schema declares, with its groups.
    pub(super) fn declared_action(&self, action: &EntityUid) -> Option<Entity> {
        self.declared_actions.get(action).cloned()
    }

    /// Checks that the schema, if there is one, declares the request's principal, action and resource.
    pub(super) fn check(&self, names: &Names) -> Result<(), String> {
        let schema = self.schema.as_ref();
        schema.map_or(Ok(()), |schema| {
            schema.check(&names.principal, &names.action, &names.resource)
        })
    }

    /// Checks that a resource has the attributes that the schema, if there is one, declares for its type.
    pub(super) fn check_attributes(&self, resource: Entity) -> Result<(), String> {
        let schema = self.schema.as_ref();
        schema.map_or(Ok(()), |schema| schema.check_attributes(resource))
    }

    /// Whether a policy could permit an action to an external subject, on any resource.
    pub(super) fn permits_external_subjects(&self, action: &str) -> bool {
        let (Some(action), Ok(external_subject)) =
            (self.entity("Action", action), EXTERNAL_SUBJECT.parse())
        else {
            return false;
        };
        let schema = self.schema.as_ref();
        schema.is_none_or(|schema| schema.applies_to(&external_subject, &action))
            && self
                .matching_actions(&action)
                .any(|action| self.open_actions.contains(&action))
    }

    /// Builds an entity name from its type and ID. It is never parsed, so that an ID can't escape its quotes. `None` if
    /// the type is invalid.
    pub(super) fn entity(&self, kind: &str, id: &str) -> Option<EntityUid> {
        let kind = match self.types.get(kind) {
            Some(kind) => kind.clone(),
            None => kind.parse().ok()?,
        };
        Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
    }

    fn keep_type(&mut self, kind: EntityTypeName) {
        self.types.insert(kind.to_string(), kind);
    }
}

fn name(action: &EntityUid) -> String {
    action.id().unescaped().to_owned()
}

fn permits_external_subjects(policy: &Policy) -> bool {
    let is_external_subject = |kind: &EntityTypeName| kind.to_string() == EXTERNAL_SUBJECT;
    policy.effect() == Effect::Permit
        && match policy.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => {
                is_external_subject(&kind)
            }
            PrincipalConstraint::Eq(one) | PrincipalConstraint::In(one) => {
                is_external_subject(one.type_name())
            }
        }
}

fn named_actions(policy: &Policy) -> HashSet<Option<EntityUid>> {
    match policy.action_constraint() {
        ActionConstraint::Any => HashSet::from([None]),
        ActionConstraint::Eq(action) => HashSet::from([Some(action)]),
        ActionConstraint::In(actions) => actions.into_iter().map(Some).collect(),
    }
}

fn named_principal(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(one)
        | PrincipalConstraint::In(one)
        | PrincipalConstraint::IsIn(_, one) => Some(one),
    }
}

/// Returns the resource type that a scope names. A resource that is `in` another may have a different type.
fn named_type(policy: &Policy) -> Option<EntityTypeName> {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::In(_) => None,
        ResourceConstraint::Eq(one) => Some(one.type_name().clone()),
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => Some(kind),
    }
}
