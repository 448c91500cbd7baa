//! Runs an action concurrently.

use std::sync::Barrier;

/// Number of concurrent attempts at something that only one may do.
pub const RUNNERS: usize = 20;

/// Runs `act` on every item at the same time.
pub fn race<T: Send, R: Send>(items: Vec<T>, act: impl Fn(T) -> R + Sync) -> Vec<R> {
    let barrier = Barrier::new(items.len());
    std::thread::scope(|scope| {
        let runners: Vec<_> = items
            .into_iter()
            .map(|item| {
                let (barrier, act) = (&barrier, &act);
                scope.spawn(move || {
                    barrier.wait();
                    act(item)
                })
            })
            .collect();
        runners
            .into_iter()
            .map(|runner| runner.join().expect("a runner"))
            .collect()
    })
}
