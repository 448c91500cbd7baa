//! Determines the protected host that a request was sent to.

use super::forwarded::ForwardedRequestError;

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
