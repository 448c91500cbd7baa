//! Fault injection at every store operation of a request in turn.

use doorward::base::faults::{Cut, Faults};

use super::causes;
use super::house::House;
use super::http::Answer;

/// Upper bound of the number of store operations of a request.
const MAX_STEPS: usize = 60;

/// A request that can be sent any number of times.
pub struct Step<'a> {
    send: Box<dyn Fn() -> Answer + 'a>,
    succeeds: Box<dyn Fn(&Answer) -> bool + 'a>,
    starts_again: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> Step<'a> {
    /// `succeeds` checks that a response is successful and that its effects exist. `starts_again` follows the advice of a
    /// response that says not to repeat the request, and returns whether that succeeds.
    pub fn new(
        send: impl Fn() -> Answer + 'a,
        succeeds: impl Fn(&Answer) -> bool + 'a,
        starts_again: impl Fn() -> bool + 'a,
    ) -> Self {
        Self {
            send: Box::new(send),
            succeeds: Box::new(succeeds),
            starts_again: Box::new(starts_again),
        }
    }

    /// A request that consumes nothing, so that it can always be repeated.
    pub fn repeatable(
        send: impl Fn() -> Answer + 'a,
        succeeds: impl Fn(&Answer) -> bool + 'a,
    ) -> Self {
        Self::new(send, succeeds, || false)
    }
}

/// What an error response tells its caller to do.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Repeat,
    StartAgain,
    /// Anything else, which is wrong when a store is unavailable.
    Other,
}

fn told(answer: &Answer) -> Told {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or_default();
    let kind = kind.trim_start_matches("urn:doorward:problem:");
    let error = body["error"].as_str().unwrap_or_default();
    let description = body["error_description"].as_str().unwrap_or_default();
    let may_retry = answer.header("retry-after").is_some();
    match (answer.status, kind, error) {
        (503, "unavailable" | "change-pending", _) if may_retry => Told::Repeat,
        (503, _, "temporarily_unavailable") if may_retry => Told::Repeat,
        (503, "interrupted", _) if !may_retry => Told::StartAgain,
        (500, _, "server_error") if description.contains("start a new") => Told::StartAgain,
        (410, "ticket-gone", _) => Told::StartAgain,
        _ => Told::Other,
    }
}

/// Checks that the text of a response matches its meaning.
fn assert_worded(told: &Told, answer: &Answer) {
    let text = answer.text();
    let says_repeat = ["ry again in a moment", "epeat the request"];
    let says_repeat = says_repeat.iter().any(|words| text.contains(words));
    match told {
        Told::Repeat => assert!(says_repeat, "{answer:?}"),
        Told::StartAgain => {
            let says_start = ["tart again", "tart a new"]
                .iter()
                .any(|words| text.contains(words));
            assert!(says_start && !says_repeat, "{answer:?}");
        }
        Told::Other => {}
    }
}

/// Cuts the stores off before the first operation of a request, then before its second, and so on, until the request completes
/// before the cut; then the same with the response of the operation lost.
pub fn cut_at_every_step<'a>(faults: &Faults, name: &str, prepare: impl Fn() -> Step<'a>) {
    for cut in [Cut::Refused, Cut::AnswerLost] {
        let met_it = |operations: &usize| cut_once(faults, name, (*operations, cut), &prepare());
        let met = (0..MAX_STEPS).take_while(met_it).count();
        assert!((1..MAX_STEPS).contains(&met), "{name}: {met} steps");
    }
}

/// Like [`cut_at_every_step`], each time in a newly started process whose caches are empty; `forget` deletes the cached copies in
/// the ephemeral store.
pub fn cut_at_every_step_when_cold(
    house: &mut House,
    name: &str,
    prepare: impl Fn(&House) -> Step<'static>,
    forget: impl Fn(&House),
) {
    for cut in [Cut::Refused, Cut::AnswerLost] {
        let mut met = 0;
        loop {
            let step = prepare(house);
            house.restart(0);
            forget(house);
            if !cut_once(&house.faults, name, (met, cut), &step) {
                break;
            }
            met += 1;
        }
        assert!((1..MAX_STEPS).contains(&met), "{name}: {met} steps");
    }
}

/// Sends a request whose stores are cut off after some operations; returns whether the cut was reached. The request must
/// succeed, or its response must say that it may be repeated, and repeating succeeds, or that the user must start again,
/// and that succeeds.
pub fn cut_once(faults: &Faults, name: &str, at: (usize, Cut), step: &Step<'_>) -> bool {
    let (operations, cut) = at;
    causes::watch();
    faults.cut(operations, cut);
    let answer = (step.send)();
    let met = faults.lift();
    causes::assert_stated(&answer);
    if (step.succeeds)(&answer) {
        return met;
    }
    let what = format!("{name}, {cut:?} after {operations} operations: {answer:?}");
    assert!(met, "{what}");
    let told = told(&answer);
    assert_worded(&told, &answer);
    match told {
        Told::Repeat => {
            let again = (step.send)();
            assert!((step.succeeds)(&again), "{what}, and then {again:?}");
        }
        Told::StartAgain => assert!((step.starts_again)(), "{what}"),
        Told::Other => panic!("{what}"),
    }
    true
}
