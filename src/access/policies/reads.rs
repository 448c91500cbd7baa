//! What of a question a policy looks at, so that what is dear to make is made only for those who look.

use cedar_policy::Policy;
use serde_json::Value;

/// Whether a policy may look at a member of the context, or at the context as a whole.
pub(super) fn reads(policy: &Policy, member: &str) -> bool {
    // What can't be written down may look at everything.
    policy.to_json().map_or(true, |json| looks(&json, member))
}

/// Whether a policy may look at an attribute of the principal: at one of anything but the context and the resource, which hold no
/// entities.
pub(super) fn reads_principal(policy: &Policy) -> bool {
    policy.to_json().map_or(true, |json| looks_beyond(&json))
}

fn looks_beyond(json: &Value) -> bool {
    match json {
        Value::Array(items) => items.iter().any(looks_beyond),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_look = matches!(name.as_str(), "." | "has" | "getTag" | "hasTag");
            (is_look && !matches!(root(value), Some("context" | "resource"))) || looks_beyond(value)
        }),
        _ => false,
    }
}

/// The variable at the beginning of a look, or of the looks within it.
fn root(look: &Value) -> Option<&str> {
    let left = look.get("left")?;
    match left.get("Var") {
        Some(name) => name.as_str(),
        None => root(left.get(".")?),
    }
}

/// In Cedar's JSON form a look at a member is `{".": {"left": {"Var": "context"}, "attr": "member"}}`, and `has` likewise. A use
/// of the context in any other way may need all of it.
fn looks(json: &Value, member: &str) -> bool {
    match json {
        Value::Array(items) => items.iter().any(|item| looks(item, member)),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let of_context = matches!(name.as_str(), "." | "has")
                .then(|| looked_at(value))
                .flatten();
            match of_context {
                Some(attribute) => attribute == member,
                None => is_context(name, value) || looks(value, member),
            }
        }),
        _ => false,
    }
}

fn looked_at(value: &Value) -> Option<&str> {
    let left = value.get("left")?.as_object()?;
    let of_context = left.iter().any(|(name, value)| is_context(name, value));
    value.get("attr")?.as_str().filter(|_| of_context)
}

fn is_context(name: &str, value: &Value) -> bool {
    name == "Var" && value == "context"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_a_member_is_told_from_one_at_others_and_at_all() {
        for (condition, looks) in [
            ("context.time > datetime(\"2020-01-01\")", true),
            ("context has time", true),
            (
                "if context.now > 3 then context.time == context.time else false",
                true,
            ),
            ("{ all: context } == resource.seen", true),
            ("[context].contains(resource.seen)", true),
            ("context == resource.seen", true),
            ("context.claimed.context has time", false),
            ("context.grants.contains(\"time\")", false),
            ("principal.time == resource.time", false),
            ("context has auth", false),
            ("context.now > 3", false),
        ] {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            let policy: Policy = text.parse().expect("a policy");
            assert_eq!(reads(&policy, "time"), looks, "{condition}");
        }
    }
    #[test]
    fn a_look_at_the_principal_is_told_from_one_at_the_context_and_the_resource() {
        for (condition, looks) in [
            ("principal.email_verified", true),
            ("principal has email", true),
            ("User::\"ada\".username == \"ada\"", true),
            ("{ who: principal }.who.username == \"ada\"", true),
            (
                "(if context.now > 3 then principal else principal).username like \"a*\"",
                true,
            ),
            ("context.claimed.context.who == principal.username", true),
            ("resource.owner == principal", false),
            ("principal in Role::\"clerk\"", false),
            ("principal is User", false),
            ("context.claimed.subject.username == \"ada\"", false),
            (
                "resource has owner && resource.owner.name == \"ada\"",
                false,
            ),
            ("context.grants.contains(\"principal.username\")", false),
        ] {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            let policy: Policy = text.parse().expect("a policy");
            assert_eq!(reads_principal(&policy), looks, "{condition}");
        }
    }
}
