//! What a call can come to other than an answer. Nothing of the URL is in these texts: its query may hold a secret.

use std::error::Error;
use std::io;

/// No address of the host may be called.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unadmitted(pub(super) &'static str);

/// The host has no address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) String);

/// A call that gave no answer, or a client that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Doorward does not call there.
    #[error("refused: {reason}")]
    Refused {
        /// What stands against it.
        reason: &'static str,
    },
    /// The host's name stands for nothing.
    #[error("the host name can't be resolved: {0}")]
    Unresolved(String),
    /// No answer within `egress.timeout`.
    #[error("timed out")]
    Timeout,
    /// Nobody takes the connection.
    #[error("can't connect: {0}")]
    Connect(String),
    /// The other side could not show that it is who it should be.
    #[error("the certificate is not trusted: {0}")]
    Tls(String),
    /// The connection broke, or what came was no HTTP.
    #[error("no response: {0}")]
    Broken(String),
    /// The file of further authorities can't be used. At start only.
    #[error("egress.extra_ca_file: {0}")]
    Authorities(String),
    /// The client can't be made. At start only.
    #[error("can't create the HTTP client: {0}")]
    Client(String),
}

impl EgressError {
    /// Says which fact a failed call is.
    pub(super) fn of_call(error: &reqwest::Error) -> Self {
        for cause in causes(error) {
            if let Some(Unadmitted(reason)) = cause.downcast_ref() {
                return Self::Refused { reason };
            }
            if let Some(Unresolved(cause)) = cause.downcast_ref() {
                return Self::Unresolved(cause.clone());
            }
            if let Some(fault) = tls_fault(cause) {
                return Self::Tls(fault);
            }
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        let innermost = causes(error)
            .skip(1)
            .last()
            .map_or_else(|| "unknown cause".to_owned(), ToString::to_string);
        if error.is_connect() {
            Self::Connect(innermost)
        } else {
            Self::Broken(innermost)
        }
    }
}

/// An error and what lies below it, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Within `io::Error`s, which name as their source what lies below the error that they carry, and not that error.
fn tls_fault(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(fault) = cause.downcast_ref::<rustls::Error>() {
        return Some(fault.to_string());
    }
    tls_fault(cause.downcast_ref::<io::Error>()?.get_ref()?)
}
