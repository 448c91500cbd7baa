//! Measures the gain of grouping policies against evaluating the whole set, in the same process. Results: docs/decisions/0013.
//! Run: `cargo test --release --lib policies::tests::measure -- --ignored --nocapture`

use cedar_policy::{
    ActionConstraint, Authorizer, Policy, PolicySet, PrincipalConstraint, ResourceConstraint,
};

use super::super::facts::Asked;
use super::super::reads::Reads;
use super::super::table::{Names, PolicyTable, Selection};
use super::slices::whole_set;
use super::*;
use crate::base::clock::Stopwatch;

type MakePolicies = fn(usize) -> Vec<String>;

/// Policies about one action and one resource type, each for another role.
fn about_one_action(count: usize) -> Vec<String> {
    let other = |number: usize| {
        format!(
            "permit (principal in Role::\"team-{number}\", action == Action::\"view\", resource is order) \
             when {{ context.grants.contains(\"LEVEL-{number}\") }};"
        )
    };
    let permit = "permit (principal is User, action == Action::\"view\", resource is order) \
         when { context.grants.containsAny([\"OPERATOR\", \"VIEWER\"]) };";
    let mut all: Vec<String> = (1..count).map(other).collect();
    all.push(permit.to_owned());
    all
}

/// Policies like those of real applications: ten for each resource type, by global role and by role on the resource,
/// one of which forbids.
fn about_many_types(count: usize) -> Vec<String> {
    let of_type = |number: usize| {
        let kind = match number / 10 {
            0 => "order".to_owned(),
            other => format!("type{other}"),
        };
        let action = ["view", "edit", "delete", "share"][number % 4];
        match number % 10 {
            role @ 0..=3 => format!(
                "permit (principal in Role::\"role-{role}\", action in [Action::\"view\", Action::\"{action}\"], resource is {kind});"
            ),
            9 => format!(
                "forbid (principal, action, resource is {kind}) when {{ resource has locked && resource.locked }};"
            ),
            level => format!(
                "permit (principal is User, action == Action::\"{action}\", resource is {kind}) \
                 when {{ context.grants.contains(\"LEVEL-{level}\") }};"
            ),
        }
    };
    (0..count).map(of_type).collect()
}

/// Returns the policies that can match `view` of an `order` according to one part of the scope.
fn matching(all: &PolicySet, can_match: impl Fn(&Policy) -> bool) -> PolicySet {
    let matching = all.policies().filter(|policy| can_match(policy)).cloned();
    PolicySet::from_policies(matching).expect("policies")
}

fn can_match_action(policy: &Policy) -> bool {
    let is_view = |action: &cedar_policy::EntityUid| action.id().unescaped() == "view";
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => is_view(&action),
        ActionConstraint::In(actions) => actions.iter().any(is_view),
    }
}

fn can_match_type(policy: &Policy) -> bool {
    match policy.resource_constraint() {
        ResourceConstraint::Is(kind) => kind.to_string() == "order",
        _ => true,
    }
}

fn can_match_principal(policy: &Policy) -> bool {
    match policy.principal_constraint() {
        PrincipalConstraint::In(role) => role.id().unescaped() == "role-1",
        _ => true,
    }
}

fn evaluate<'t>(table: &'t PolicyTable, facts: &Facts, select: impl Fn(&Names) -> Selection<'t>) {
    let names = Names::of(table, facts).expect("a question");
    let selection = select(&names);
    let asked = Asked::new(table, names, selection, facts).expect("a question");
    let request = asked.request(None).expect("a request");
    for set in &asked.sets {
        std::hint::black_box(Authorizer::new().is_authorized(&request, set, &asked.entities));
    }
}

fn only(set: &PolicySet, reads: Reads) -> Selection<'_> {
    Selection {
        sets: vec![set],
        reads,
    }
}

/// Microseconds per evaluation: the median of several rounds, with the variants alternating.
fn in_turns(ways: &[&dyn Fn()]) -> Vec<f64> {
    let mut rounds = vec![Vec::new(); ways.len()];
    for _ in 0..15 {
        for (way, rounds) in ways.iter().zip(&mut rounds) {
            let watch = Stopwatch::start();
            for _ in 0..300 {
                way();
            }
            rounds.push(watch.elapsed().as_secs_f64() * 1e6 / 300.0);
        }
    }
    let median = |mut round: Vec<f64>| {
        round.sort_by(f64::total_cmp);
        round[round.len() / 2]
    };
    rounds.into_iter().map(median).collect()
}

#[test]
#[ignore = "a measurement, which prints and judges nothing"]
fn the_gain_of_groups_is_measured() {
    let sets: [(&str, MakePolicies); 2] = [
        ("one action and type", about_one_action),
        ("many types", about_many_types),
    ];
    println!(
        "| policies | count | whole set | what is read | by action | by type | by principal | action, principal | all, all read | all | load ms |"
    );
    for (name, lines) in sets {
        for count in [10, 100, 1_000] {
            let text = lines(count).join("\n");
            let watch = Stopwatch::start();
            let folder = policies(&text);
            let load = watch.elapsed().as_secs_f64() * 1e3;
            let table = folder.policies.table().expect("policies");
            let mut facts = facts(person(&["role-1", "staff"], None));
            facts.grants = vec!["OPERATOR".into(), "LEVEL-4".into()];
            facts.attributes = object(&json!({ "title": "seven", "locked": false }));
            let all = whole_set(&text);
            let reads = table
                .select(&Names::of(&table, &facts).expect("names"))
                .reads;
            let by_action = matching(&all, can_match_action);
            let by_type = matching(&all, can_match_type);
            let by_principal = matching(&all, can_match_principal);
            let by_both = matching(&by_action, can_match_principal);
            let times = in_turns(&[
                &|| evaluate(&table, &facts, |_| only(&all, Reads::ALL)),
                &|| evaluate(&table, &facts, |_| only(&all, reads)),
                &|| evaluate(&table, &facts, |_| only(&by_action, reads)),
                &|| evaluate(&table, &facts, |_| only(&by_type, reads)),
                &|| evaluate(&table, &facts, |_| only(&by_principal, reads)),
                &|| evaluate(&table, &facts, |_| only(&by_both, reads)),
                &|| {
                    evaluate(&table, &facts, |names| Selection {
                        reads: Reads::ALL,
                        ..table.select(names)
                    });
                },
                &|| evaluate(&table, &facts, |names| table.select(names)),
            ]);
            let times: Vec<String> = times.iter().map(|time| format!("{time:.1}")).collect();
            println!("| {name} | {count} | {} | {load:.0} |", times.join(" | "));
        }
    }
}
