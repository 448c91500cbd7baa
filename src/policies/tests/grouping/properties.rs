//! Property tests: grouped policies give the result of the whole set for any policies and requests.

use proptest::prelude::*;

use super::*;

/// Conditions that read each part of a request, some of them with errors.
const CONDITIONS: [&str; 12] = [
    "",
    "when { context.resource_roles.contains(\"OWNER\") }",
    "when { resource has open && resource.open }",
    "when { resource.missing }",
    "when { principal.username == \"ada\" }",
    "unless { principal has type && principal.type == \"clerk\" }",
    "when { context.claimed.context.amount > 3 }",
    "when { context has auth && context.auth.acr_level >= 2 }",
    "unless { context.auth.age < 60 }",
    "when { context.time > datetime(\"2020-01-01\") }",
    "when { [context].contains(context) && context.now > 0 }",
    "when { action in Action::\"change\" }",
];

fn any_policy(conditions: Vec<&'static str>) -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["permit", "permit", "forbid"]);
    let principal = prop::sample::select(PRINCIPALS.to_vec());
    let action = prop::sample::select(ACTIONS.to_vec());
    let resource = prop::sample::select(RESOURCES.to_vec());
    let condition = prop::sample::select(conditions);
    (effect, principal, action, resource, condition).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!("{effect} ({principal}, {action}, {resource}) {condition};")
        },
    )
}

fn any_request() -> impl Strategy<Value = DecisionInput> {
    let auth = prop::sample::select(vec![
        None,
        Some(signed_in("phr", 10)),
        Some(signed_in("urn:doorward:acr:device-bound", 1_000)),
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (prop::sample::select(sample_requests()), auth, flags).prop_map(
        |(mut input, signed_in, (is_owner, is_open, claims))| {
            if let Subject::Person { auth, .. } = &mut input.subject {
                *auth = signed_in;
                input
                    .resource_roles
                    .extend(is_owner.then(|| "OWNER".to_owned()));
            }
            if is_open {
                input.attributes = object(&json!({ "open": true }));
            }
            if claims {
                input.claimed.context = object(&json!({ "amount": 5 }));
            }
            input
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn grouped_policies_always_give_the_result_of_the_whole_set(
        policies in prop::collection::vec(any_policy(CONDITIONS.to_vec()), 1..12),
        sample_requests in prop::collection::vec(any_request(), 1..12),
    ) {
        let text = policies.join("\n");
        let folder = Folder::of(&[("a.cedar", text.as_str())]);
        prop_assert_eq!(folder.policies.fault(), None);
        assert_all_match_cedar(&folder, &text, None, &sample_requests);
    }

    #[test]
    fn grouped_policies_give_the_result_of_the_whole_set_with_groups_of_actions(
        policies in prop::collection::vec(any_policy(vec![""]), 1..6),
        mut sample_requests in prop::collection::vec(any_request(), 1..12),
    ) {
        let text = policies.join("\n");
        let folder = Folder::of(&[("a.cedar", text.as_str()), ("own.cedarschema", SCHEMA)]);
        // The schema's validation rejects actions that it doesn't declare for a principal.
        prop_assume!(folder.policies.fault().is_none());
        for input in &mut sample_requests {
            input.attributes.clear();
        }
        assert_all_match_cedar(&folder, &text, Some(SCHEMA), &sample_requests);
    }
}
