//! Timed work: its message and duration, logged at the file and line of the caller.

/// Evaluates an expression (which may `.await`) and logs how long it took, in microseconds, as `duration_us`.
///
/// Level and message are chosen at the call site, and because this is a macro the record carries that very file and
/// line: `timed!(info, "verified an assertion", verify(…).await)`.
#[macro_export]
macro_rules! timed {
    ($level:ident, $message:literal, $work:expr) => {{
        let watch = $crate::base::clock::Stopwatch::start();
        let result = $work;
        tracing::$level!(duration_us = watch.elapsed_micros(), $message);
        result
    }};
}
