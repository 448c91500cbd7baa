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

/// The version in `If-Match`, without which nothing is changed.
///
/// # Errors
/// `precondition-required`, or those of [`expected_version`].
pub fn require_version(request: &HttpRequest) -> Result<i64, Problem> {
    expected_version(request)?.ok_or_else(|| {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition-required",
            "Say which version you change",
            "Read it first, and send the `ETag` back as `If-Match`.",
        )
    })
}

/// 412: what was to be changed has another version by now.
pub fn version_conflict(version: i64) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "version-conflict",
        "Changed meanwhile",
        "Somebody changed this since you read it. Read it again and repeat.",
    )
    .with("version", version)
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
