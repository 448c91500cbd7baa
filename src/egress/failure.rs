//! Errors of outgoing calls. They contain no part of the URL, because its query may hold a secret.

use std::error::Error;
use std::io;

/// The rules forbid all addresses of the host.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotAllowed(pub(super) &'static str);

/// The host name can't be resolved.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) String);

/// Why a call got no response, or the client can't be created.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The rules forbid the call.
    #[error("refused: {reason}")]
    Refused {
        /// Why the call is forbidden.
        reason: &'static str,
    },
    /// The host name can't be resolved.
    #[error("the host name can't be resolved: {0}")]
    Unresolved(String),
    /// No response arrived within `egress.timeout`.
    #[error("timed out")]
    Timeout,
    /// The server doesn't accept the connection.
    #[error("can't connect: {0}")]
    Connect(String),
    /// The server's certificate is not trusted.
    #[error("the certificate is not trusted: {0}")]
    Tls(String),
    /// The connection broke, or the response is not valid HTTP.
    #[error("no response: {0}")]
    Broken(String),
    /// The file of additional certificate authorities can't be used. Occurs only at start.
    #[error("egress.extra_ca_file: {0}")]
    Authorities(String),
    /// The client can't be created. Occurs only at start.
    #[error("can't create the HTTP client: {0}")]
    Client(String),
}

impl EgressError {
    /// Converts the error of a failed call.
    pub(super) fn of_call(error: &reqwest::Error) -> Self {
        for cause in causes(error) {
            if let Some(NotAllowed(reason)) = cause.downcast_ref() {
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

/// Iterates over an error and its sources, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Finds the TLS error. An `io::Error` must be unwrapped, because its `source` skips the error that it contains.
fn tls_fault(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(fault) = cause.downcast_ref::<rustls::Error>() {
        return Some(fault.to_string());
    }
    tls_fault(cause.downcast_ref::<io::Error>()?.get_ref()?)
}
