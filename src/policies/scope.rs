//! Checks the scopes of policies. A scope that can never match is rejected: a `forbid` with such a scope would
//! silently forbid nothing.

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};
use uuid::Uuid;

use super::decision_input::is_action;
use crate::assignments::{ResourceId, ResourceType};

const PRINCIPALS: [&str; 3] = ["User", "Client", "ExternalSubject"];

/// Rejects a scope that no request can match. The error says what to write instead.
pub(super) fn check(policy: &Policy) -> Result<(), &'static str> {
    check_principal(&policy.principal_constraint())?;
    check_action(&policy.action_constraint())?;
    check_resource(&policy.resource_constraint())
}

fn check_principal(constraint: &PrincipalConstraint) -> Result<(), &'static str> {
    const NOBODY: &str = "a principal must be a User (in a Role), a Client or an ExternalSubject";
    let is_principal = |kind: &EntityTypeName| PRINCIPALS.contains(&kind.to_string().as_str());
    let is_role = |group: &EntityUid| group.type_name().to_string() == "Role";
    match constraint {
        PrincipalConstraint::Any => Ok(()),
        PrincipalConstraint::Is(kind) if is_principal(kind) => Ok(()),
        PrincipalConstraint::In(group) if is_role(group) => Ok(()),
        PrincipalConstraint::IsIn(kind, group) if is_role(group) => match kind.to_string().as_str()
        {
            "User" => Ok(()),
            _ => Err("only a User can be in a Role: write principal is User in Role::\"name\""),
        },
        PrincipalConstraint::Eq(one) | PrincipalConstraint::In(one)
            if is_principal(one.type_name()) =>
        {
            check_name(one)
        }
        PrincipalConstraint::IsIn(kind, one) if is_principal(kind) && kind == one.type_name() => {
            check_name(one)
        }
        _ => Err(NOBODY),
    }
}

/// Checks that a principal can have this ID, in the spelling that requests use.
fn check_name(one: &EntityUid) -> Result<(), &'static str> {
    let id = one.id().unescaped();
    let is_uuid = || id.parse::<Uuid>().is_ok_and(|uuid| uuid.to_string() == id);
    match one.type_name().to_string().as_str() {
        "User" if !is_uuid() => Err(
            "a User is identified by its ID, a lower-case UUID; for a username write when { principal.username == \"name\" }",
        ),
        "Client" if !is_uuid() => Err(
            "a Client is identified by its ID, a lower-case UUID (the client_id, unless that was chosen); for a name write when { principal.name == \"name\" }",
        ),
        "ExternalSubject" if !id.contains(':') => {
            Err("an ExternalSubject is identified by type and ID: ExternalSubject::\"type:id\"")
        }
        _ => Ok(()),
    }
}

fn check_action(constraint: &ActionConstraint) -> Result<(), &'static str> {
    let named: &[EntityUid] = match constraint {
        ActionConstraint::Any => return Ok(()),
        ActionConstraint::Eq(one) => std::slice::from_ref(one),
        ActionConstraint::In(some) => some,
    };
    if named.is_empty() {
        return Err("an empty list of actions matches no action");
    }
    if named
        .iter()
        .any(|action| action.type_name().to_string() != "Action")
    {
        return Err("write an action as Action::\"name\", without a namespace");
    }
    if !named
        .iter()
        .all(|action| is_action(action.id().unescaped()))
    {
        return Err("an action must have 1 to 256 visible characters");
    }
    Ok(())
}

fn check_resource(constraint: &ResourceConstraint) -> Result<(), &'static str> {
    let kind = match constraint {
        ResourceConstraint::Any => return Ok(()),
        ResourceConstraint::Eq(one) => {
            if ResourceId::parse(one.id().unescaped()).is_err() {
                return Err("invalid resource ID: it must have 1 to 256 visible characters");
            }
            one.type_name()
        }
        ResourceConstraint::Is(kind) => kind,
        ResourceConstraint::In(_) | ResourceConstraint::IsIn(..) => {
            return Err(
                "resources have no parents: write resource == type::\"id\", or compare an attribute of the resource",
            );
        }
    };
    match ResourceType::parse(&kind.to_string()) {
        Ok(_) => Ok(()),
        Err(_) => Err("invalid resource type: this type is reserved"),
    }
}
