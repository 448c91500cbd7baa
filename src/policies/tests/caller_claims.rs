//! Tests of claimed properties in JSON.

use proptest::prelude::*;

use super::super::values::ValueFault;
use super::*;

#[test]
fn equal_numbers_have_one_value_in_every_notation() {
    let folder = policies(
        r#"permit (principal, action, resource) when { context.claimed.context.n == 1 };
           permit (principal, action, resource) when { context.claimed.context.n == decimal("0.5") };"#,
    );
    let with = |text: &str| {
        let mut input = input(person(&[], None));
        input.claimed.context = serde_json::from_str(text).expect("JSON");
        ask(&folder, &input)
    };
    for good in ["1", "1.0", "1e0", "10e-1", "0.5", "5e-1"] {
        assert!(with(&format!("{{\"n\": {good}}}")).is_allowed, "{good}");
    }
    for bad in ["1e300", "9223372036854775808", "0.00001", "1e18", "1.23456"] {
        let decision = with(&format!("{{\"n\": {bad}}}"));
        assert!(!decision.is_allowed && !decision.errors.is_empty(), "{bad}");
    }
}

#[test]
fn depth_and_size_are_limited() {
    let deep = |depth: usize| -> Map<String, Value> {
        let text = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        serde_json::from_str(&text).expect("JSON")
    };
    assert!(values::record(&deep(16)).is_ok());
    assert_eq!(values::record(&deep(18)).err(), Some(ValueFault::TooDeep));
    let many = object(&json!({"a": vec![1; 10_001]}));
    assert_eq!(values::record(&many).err(), Some(ValueFault::TooMany));
    let nothing = object(&json!({"a": null, "b": [null]}));
    let written = values::attributes(&nothing).expect("attributes");
    assert_eq!(written.len(), 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let name = prop_oneof![
            ".{0,8}",
            Just("__entity".to_owned()),
            Just("__extn".to_owned())
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Claimed properties never change the result of a policy that doesn't read them; values that policies can't
    /// read deny the request.
    #[test]
    fn claims_do_not_affect_policies_that_do_not_read_them(said in prop::collection::btree_map(".{0,8}", any_json(), 0..6), id in ".{0,20}", kind in ".{0,20}") {
        let folder = policies("permit (principal is User, action, resource);");
        let said: Map<String, Value> = said.into_iter().collect();
        let is_readable = values::record(&said).is_ok();
        let claimed = Claimed { subject: said.clone(), resource: said.clone(), action: said.clone(), context: said.clone() };
        let mut asked = input(Subject::ExternalSubject { kind, id });
        asked.claimed = claimed.clone();
        asked.attributes = said;
        prop_assert!(!is_allowed(&folder, &asked));
        asked.subject = person(&[], None);
        let decision = ask(&folder, &asked);
        prop_assert_eq!(decision.is_allowed, is_readable, "{:?}", decision);
    }
}
