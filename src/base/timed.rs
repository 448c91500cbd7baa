//! Logs how long an operation took, with the file and line of the caller.

/// Evaluates an expression (which may `.await`) and logs its duration in microseconds, as `duration_us`.
///
/// The call site chooses level and message. This is a macro so that the record carries the call site's file and line:
/// `timed!(info, "verified an assertion", verify(…).await)`.
#[macro_export]
macro_rules! timed {
    ($level:ident, $message:literal, $work:expr) => {{
        let watch = $crate::base::clock::Stopwatch::start();
        let result = $work;
        tracing::$level!(duration_us = watch.elapsed_micros(), $message);
        result
    }};
}
