//! What a schema declares, as questions meet it: types of things, and who does which action to which of them.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityTypeName, Schema};

use super::parse::Schemas;

/// The declarations of a schema, looked up by the names that questions have.
#[derive(Debug)]
pub(super) struct Declared {
    types: HashSet<String>,
    entities: Schema,
    /// By the name of an action.
    actions: HashMap<String, AppliesTo>,
}

/// The types that an action is declared for.
#[derive(Debug)]
struct AppliesTo {
    principals: HashSet<String>,
    things: HashSet<String>,
}

impl Declared {
    pub(super) fn of(schemas: &Schemas) -> Self {
        let schema = &schemas.whole;
        let names = schema.actions();
        // Questions know no action of a namespace.
        let own = names.filter(|action| action.type_name().to_string() == "Action");
        let actions = own.map(|action| {
            let applies_to = AppliesTo {
                principals: texts(schema.principals_for_action(action)),
                things: texts(schema.resources_for_action(action)),
            };
            (action.id().unescaped().to_owned(), applies_to)
        });
        Self {
            actions: actions.collect(),
            types: texts(Some(schema.entity_types())),
            entities: schemas.entities.clone(),
        }
    }

    /// Whether a question is one that the schema knows. Policies were held to the schema: what they say of others was never checked.
    ///
    /// # Errors
    /// What the schema does not declare.
    pub(super) fn check(&self, principal: &str, action: &str, thing: &str) -> Result<(), String> {
        if !self.types.contains(thing) {
            return Err(format!(
                "request: {thing} is not an entity type of the schema"
            ));
        }
        let Some(applies_to) = self.actions.get(action) else {
            return Err(format!("request: {action} is not an action of the schema"));
        };
        for (types, kind) in [
            (&applies_to.principals, principal),
            (&applies_to.things, thing),
        ] {
            if !types.contains(kind) {
                return Err(format!(
                    "request: in the schema {action} does not apply to {kind}"
                ));
            }
        }
        Ok(())
    }

    /// Checks that a resource of a declared type has the attributes that the schema declares. Policies were validated against the
    /// schema: for other attributes they may not do what their author meant, and a `forbid` may not apply at all.
    ///
    /// # Errors
    /// Which attribute does not fit, and why.
    pub(super) fn check_attributes(&self, thing: Entity) -> Result<(), String> {
        if !self.types.contains(&thing.uid().type_name().to_string()) {
            return Ok(());
        }
        let checked = Entities::from_entities([thing], Some(&self.entities));
        checked.map(drop).map_err(|error| what(&error))
    }

    /// Whether principals of a type can do an action to anything.
    pub(super) fn is_for(&self, principal: &str, action: &str) -> bool {
        let applies_to = self.actions.get(action);
        applies_to.is_some_and(|applies_to| {
            applies_to.principals.contains(principal) && !applies_to.things.is_empty()
        })
    }
}

/// The message of an error, without its prefix.
fn what(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn texts<'t>(types: Option<impl Iterator<Item = &'t EntityTypeName>>) -> HashSet<String> {
    types
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect()
}
