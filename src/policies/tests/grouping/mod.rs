//! Tests that grouped policies give the result of the whole set.

mod properties;

use std::collections::BTreeSet;

use cedar_policy::{AuthorizationError, Authorizer, Decision as CedarDecision, Policy, PolicyId};
use cedar_policy::{PolicySet, Schema};

use super::super::input::CedarRequest;
use super::super::schema::BASE_SCHEMA;
use super::super::table::{Names, Selection};
use super::super::used_inputs::UsedInputs;
use super::*;

const PRINCIPALS: [&str; 9] = [
    "principal",
    "principal is User",
    "principal == User::\"00000000-0000-4000-8000-000000000001\"",
    "principal in User::\"00000000-0000-4000-8000-000000000001\"",
    "principal in Role::\"clerk\"",
    "principal is User in Role::\"clerk\"",
    "principal is Client",
    "principal is ExternalSubject",
    "principal == ExternalSubject::\"clerk:clerk\"",
];
const ACTIONS: [&str; 5] = [
    "action",
    "action == Action::\"edit\"",
    "action in Action::\"edit\"",
    "action in [Action::\"edit\", Action::\"print\"]",
    "action in Action::\"change\"",
];
const RESOURCES: [&str; 3] = ["resource", "resource is order", "resource == order::\"7\""];

/// The action `edit` is a member of the action group `change`.
const SCHEMA: &str = "entity order;
    action change;
    action print appliesTo { principal: [User], resource: [order], context: Doorward::Context };
    action edit in [change] appliesTo { principal: [User, Client, ExternalSubject], resource: [order], context: Doorward::Context };";

fn sample_requests() -> Vec<DecisionInput> {
    let user_with_roles = |id: u128, roles: &[&str]| {
        let mut account_state = account_state(roles);
        account_state.user_id = UserId::from_uuid(uuid::Uuid::from_u128(id));
        Subject::Person {
            account_state: Box::new(account_state),
            auth: None,
        }
    };
    let one = 0x0000_0000_0000_4000_8000_0000_0000_0001;
    let external_subject = Subject::ExternalSubject {
        kind: "clerk".into(),
        id: "clerk".into(),
    };
    let subjects = [
        user_with_roles(one, &[]),
        user_with_roles(2, &["cook", "clerk"]),
        user_with_roles(one, &["clerk"]),
        user_with_roles(2, &["cook"]),
        external_subject,
    ];
    let mut all = Vec::new();
    for subject in subjects {
        for action in ["edit", "print", "change", "burn"] {
            for (kind, id) in [("order", "7"), ("order", "8"), ("parcel", "7")] {
                all.push(DecisionInput {
                    action: action.into(),
                    resource: ResourceName::parse(kind, id).expect("a name"),
                    ..input(subject.clone())
                });
            }
        }
    }
    all
}

/// Parses a text with one policy per line, with the IDs that a folder gives them.
pub(super) fn whole_set(text: &str) -> PolicySet {
    let parsed: PolicySet = text.parse().expect("policies");
    let named = parsed.policies().map(|policy: &Policy| {
        let place = policy.id().to_string();
        let place: usize = place.trim_start_matches("policy").parse().expect("a place");
        policy.new_id(PolicyId::new(format!("a.cedar:{}", place + 1)))
    });
    PolicySet::from_policies(named).expect("policies")
}

/// Whether Cedar permits, the determining policies, and the errors, when every policy is evaluated with all parts of the request.
fn decide_ungrouped(
    folder: &Folder,
    all: &PolicySet,
    input: &DecisionInput,
) -> (bool, Vec<String>, Vec<String>) {
    let table = folder.policies.table().expect("policies");
    let names = Names::of(&table, input).expect("a request");
    let selection = Selection {
        sets: vec![all],
        used: UsedInputs::ALL,
    };
    let asked = CedarRequest::new(&table, names, selection, input).expect("a request");
    let auth = match &input.subject {
        Subject::Person { auth, .. } => auth.as_ref(),
        _ => None,
    };
    let request = asked.request(auth).expect("a request");
    let answer = Authorizer::new().is_authorized(&request, all, &asked.entities);
    let reasons: BTreeSet<String> = answer
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    let told = |error: &AuthorizationError| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        format!("{}: {}", error.policy_id(), error.inner())
    };
    let errors: BTreeSet<String> = answer.diagnostics().errors().map(told).collect();
    (
        answer.decision() == CedarDecision::Allow && errors.is_empty(),
        reasons.into_iter().collect(),
        errors.into_iter().collect(),
    )
}

fn assert_matches_cedar(text: &str, schema: Option<&str>) {
    let mut files = vec![("a.cedar", text)];
    files.extend(schema.map(|schema| ("own.cedarschema", schema)));
    let folder = Folder::of(&files);
    assert_eq!(folder.policies.fault(), None, "{text}");
    assert_all_match_cedar(&folder, text, schema, &sample_requests());
}

fn assert_all_match_cedar(
    folder: &Folder,
    text: &str,
    schema: Option<&str>,
    sample_requests: &[DecisionInput],
) {
    let all = whole_set(text);
    let schema = schema.map(with_base);
    for input in sample_requests {
        let decision = ask(folder, input);
        let decided = (decision.is_allowed, decision.policies, decision.errors);
        if schema
            .as_ref()
            .is_none_or(|schema| is_valid_for(schema, input))
        {
            let expected = decide_ungrouped(folder, &all, input);
            assert_eq!(decided, expected, "{text}\n{input:?}");
        } else {
            assert!(!decided.0 && decided.1.is_empty(), "{text}\n{input:?}");
        }
    }
}

fn with_base(schema: &str) -> Schema {
    let whole = format!("{BASE_SCHEMA}\n{schema}");
    let (schema, _) = Schema::from_cedarschema_str(&whole).expect("a schema");
    schema
}

/// Whether the schema declares the request, according to Cedar.
fn is_valid_for(schema: &Schema, input: &DecisionInput) -> bool {
    let asked = (
        input.principal_type().to_owned(),
        input.action.as_str(),
        input.resource.kind.as_str().to_owned(),
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
fn forbid_policies_are_never_left_out() {
    for scope in scopes() {
        // The other policies name the action and the type in other parts of the text.
        assert_matches_cedar(
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
fn permit_policies_are_never_left_out_and_permit_no_more() {
    for scope in scopes() {
        assert_matches_cedar(
            &format!(
                "permit {scope};\n\
                 permit (principal is User in Role::\"cook\", action == Action::\"print\", resource == parcel::\"7\");"
            ),
            None,
        );
    }
}

#[test]
fn facts_that_a_condition_reads_are_loaded() {
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
            assert_matches_cedar(
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
fn an_action_is_a_member_of_its_groups() {
    for principal in PRINCIPALS {
        assert_matches_cedar(
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
        action edit appliesTo { principal: [User, Client, ExternalSubject], resource: [order], context: Doorward::Context };
        namespace Shop { action edit, print; }";
    let policy = "forbid (principal is User, action == Action::\"edit\", resource is order);";
    let folder = Folder::of(&[("a.cedar", policy), ("own.cedarschema", schema)]);
    assert!(folder.fault().contains("shadows"), "{}", folder.fault());
}

#[test]
fn only_errors_in_applicable_policies_deny() {
    let folder = policies(
        "permit (principal, action, resource);\n\
         forbid (principal in Role::\"clerk\", action, resource) when { resource.missing };",
    );
    assert!(is_allowed(&folder, &input(person(&["cook"], None))));
    let decision = ask(&folder, &input(person(&["clerk"], None)));
    assert!(!decision.is_allowed);
    assert_eq!(decision.errors.len(), 1, "{decision:?}");
}

#[test]
fn whether_policies_permit_anything_to_external_subjects_is_precomputed() {
    for (text, may) in [
        (
            "permit (principal, action == Action::\"view\", resource);",
            true,
        ),
        (
            "permit (principal is ExternalSubject, action, resource);",
            true,
        ),
        (
            "permit (principal == ExternalSubject::\"visitor:signed-out\", action, resource is order);",
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
        assert_eq!(
            folder.policies.may_permit_external_subjects("view"),
            may,
            "{text}"
        );
    }
    let anything = ("a.cedar", "permit (principal, action, resource);");
    let folder = Folder::of(&[anything, ("own.cedarschema", SCHEMA)]);
    for (action, may) in [
        ("edit", true),
        ("print", false),
        ("change", false),
        ("burn", false),
    ] {
        let told = folder.policies.may_permit_external_subjects(action);
        assert_eq!(told, may, "{action}");
    }
}
