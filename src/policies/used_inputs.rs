//! Determines which parts of a request a policy reads. Parts that no policy reads are not converted to Cedar values.

use cedar_policy::Policy;
use serde_json::Value;

/// The parts that a policy, or any of several policies, may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UsedInputs {
    /// `context.auth`: how the user signed in.
    pub(super) auth: bool,
    /// `context.time`, which Cedar parses from a text.
    pub(super) time: bool,
    /// `context.claimed`: properties and context that the caller claims.
    pub(super) claimed: bool,
    /// Attributes of the principal.
    pub(super) principal: bool,
}

impl UsedInputs {
    /// All parts.
    pub(super) const ALL: Self = Self {
        auth: true,
        time: true,
        claimed: true,
        principal: true,
    };

    /// Returns what a policy may read. A policy that has no JSON form may read everything.
    pub(super) fn of(policy: &Policy) -> Self {
        policy.to_json().map_or(Self::ALL, |json| Self {
            auth: reads_context(&json, "auth"),
            time: reads_context(&json, "time"),
            claimed: reads_context(&json, "claimed"),
            principal: reads_principal(&json),
        })
    }

    /// Returns what either of the two may read.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            auth: self.auth || other.auth,
            time: self.time || other.time,
            claimed: self.claimed || other.claimed,
            principal: self.principal || other.principal,
        }
    }
}

/// Whether a policy may read an attribute of the principal: an attribute of anything but the context and the resource, which
/// contain no entities.
fn reads_principal(json: &Value) -> bool {
    match json {
        Value::Array(items) => items.iter().any(reads_principal),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_access = matches!(name.as_str(), "." | "has" | "getTag" | "hasTag");
            (is_access && !matches!(root(value), Some("context" | "resource")))
                || reads_principal(value)
        }),
        _ => false,
    }
}

/// Returns the variable at the root of an attribute access, or of nested ones.
fn root(access: &Value) -> Option<&str> {
    let left = access.get("left")?;
    match left.get("Var") {
        Some(name) => name.as_str(),
        None => root(left.get(".")?),
    }
}

/// Whether a policy may read a member of the context. In Cedar's JSON form, an access is
/// `{".": {"left": {"Var": "context"}, "attr": "member"}}`, and `has` is analogous. Any other use of the context
/// may read all of it.
fn reads_context(json: &Value, member: &str) -> bool {
    match json {
        Value::Array(items) => items.iter().any(|item| reads_context(item, member)),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let of_context = matches!(name.as_str(), "." | "has")
                .then(|| context_attribute(value))
                .flatten();
            match of_context {
                Some(attribute) => attribute == member,
                None => is_context(name, value) || reads_context(value, member),
            }
        }),
        _ => false,
    }
}

fn context_attribute(value: &Value) -> Option<&str> {
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
    fn reads_of_one_member_of_others_and_of_the_whole_record_are_distinguished() {
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
            ("context.resource_roles.contains(\"time\")", false),
            ("principal.time == resource.time", false),
            ("context has auth", false),
            ("context.now > 3", false),
        ] {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            let policy: Policy = text.parse().expect("a policy");
            assert_eq!(UsedInputs::of(&policy).time, looks, "{condition}");
        }
    }

    #[test]
    fn reads_of_principal_context_and_resource_are_distinguished() {
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
            (
                "context.resource_roles.contains(\"principal.username\")",
                false,
            ),
        ] {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            let policy: Policy = text.parse().expect("a policy");
            assert_eq!(UsedInputs::of(&policy).principal, looks, "{condition}");
        }
    }
}
