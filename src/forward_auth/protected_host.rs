//! Determines the protected host that a request was sent to, and checks that the forwarded headers agree with it.

use super::forwarded::{ForwardedHeaders, ForwardedRequestError};
use super::routes::AppHost;
use super::target::{Target, check_scheme};

/// Returns the host that a request was sent to: from `Host`, or from HTTP/2's `:authority`. They must not differ.
pub fn own_host<'r>(
    in_header: Option<&'r str>,
    in_address: Option<&'r str>,
) -> Result<&'r str, ForwardedRequestError> {
    match (in_header, in_address) {
        (Some(one), Some(other)) if one != other => Err(ForwardedRequestError::Conflict("host")),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(ForwardedRequestError::Missing("host")),
    }
}

impl ForwardedHeaders<'_> {
    /// Checks that all other forwarded headers describe the same request.
    pub fn check_consistent(
        &self,
        host: &AppHost,
        method: Option<&str>,
        target: Option<&Target>,
    ) -> Result<(), ForwardedRequestError> {
        if let Some(proto) = self.proto {
            check_scheme(host, proto)
                .map_err(|_| ForwardedRequestError::Conflict("x-forwarded-proto"))?;
        }
        if self.host.is_some_and(|other| other != host.authority()) {
            return Err(ForwardedRequestError::Conflict("x-forwarded-host"));
        }
        if let (Some(method), Some(other)) = (method, self.method)
            && method != other
        {
            return Err(ForwardedRequestError::Conflict("x-forwarded-method"));
        }
        if let (Some(target), Some(other)) = (target, self.uri)
            && target.path_and_query() != other
        {
            return Err(ForwardedRequestError::Conflict("x-forwarded-uri"));
        }
        Ok(())
    }
}
