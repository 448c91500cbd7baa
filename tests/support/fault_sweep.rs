//! Fault injection at every store operation of a request in turn.

use doorward::base::fault_injection::{FaultInjector, InjectedFault};

use super::http::Answer;
use super::logged_errors;
use super::test_server::TestServer;

/// Upper bound of the number of store operations of a request.
const MAX_STEPS: usize = 60;

/// A request that can be sent any number of times.
pub struct RepeatableRequest<'a> {
    send: Box<dyn Fn() -> Answer + 'a>,
    succeeds: Box<dyn Fn(&Answer) -> bool + 'a>,
    starts_again: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> RepeatableRequest<'a> {
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
enum RetryAdvice {
    Repeat,
    StartAgain,
    /// Anything else, which is wrong when a store is unavailable.
    Other,
}

fn advice(answer: &Answer) -> RetryAdvice {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or_default();
    let kind = kind.trim_start_matches("urn:doorward:problem:");
    let error = body["error"].as_str().unwrap_or_default();
    let description = body["error_description"].as_str().unwrap_or_default();
    let may_retry = answer.header("retry-after").is_some();
    match (answer.status, kind, error) {
        (503, "unavailable" | "change-pending", _) if may_retry => RetryAdvice::Repeat,
        (503, _, "temporarily_unavailable") if may_retry => RetryAdvice::Repeat,
        (503, "interrupted", _) if !may_retry => RetryAdvice::StartAgain,
        (500, _, "server_error") if description.contains("start a new") => RetryAdvice::StartAgain,
        (410, "handoff-code-gone", _) => RetryAdvice::StartAgain,
        _ => RetryAdvice::Other,
    }
}

/// Checks that the text of a response matches its meaning.
fn assert_worded(advice: &RetryAdvice, answer: &Answer) {
    let text = answer.text();
    let says_repeat = ["ry again in a moment", "epeat the request"];
    let says_repeat = says_repeat.iter().any(|words| text.contains(words));
    match advice {
        RetryAdvice::Repeat => assert!(says_repeat, "{answer:?}"),
        RetryAdvice::StartAgain => {
            let says_start = ["tart again", "tart a new"]
                .iter()
                .any(|words| text.contains(words));
            assert!(says_start && !says_repeat, "{answer:?}");
        }
        RetryAdvice::Other => {}
    }
}

/// Cuts the stores off before the first operation of a request, then before its second, and so on, until the request completes
/// before the cut; then the same with the response of the operation lost.
pub fn fault_at_every_step<'a>(
    fault_injector: &FaultInjector,
    name: &str,
    prepare: impl Fn() -> RepeatableRequest<'a>,
) {
    for fault in [InjectedFault::NotRun, InjectedFault::ResultLost] {
        let was_hit =
            |operations: &usize| fault_once(fault_injector, name, (*operations, fault), &prepare());
        let hits = (0..MAX_STEPS).take_while(was_hit).count();
        assert!((1..MAX_STEPS).contains(&hits), "{name}: {hits} steps");
    }
}

/// Like [`fault_at_every_step`], each time in a newly started process whose caches are empty; `forget` deletes the cached copies in
/// the ephemeral store.
pub fn fault_at_every_step_when_cold(
    server: &mut TestServer,
    name: &str,
    prepare: impl Fn(&TestServer) -> RepeatableRequest<'static>,
    forget: impl Fn(&TestServer),
) {
    for fault in [InjectedFault::NotRun, InjectedFault::ResultLost] {
        let mut hits = 0;
        loop {
            let step = prepare(server);
            server.restart(0);
            forget(server);
            if !fault_once(&server.fault_injector, name, (hits, fault), &step) {
                break;
            }
            hits += 1;
        }
        assert!((1..MAX_STEPS).contains(&hits), "{name}: {hits} steps");
    }
}

/// Sends a request whose stores are cut off after some operations; returns whether the cut was reached. The request must
/// succeed, or its response must say that it may be repeated, and repeating succeeds, or that the user must start again,
/// and that succeeds.
pub fn fault_once(
    fault_injector: &FaultInjector,
    name: &str,
    at: (usize, InjectedFault),
    step: &RepeatableRequest<'_>,
) -> bool {
    let (operations, fault) = at;
    logged_errors::watch();
    fault_injector.inject_after(operations, fault);
    let answer = (step.send)();
    let was_hit = fault_injector.clear();
    logged_errors::assert_stated(&answer);
    if (step.succeeds)(&answer) {
        return was_hit;
    }
    let what = format!("{name}, {fault:?} after {operations} operations: {answer:?}");
    assert!(was_hit, "{what}");
    let advice = advice(&answer);
    assert_worded(&advice, &answer);
    match advice {
        RetryAdvice::Repeat => {
            let again = (step.send)();
            assert!((step.succeeds)(&again), "{what}, and then {again:?}");
        }
        RetryAdvice::StartAgain => assert!((step.starts_again)(), "{what}"),
        RetryAdvice::Other => panic!("{what}"),
    }
    true
}
