//! Tests of policies in a temporary folder, with facts that aren't stored.

mod caller_claims;
mod grouping;
mod loading;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::decision_input::{Claimed, Decision, StepUpRequirement, Subject};
use super::*;
use crate::account_state::{AccountState, UserStatus};
use crate::assignments::ResourceName;
use crate::base::clock::Timestamp;
use crate::base::config::SubjectId;
use crate::base::ids::UserId;
use crate::sessions::SessionAuthentication;

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
            routes: Vec::new(),
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

fn account_state(roles: &[&str]) -> AccountState {
    AccountState {
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
        stepped_up: Vec::new(),
        revoked: vec![],
    }
}

fn person(roles: &[&str], auth: Option<SessionAuthentication>) -> Subject {
    Subject::Person {
        account_state: Box::new(account_state(roles)),
        auth,
    }
}

fn input(subject: Subject) -> DecisionInput {
    DecisionInput {
        subject,
        action: "view".into(),
        resource: ResourceName::parse("order", "7").expect("a name"),
        resource_roles: vec![],
        attributes: Map::new(),
        claimed: Claimed::default(),
        now: NOW,
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn ask(folder: &Folder, input: &DecisionInput) -> Decision {
    folder.policies.decide(input, StepUpSearch::Search)
}

fn is_allowed(folder: &Folder, input: &DecisionInput) -> bool {
    ask(folder, input).is_allowed
}

#[test]
fn roles_on_the_resource_decide() {
    let folder = policies(
        r#"@id("operators") permit (principal is User, action == Action::"view", resource is order)
           when { context.resource_roles.contains("OPERATOR") };"#,
    );
    let mut input = input(person(&[], None));
    assert!(!is_allowed(&folder, &input));
    input.resource_roles = vec!["OPERATOR".into()];
    let decision = ask(&folder, &input);
    assert!(decision.is_allowed);
    assert_eq!(decision.policies, ["operators"]);
    input.action = "delete".into();
    assert!(!is_allowed(&folder, &input));
}

#[test]
fn policies_know_roles_attributes_and_the_registry() {
    let folder = policies(
        r#"permit (principal in Role::"clerk", action, resource)
           when { principal.username == "ada" && !(principal has email) && resource.size == 3 && context.time > datetime("2020-01-01") };"#,
    );
    let mut input = input(person(&["clerk"], None));
    input.attributes = object(&json!({"size": 3}));
    let decision = ask(&folder, &input);
    assert!(decision.is_allowed, "{decision:?}");
    assert_eq!(decision.policies, ["a.cedar:1"]);
    input.subject = person(&["cook"], None);
    assert!(!is_allowed(&folder, &input));
}

#[test]
fn an_error_in_any_evaluated_policy_denies() {
    let folder = policies(
        r#"permit (principal, action, resource);
           forbid (principal, action == Action::"view", resource is order) when { context.claimed.context.amount > 10 };"#,
    );
    let mut input = input(person(&[], None));
    let decision = ask(&folder, &input);
    assert!(!decision.is_allowed && !decision.errors.is_empty());
    input.claimed.context = object(&json!({"amount": "many"}));
    assert!(!is_allowed(&folder, &input));
    input.claimed.context = object(&json!({"amount": 10.5}));
    assert!(!is_allowed(&folder, &input));
    input.claimed.context = object(&json!({"amount": 10.0}));
    assert!(is_allowed(&folder, &input));
    input.action = "edit".into();
    input.claimed.context = Map::new();
    assert!(is_allowed(&folder, &input));
}

#[test]
fn claims_of_callers_never_override_known_facts() {
    let folder = policies(
        r#"permit (principal is User, action, resource) when { principal.username == "root" };
           permit (principal in Role::"admin", action, resource);
           permit (principal, action, resource) when { context.resource_roles.contains("OWNER") };
           permit (principal, action, resource) when { context has auth };
           permit (principal, action, resource) when { resource has open && resource.open };
           permit (principal == ExternalSubject::"User:root", action, resource);
           permit (principal, action, resource) when { context.claimed.context.who == User::"root" };"#,
    );
    let mut input = input(Subject::ExternalSubject {
        kind: "user".into(),
        id: "root".into(),
    });
    let lies = object(&json!({
        "username": "root", "roles": ["admin"], "resource_roles": ["OWNER"], "auth": {"acr": "phr"}, "open": true,
        "who": {"__entity": {"type": "User", "id": "root"}}, "__extn": {"fn": "ip", "arg": "127.0.0.1"},
    }));
    input.claimed = Claimed {
        subject: lies.clone(),
        resource: lies.clone(),
        action: lies.clone(),
        context: lies,
    };
    let decision = ask(&folder, &input);
    assert!(
        !decision.is_allowed && decision.errors.is_empty(),
        "{decision:?}"
    );
}

#[test]
fn escape_names_are_ordinary_fields() {
    let folder = policies(
        r#"permit (principal, action, resource)
           when { context.claimed.context["__extn"]["fn"] == "ip" && context.claimed.context["__entity"].id == "x" };"#,
    );
    let mut input = input(person(&[], None));
    input.claimed.context = object(&json!({
        "__entity": {"type": "User", "id": "x"}, "__extn": {"fn": "ip", "arg": "no address"},
    }));
    assert!(is_allowed(&folder, &input));
}

#[test]
fn different_external_subjects_have_different_ids() {
    let folder = policies(r#"permit (principal == ExternalSubject::"a:b:c", action, resource);"#);
    let external_subject = |kind: &str, id: &str| {
        input(Subject::ExternalSubject {
            kind: kind.into(),
            id: id.into(),
        })
    };
    assert!(is_allowed(&folder, &external_subject("a", "b:c")));
    assert!(!is_allowed(&folder, &external_subject("a:b", "c")));
    assert!(!is_allowed(&folder, &external_subject("a", "b:c\"")));
}

fn signed_in(acr: &str, age: u64) -> SessionAuthentication {
    SessionAuthentication {
        acr: acr.into(),
        amr: vec!["swk".into(), "user".into(), "mfa".into()],
        auth_time: NOW.before(Duration::from_secs(age)),
    }
}

#[test]
fn a_denial_names_the_sign_in_that_would_suffice() {
    let folder = policies(
        r#"permit (principal is User, action == Action::"view", resource)
           when { context has auth && context.auth.acr_level >= 2 && context.auth.age <= 300 };
           permit (principal is User, action == Action::"edit", resource)
           when { context has auth && context.auth.age < 60 };
           permit (principal is User, action == Action::"print", resource)
           when { context has auth && context.auth.amr.contains("hwk") && context.claimed.context has never };"#,
    );
    let step_up = |action: &str, auth: Option<SessionAuthentication>| {
        let mut input = input(person(&[], auth));
        input.action = action.into();
        let decision = ask(&folder, &input);
        (decision.is_allowed, decision.step_up)
    };
    let bound = "urn:doorward:acr:device-bound";
    let stronger = [bound];
    assert_eq!(step_up("view", Some(signed_in(bound, 300))), (true, None));
    let denied_with = |acr_values: &[&str], max_age| {
        (
            false,
            Some(StepUpRequirement {
                acr_values: acr_values.iter().map(ToString::to_string).collect(),
                max_age,
            }),
        )
    };
    assert_eq!(
        step_up("view", Some(signed_in("phr", 10))),
        denied_with(&stronger, None)
    );
    assert_eq!(
        step_up("view", Some(signed_in("phr", 1_000))),
        denied_with(&stronger, Some(300))
    );
    assert_eq!(
        step_up("view", Some(signed_in(bound, 1_000))),
        denied_with(&[], Some(300))
    );
    assert_eq!(step_up("view", None), denied_with(&stronger, Some(300)));
    assert_eq!(
        step_up("edit", Some(signed_in("phr", 60))),
        denied_with(&[], Some(59))
    );
    assert_eq!(step_up("print", Some(signed_in("phr", 0))), (false, None));
    assert_eq!(step_up("other", None), (false, None));
}
