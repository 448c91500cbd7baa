//! What of the context a policy looks at, so that what is dear to make is made only for those who look.

use cedar_policy::Policy;
use serde_json::Value;

/// Whether a policy may look at a member of the context, or at the context as a whole.
pub(super) fn reads(policy: &Policy, member: &str) -> bool {
    // What can't be written down may look at everything.
    policy.to_json().map_or(true, |json| looks(&json, member))
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
}
