//! Conditional requests, and members that may be given as `null`.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use serde::{Deserialize, Deserializer};

use super::Problem;

/// The version in `If-Match` (RFC 9110 §13.1.1); `None` where it is missing or `*`.
///
/// # Errors
/// `version-conflict` for a tag that is none of ours: it matches no version.
pub fn expected_version(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(tag) = request.headers().get(header::IF_MATCH) else {
        return Ok(None);
    };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(None);
    }
    tag.strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .and_then(|version| version.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version-conflict",
                "Changed meanwhile",
                "`If-Match` names no version that we gave out. Read it again and repeat.",
            )
        })
}

/// Tells a member that was given as `null` from one that was left out: `#[serde(default, deserialize_with = …)]`.
///
/// # Errors
/// Those of the value.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
