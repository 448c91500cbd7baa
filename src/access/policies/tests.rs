//! Policies in a folder, and questions about nothing that is stored.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::access::ResourceName;
use crate::access::question::{Auth, Claimed, Decision, Subject, Wanted};
use crate::base::clock::Timestamp;
use crate::base::config::SubjectId;
use crate::base::ids::UserId;
use crate::standing::{Standing, UserStatus};

const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

struct Folder {
    folder: tempfile::TempDir,
    policies: Policies,
}

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let schema = folder.path().join("own.cedarschema");
        let policies = Policies::new(&config::Access {
            policies: Some(folder.path().to_owned()),
            schema: schema.is_file().then_some(schema),
            subject_id: SubjectId::Id,
        });
        policies.load();
        Self { folder, policies }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn fault(&self) -> String {
        self.policies.fault().expect("a fault").to_string()
    }
}

fn policies(text: &str) -> Folder {
    let folder = Folder::of(&[("a.cedar", text)]);
    assert_eq!(folder.policies.fault(), None);
    folder
}

fn standing(roles: &[&str]) -> Standing {
    Standing {
        user_id: UserId::random(),
        version: 1,
        username: "ada".into(),
        email: None,
        email_verified: false,
        display_name: "Ada".into(),
        status: UserStatus::Active,
        session_epoch: 1,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        passkeys: vec![],
        ended: vec![],
        revoked: vec![],
    }
}

fn person(roles: &[&str], auth: Option<Auth>) -> Subject {
    Subject::Person {
        standing: Box::new(standing(roles)),
        auth,
    }
}

fn facts(subject: Subject) -> Facts {
    Facts {
        subject,
        action: "view".into(),
        resource: ResourceName::parse("order", "7").expect("a name"),
        grants: vec![],
        attributes: Map::new(),
        claimed: Claimed::default(),
        now: NOW,
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn ask(folder: &Folder, facts: &Facts) -> Decision {
    folder.policies.decide(facts, Challenge::Look)
}

fn is_allowed(folder: &Folder, facts: &Facts) -> bool {
    ask(folder, facts).is_allowed
}

#[test]
fn what_is_held_on_the_very_thing_decides() {
    let folder = policies(
        r#"@id("operators") permit (principal is User, action == Action::"view", resource is order)
           when { context.grants.contains("OPERATOR") };"#,
    );
    let mut facts = facts(person(&[], None));
    assert!(!is_allowed(&folder, &facts));
    facts.grants = vec!["OPERATOR".into()];
    let decision = ask(&folder, &facts);
    assert!(decision.is_allowed);
    assert_eq!(decision.policies, ["operators"]);
    facts.action = "delete".into();
    assert!(!is_allowed(&folder, &facts));
}

#[test]
fn roles_attributes_and_the_registry_are_known() {
    let folder = policies(
        r#"permit (principal in Role::"clerk", action, resource)
           when { principal.username == "ada" && !(principal has email) && resource.size == 3 && context.time > datetime("2020-01-01") };"#,
    );
    let mut facts = facts(person(&["clerk"], None));
    facts.attributes = object(json!({"size": 3}));
    let decision = ask(&folder, &facts);
    assert!(decision.is_allowed, "{decision:?}");
    assert_eq!(decision.policies, ["a.cedar:1"]);
    facts.subject = person(&["cook"], None);
    assert!(!is_allowed(&folder, &facts));
}

#[test]
fn an_error_in_any_policy_that_is_reached_denies_the_whole() {
    let folder = policies(
        r#"permit (principal, action, resource);
           forbid (principal, action == Action::"view", resource is order) when { context.claimed.context.amount > 10 };"#,
    );
    let mut facts = facts(person(&[], None));
    let decision = ask(&folder, &facts);
    assert!(!decision.is_allowed && !decision.errors.is_empty());
    facts.claimed.context = object(json!({"amount": "many"}));
    assert!(!is_allowed(&folder, &facts));
    facts.claimed.context = object(json!({"amount": 10.5}));
    assert!(!is_allowed(&folder, &facts));
    facts.claimed.context = object(json!({"amount": 10.0}));
    assert!(is_allowed(&folder, &facts));
    facts.action = "edit".into();
    facts.claimed.context = Map::new();
    assert!(is_allowed(&folder, &facts));
}

#[test]
fn what_callers_say_is_never_what_doorward_knows() {
    let folder = policies(
        r#"permit (principal is User, action, resource) when { principal.username == "root" };
           permit (principal in Role::"admin", action, resource);
           permit (principal, action, resource) when { context.grants.contains("OWNER") };
           permit (principal, action, resource) when { context has auth };
           permit (principal, action, resource) when { resource has open && resource.open };
           permit (principal == Outsider::"User:root", action, resource);
           permit (principal, action, resource) when { context.claimed.context.who == User::"root" };"#,
    );
    let mut facts = facts(Subject::Outsider {
        kind: "user".into(),
        id: "root".into(),
    });
    let lies = object(json!({
        "username": "root", "roles": ["admin"], "grants": ["OWNER"], "auth": {"acr": "phr"}, "open": true,
        "who": {"__entity": {"type": "User", "id": "root"}}, "__extn": {"fn": "ip", "arg": "127.0.0.1"},
    }));
    facts.claimed = Claimed {
        subject: lies.clone(),
        resource: lies.clone(),
        action: lies.clone(),
        context: lies,
    };
    let decision = ask(&folder, &facts);
    assert!(
        !decision.is_allowed && decision.errors.is_empty(),
        "{decision:?}"
    );
}

#[test]
fn escapes_are_fields_like_any_other() {
    let folder = policies(
        r#"permit (principal, action, resource)
           when { context.claimed.context["__extn"]["fn"] == "ip" && context.claimed.context["__entity"].id == "x" };"#,
    );
    let mut facts = facts(person(&[], None));
    facts.claimed.context = object(json!({
        "__entity": {"type": "User", "id": "x"}, "__extn": {"fn": "ip", "arg": "no address"},
    }));
    assert!(is_allowed(&folder, &facts));
}

#[test]
fn two_outsiders_are_never_one() {
    let folder = policies(r#"permit (principal == Outsider::"a:b:c", action, resource);"#);
    let outsider = |kind: &str, id: &str| {
        facts(Subject::Outsider {
            kind: kind.into(),
            id: id.into(),
        })
    };
    assert!(is_allowed(&folder, &outsider("a", "b:c")));
    assert!(!is_allowed(&folder, &outsider("a:b", "c")));
    assert!(!is_allowed(&folder, &outsider("a", "b:c\"")));
}

fn signed_in(acr: &str, age: u64) -> Auth {
    Auth {
        acr: acr.into(),
        amr: vec!["swk".into(), "user".into(), "mfa".into()],
        auth_time: NOW.before(Duration::from_secs(age)),
    }
}

#[test]
fn a_denial_says_what_sign_in_would_have_been_enough() {
    let folder = policies(
        r#"permit (principal is User, action == Action::"view", resource)
           when { context has auth && context.auth.acr_level >= 2 && context.auth.age <= 300 };
           permit (principal is User, action == Action::"edit", resource)
           when { context has auth && context.auth.age < 60 };
           permit (principal is User, action == Action::"print", resource)
           when { context has auth && context.auth.amr.contains("hwk") && context.claimed.context has never };"#,
    );
    let wanted = |action: &str, auth: Option<Auth>| {
        let mut facts = facts(person(&[], auth));
        facts.action = action.into();
        let decision = ask(&folder, &facts);
        (decision.is_allowed, decision.wanted)
    };
    let bound = "urn:doorward:acr:device-bound";
    let stronger = [bound];
    assert_eq!(wanted("view", Some(signed_in(bound, 300))), (true, None));
    let want = |acr_values: &[&'static str], max_age| {
        (
            false,
            Some(Wanted {
                acr_values: acr_values.to_vec(),
                max_age,
            }),
        )
    };
    assert_eq!(
        wanted("view", Some(signed_in("phr", 10))),
        want(&stronger, None)
    );
    assert_eq!(
        wanted("view", Some(signed_in("phr", 1_000))),
        want(&stronger, Some(300))
    );
    assert_eq!(
        wanted("view", Some(signed_in(bound, 1_000))),
        want(&[], Some(300))
    );
    assert_eq!(wanted("view", None), want(&stronger, Some(300)));
    assert_eq!(
        wanted("edit", Some(signed_in("phr", 60))),
        want(&[], Some(59))
    );
    assert_eq!(wanted("print", Some(signed_in("phr", 0))), (false, None));
    assert_eq!(wanted("other", None), (false, None));
}

#[test]
fn a_schema_holds_policies_to_what_is_declared() {
    let schema = r#"
        entity order { owner?: String };
        action reading;
        action view in [reading] appliesTo { principal: [User], resource: [order], context: Doorward::Context };
    "#;
    let good = r#"permit (principal is User, action in [Action::"reading"], resource is order)
        when { resource has owner && resource.owner == principal.username };"#;
    let folder = Folder::of(&[("a.cedar", good), ("own.cedarschema", schema)]);
    assert_eq!(folder.policies.fault(), None);
    assert_eq!(folder.policies.actions(), ["reading", "view"]);
    let mut facts = facts(person(&[], None));
    facts.attributes = object(json!({"owner": "ada"}));
    assert!(is_allowed(&folder, &facts));
    let bad = "\npermit (principal is User, action == Action::\"view\", resource is order)\nwhen { resource.ownr == principal.username };";
    let folder = Folder::of(&[("a.cedar", bad), ("own.cedarschema", schema)]);
    assert!(
        folder.fault().starts_with("a.cedar:3:"),
        "{}",
        folder.fault()
    );
    assert!(!is_allowed(&folder, &facts));
    let folder = Folder::of(&[("own.cedarschema", "entity order {\n  owner: Strin };")]);
    assert!(
        folder.fault().starts_with("own.cedarschema:2:"),
        "{}",
        folder.fault()
    );
    let folder = Folder::of(&[("own.cedarschema", "entity User;")]);
    assert!(folder.fault().contains("User"), "{}", folder.fault());
}

#[test]
fn what_would_say_less_than_it_seems_is_refused_with_its_place() {
    let anybody = "permit (principal, action, resource);";
    for (text, place, reason) in [
        ("permit (principal, action, resource)", "a.cedar:1:", ""),
        ("\n permit (principal, acton, resource);", "a.cedar:2:", ""),
        (
            "permit (principal == ?principal, action, resource);",
            "a.cedar:1:1",
            "template",
        ),
        (
            "permit (principal, action, resource) when { ipp(\"1\") };",
            "a.cedar:1:",
            "ipp",
        ),
        (
            "@id(\"b.cedar:1\") permit (principal, action, resource);",
            "b.cedar:1:1",
            "already",
        ),
        (
            "\n\nforbid (principal is Outsidr, action, resource);",
            "a.cedar:3:1",
            "Outsider",
        ),
        (
            "forbid (principal in Rol::\"x\", action, resource);",
            "a.cedar:1:1",
            "Role",
        ),
        (
            "forbid (principal, action == Shop::Action::\"x\", resource);",
            "a.cedar:1:1",
            "namespace",
        ),
        (
            "forbid (principal, action, resource is User);",
            "a.cedar:1:1",
            "own",
        ),
        (
            "@id(\"x\")\n@id(\"x\")\npermit (principal, action, resource);",
            "a.cedar:2:",
            "",
        ),
    ] {
        let folder = Folder::of(&[("a.cedar", text), ("b.cedar", anybody)]);
        let fault = folder.fault();
        assert!(
            fault.starts_with(place) && fault.contains(reason),
            "{text}: {fault}"
        );
        assert!(!fault.contains('\n'));
        assert!(!folder.policies.are_in_force());
        assert!(!is_allowed(&folder, &facts(person(&[], None))));
    }
}

#[test]
fn a_bad_set_leaves_the_one_before_it_in_force() {
    let folder = policies("permit (principal, action, resource);");
    let asked = facts(person(&[], None));
    let look = || {
        folder.policies.watch();
        folder.policies.watch();
    };
    folder.write("b.cedar", "forbid (principal, action, resourc);");
    folder.policies.watch();
    assert_eq!(folder.policies.fault(), None, "it may be half written");
    folder.policies.watch();
    assert!(folder.fault().starts_with("b.cedar:1:"));
    assert!(is_allowed(&folder, &asked) && folder.policies.are_in_force());
    folder.write("b.cedar", "forbid (principal, action, resource);");
    look();
    assert_eq!(folder.policies.fault(), None);
    assert!(!is_allowed(&folder, &asked));
    std::fs::remove_file(folder.folder.path().join("b.cedar")).expect("removed");
    look();
    assert!(is_allowed(&folder, &asked));
    std::os::unix::fs::symlink("nowhere", folder.folder.path().join("c.cedar")).expect("a link");
    look();
    assert!(folder.fault().starts_with("c.cedar: "));
    assert!(is_allowed(&folder, &asked));
}

#[test]
fn links_are_followed_as_in_a_mounted_configuration_map() {
    let folder = Folder::of(&[]);
    let asked = facts(person(&[], None));
    assert!(folder.policies.are_in_force() && !is_allowed(&folder, &asked));
    let path = folder.folder.path();
    std::fs::create_dir(path.join("..1")).expect("a folder");
    std::fs::write(
        path.join("..1/a.cedar"),
        "permit (principal, action, resource);",
    )
    .expect("a file");
    std::os::unix::fs::symlink("..1", path.join("..data")).expect("a link");
    std::os::unix::fs::symlink("..data/a.cedar", path.join("a.cedar")).expect("a link");
    folder.policies.watch();
    folder.policies.watch();
    assert!(is_allowed(&folder, &asked));
}

#[test]
fn numbers_have_one_meaning_however_they_are_written() {
    let folder = policies(
        r#"permit (principal, action, resource) when { context.claimed.context.n == 1 };
           permit (principal, action, resource) when { context.claimed.context.n == decimal("0.5") };"#,
    );
    let with = |text: &str| {
        let mut facts = facts(person(&[], None));
        facts.claimed.context = serde_json::from_str(text).expect("JSON");
        ask(&folder, &facts)
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
fn depth_and_amount_are_bounded() {
    let deep = |depth: usize| -> Map<String, Value> {
        let text = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        serde_json::from_str(&text).expect("JSON")
    };
    assert!(values::record(&deep(16)).is_ok());
    assert_eq!(values::record(&deep(18)).err(), Some(ValueFault::TooDeep));
    let many = object(json!({"a": vec![1; 10_001]}));
    assert_eq!(values::record(&many).err(), Some(ValueFault::TooMany));
    let nothing = object(json!({"a": null, "b": [null]}));
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

    /// Whatever a caller says, the answer is one of a policy that does not look at it.
    #[test]
    fn no_claim_changes_what_it_is_not_asked_about(said in prop::collection::btree_map(".{0,8}", any_json(), 0..6), id in ".{0,20}", kind in ".{0,20}") {
        let folder = policies(r#"permit (principal is User, action, resource);"#);
        let said: Map<String, Value> = said.into_iter().collect();
        let is_readable = values::record(&said).is_ok();
        let claimed = Claimed { subject: said.clone(), resource: said.clone(), action: said.clone(), context: said.clone() };
        let mut asked = facts(Subject::Outsider { kind, id });
        asked.claimed = claimed.clone();
        asked.attributes = said;
        prop_assert!(!is_allowed(&folder, &asked));
        asked.subject = person(&[], None);
        let decision = ask(&folder, &asked);
        prop_assert_eq!(decision.is_allowed, is_readable, "{:?}", decision);
    }
}
