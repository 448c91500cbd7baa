//! The schema that policies are validated against. It declares the resource types, and which principals may perform
//! which action on them.

use cedar_policy::{
    Entities, Entity, EntityTypeName, EntityUid, Schema, SchemaError, SchemaFragment,
};
use miette::Diagnostic;
use serde_json::{Map, Value};

use super::fault::PolicyFault;
use super::policy_folder::Source;

/// Doorward's own declarations. An operator's schema adds actions and resource types.
pub const BASE_SCHEMA: &str = include_str!("base.cedarschema");

/// A parsed schema, including Doorward's own declarations.
#[derive(Debug)]
pub(super) struct PolicySchema {
    pub(super) whole: Schema,
    /// The entity types alone: checking an entity against them doesn't process all actions.
    entities: Schema,
}

impl PolicySchema {
    /// Parses a schema file.
    pub(super) fn parse(source: &Source) -> Result<Self, PolicyFault> {
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
        Ok(Self {
            whole: Schema::from_schema_fragments([base, own]).map_err(|error| fault(&error))?,
            entities: entities.map_err(|error| fault(&error))?,
        })
    }

    /// Checks that the schema declares an action for a principal and a resource. The policies were validated for declared
    /// combinations only.
    ///
    /// # Errors
    /// The part that the schema doesn't declare.
    pub(super) fn check(
        &self,
        principal: &EntityUid,
        action: &EntityUid,
        resource: &EntityUid,
    ) -> Result<(), String> {
        let kind = resource.type_name();
        if !self.declares(kind) {
            return Err(format!(
                "request: {kind} is not an entity type of the schema"
            ));
        }
        let name = action.id().unescaped();
        let (Some(mut principals), Some(mut resources)) = (
            self.whole.principals_for_action(action),
            self.whole.resources_for_action(action),
        ) else {
            return Err(format!("request: {name} is not an action of the schema"));
        };
        let principal = principal.type_name();
        for (applies, kind) in [
            (principals.any(|one| one == principal), principal),
            (resources.any(|one| one == kind), kind),
        ] {
            if !applies {
                return Err(format!(
                    "request: in the schema {name} does not apply to {kind}"
                ));
            }
        }
        Ok(())
    }

    /// Checks that a resource of a declared type has the attributes that the schema declares. Policies were validated against the
    /// schema: with other attributes they may not do what their author intended, and a `forbid` may not apply at all.
    ///
    /// # Errors
    /// The attribute that doesn't conform, and why.
    pub(super) fn check_attributes(&self, resource: Entity) -> Result<(), String> {
        if !self.declares(resource.uid().type_name()) {
            return Ok(());
        }
        let checked = Entities::from_entities([resource], Some(&self.entities));
        checked.map(drop).map_err(|error| message(&error))
    }

    /// Whether the schema allows principals of a type to perform an action on any resource.
    pub(super) fn applies_to(&self, principal: &EntityTypeName, action: &EntityUid) -> bool {
        let principals = self.whole.principals_for_action(action);
        let resources = self.whole.resources_for_action(action);
        principals.is_some_and(|mut principals| principals.any(|one| one == principal))
            && resources.is_some_and(|mut resources| resources.next().is_some())
    }

    fn declares(&self, kind: &EntityTypeName) -> bool {
        self.whole.entity_types().any(|declared| declared == kind)
    }
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

/// Returns the message of an error without its prefix.
fn message(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
