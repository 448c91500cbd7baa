//! Policies are left out before they are looked at only where they could not have said anything.

use cedar_policy::{Authorizer, Decision as Verdict, PolicySet, Schema};

use super::super::facts::Asked;
use super::super::table::Slice;
use super::*;

const PRINCIPALS: [&str; 6] = [
    "principal",
    "principal is User",
    "principal == User::\"00000000-0000-4000-8000-000000000001\"",
    "principal in User::\"00000000-0000-4000-8000-000000000001\"",
    "principal in Role::\"clerk\"",
    "principal is User in Role::\"clerk\"",
];
const ACTIONS: [&str; 5] = [
    "action",
    "action == Action::\"edit\"",
    "action in Action::\"edit\"",
    "action in [Action::\"edit\", Action::\"print\"]",
    "action in Action::\"change\"",
];
const RESOURCES: [&str; 3] = ["resource", "resource is order", "resource == order::\"7\""];

/// `edit` is one of the ways to `change`.
const SCHEMA: &str = "entity order;
    action change;
    action print appliesTo { principal: [User], resource: [order], context: Doorward::Context };
    action edit in [change] appliesTo { principal: [User, Client, Outsider], resource: [order], context: Doorward::Context };";

fn questions() -> Vec<Facts> {
    let somebody = |id: u128, roles: &[&str]| {
        let mut standing = standing(roles);
        standing.user_id = UserId::from_uuid(uuid::Uuid::from_u128(id));
        Subject::Person {
            standing: Box::new(standing),
            auth: None,
        }
    };
    let one = 0x0000_0000_0000_4000_8000_0000_0000_0001;
    let outsider = Subject::Outsider {
        kind: "clerk".into(),
        id: "clerk".into(),
    };
    let subjects = [
        somebody(one, &[]),
        somebody(2, &["cook", "clerk"]),
        somebody(one, &["clerk"]),
        somebody(2, &["cook"]),
        outsider,
    ];
    let mut all = Vec::new();
    for subject in subjects {
        for action in ["edit", "print", "change", "burn"] {
            for (kind, id) in [("order", "7"), ("order", "8"), ("parcel", "7")] {
                all.push(Facts {
                    action: action.into(),
                    resource: ResourceName::parse(kind, id).expect("a name"),
                    ..facts(subject.clone())
                });
            }
        }
    }
    all
}

/// What Cedar says of a question when nothing is left out.
fn unsliced(folder: &Folder, all: &PolicySet, facts: &Facts) -> (bool, Vec<String>) {
    let table = folder.policies.table().expect("policies");
    let mut everything = Slice::default();
    everything
        .action
        .clone_from(&table.about(&facts.action).action);
    everything.reads_auth = true;
    everything.reads_time = true;
    everything.reads_claimed = true;
    everything.reads_principal = true;
    let asked = Asked::new(&table, &everything, facts).expect("a question");
    let request = asked.request(None).expect("a request");
    let answer = Authorizer::new().is_authorized(&request, all, &asked.entities);
    let reasons = answer.diagnostics().reason();
    // The names that the policies of a text have by themselves say at which place they stand in it.
    let mut lines: Vec<String> = reasons
        .map(|id| id.to_string().trim_start_matches("policy").parse())
        .map(|place: Result<usize, _>| format!("a.cedar:{}", place.expect("a place") + 1))
        .collect();
    lines.sort_unstable();
    (answer.decision() == Verdict::Allow, lines)
}

fn hold_to_cedar(text: &str, schema: Option<&str>) {
    let mut files = vec![("a.cedar", text)];
    files.extend(schema.map(|schema| ("own.cedarschema", schema)));
    let folder = Folder::of(&files);
    assert_eq!(folder.policies.fault(), None, "{text}");
    let all: PolicySet = text.parse().expect("policies");
    let schema = schema.map(with_base);
    for facts in questions() {
        let decision = ask(&folder, &facts);
        let wanted = if schema.as_ref().is_none_or(|schema| knows(schema, &facts)) {
            unsliced(&folder, &all, &facts)
        } else {
            (false, Vec::new())
        };
        assert_eq!(
            (decision.is_allowed, decision.policies),
            wanted,
            "{text}\n{facts:?}"
        );
    }
}

fn with_base(schema: &str) -> Schema {
    let whole = format!("{BASE_SCHEMA}\n{schema}");
    let (schema, _) = Schema::from_cedarschema_str(&whole).expect("a schema");
    schema
}

/// Whether Cedar itself sees such a question in the schema.
fn knows(schema: &Schema, facts: &Facts) -> bool {
    let asked = (
        facts.principal_type().to_owned(),
        facts.action.as_str(),
        facts.resource.kind.as_str().to_owned(),
    );
    schema.request_envs().any(|known| {
        let action = known.action().id().unescaped();
        asked
            == (
                known.principal().to_string(),
                action,
                known.resource().to_string(),
            )
    })
}

fn scopes() -> impl Iterator<Item = String> {
    PRINCIPALS.iter().flat_map(|principal| {
        ACTIONS.iter().flat_map(move |action| {
            RESOURCES
                .iter()
                .map(move |resource| format!("({principal}, {action}, {resource})"))
        })
    })
}

#[test]
fn what_forbids_is_never_left_out() {
    for scope in scopes() {
        // The others name the action and the type at other places of the text.
        hold_to_cedar(
            &format!(
                "permit (principal, action == Action::\"edit\", resource is order);\n\
                 permit (principal, action, resource);\n\
                 forbid {scope};\n\
                 permit (principal in Role::\"clerk\", action == Action::\"print\", resource);"
            ),
            None,
        );
    }
}

#[test]
fn what_permits_is_never_left_out_and_permits_no_more() {
    for scope in scopes() {
        hold_to_cedar(
            &format!(
                "permit {scope};\n\
                 permit (principal is User in Role::\"cook\", action == Action::\"print\", resource == parcel::\"7\");"
            ),
            None,
        );
    }
}

#[test]
fn what_a_condition_looks_at_is_there() {
    for condition in [
        "principal has username && principal.username == \"ada\"",
        "principal has type && principal.type == \"clerk\"",
        "context has claimed && context.claimed.subject has a",
        "context has claimed && [context.claimed.context].contains({})",
        "context has time",
        "context has auth",
        "{ who: principal }.who has display_name",
        "[context].contains(context) && context has now",
    ] {
        for scope in scopes().step_by(13) {
            hold_to_cedar(
                &format!(
                    "permit (principal, action, resource is order);\n\
                     forbid {scope} when {{ {condition} }};"
                ),
                None,
            );
        }
    }
}

#[test]
fn an_action_is_in_its_groups() {
    for principal in PRINCIPALS {
        hold_to_cedar(
            &format!(
                "permit (principal, action, resource is order);\n\
                 forbid ({principal}, action in [Action::\"print\", Action::\"change\"], resource is order);"
            ),
            Some(SCHEMA),
        );
    }
}

#[test]
fn two_actions_of_one_name_are_refused() {
    let schema = "entity order;
        action edit appliesTo { principal: [User, Client, Outsider], resource: [order], context: Doorward::Context };
        namespace Shop { action edit, print; }";
    let policy = "forbid (principal is User, action == Action::\"edit\", resource is order);";
    let folder = Folder::of(&[("a.cedar", policy), ("own.cedarschema", schema)]);
    assert!(folder.fault().contains("shadows"), "{}", folder.fault());
}

#[test]
fn a_policy_that_is_reached_and_fails_denies_and_one_out_of_reach_does_not() {
    let folder = policies(
        "permit (principal, action, resource);\n\
         forbid (principal in Role::\"clerk\", action, resource) when { resource.missing };",
    );
    assert!(is_allowed(&folder, &facts(person(&["cook"], None))));
    let decision = ask(&folder, &facts(person(&["clerk"], None)));
    assert!(!decision.is_allowed);
    assert_eq!(decision.errors.len(), 1, "{decision:?}");
}

#[test]
fn whether_strangers_may_anything_is_known_beforehand() {
    for (text, may) in [
        (
            "permit (principal, action == Action::\"view\", resource);",
            true,
        ),
        ("permit (principal is Outsider, action, resource);", true),
        (
            "permit (principal == Outsider::\"visitor:signed-out\", action, resource is order);",
            true,
        ),
        ("permit (principal is User, action, resource);", false),
        (
            "permit (principal in Role::\"clerk\", action, resource);",
            false,
        ),
        (
            "permit (principal, action == Action::\"edit\", resource);",
            false,
        ),
        ("forbid (principal, action, resource);", false),
    ] {
        let folder = policies(text);
        assert_eq!(folder.policies.may_permit_outsiders("view"), may, "{text}");
    }
    let anything = ("a.cedar", "permit (principal, action, resource);");
    let folder = Folder::of(&[anything, ("own.cedarschema", SCHEMA)]);
    for (action, may) in [
        ("edit", true),
        ("print", false),
        ("change", false),
        ("burn", false),
    ] {
        let told = folder.policies.may_permit_outsiders(action);
        assert_eq!(told, may, "{action}");
    }
}
