//! A request that is cut off from its stores at each of its steps in turn.

use doorward::base::faults::{Cut, Faults};

use super::causes;
use super::house::House;
use super::http::Answer;

/// No request takes as many steps.
const MAX_STEPS: usize = 60;

/// A request, ready to be sent any number of times.
pub struct Step<'a> {
    send: Box<dyn Fn() -> Answer + 'a>,
    succeeds: Box<dyn Fn(&Answer) -> bool + 'a>,
    starts_again: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> Step<'a> {
    /// `succeeds`: whether an answer is the good one, and what it promises is so. `starts_again`: whether what a final answer
    /// tells one to do instead of repeating the request succeeds.
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

    /// A request that uses up nothing: no answer is final.
    pub fn repeatable(
        send: impl Fn() -> Answer + 'a,
        succeeds: impl Fn(&Answer) -> bool + 'a,
    ) -> Self {
        Self::new(send, succeeds, || false)
    }
}

/// What an answer that is not the good one tells its caller to do.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Repeat,
    StartAgain,
    /// Something that nobody may be told because a store is away.
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

/// Checks that what an answer says in words is what it means.
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

/// Cuts the stores off before the first step of a request, then before its second, and so on until the request is answered
/// without having met the cut; and once more with the answer of that step lost.
pub fn cut_at_every_step<'a>(faults: &Faults, name: &str, prepare: impl Fn() -> Step<'a>) {
    for cut in [Cut::Refused, Cut::AnswerLost] {
        let met_it = |operations: &usize| cut_once(faults, name, (*operations, cut), &prepare());
        let met = (0..MAX_STEPS).take_while(met_it).count();
        assert!((1..MAX_STEPS).contains(&met), "{name}: {met} steps");
    }
}

/// As [`cut_at_every_step`], each time in a process that has just begun: it holds no key and no record yet, and `forget` deletes
/// the copies that the ephemeral store holds.
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

/// Sends a request whose stores are cut off after some steps; whether it met the cut. Its answer is the good one; or it says that
/// the request may be repeated, and repeated it succeeds; or it says that one must start again, and that succeeds.
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
