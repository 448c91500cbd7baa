//! Conditional requests, and members of JSON objects that may be `null`.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Answer, Problem};

/// Returns whether the client has this version already: `If-None-Match` contains its tag, compared weakly, or `*` (RFC 9110
/// §13.1.2). `etag` must be strong and contain no comma.
pub fn matches_etag(request: &HttpRequest, etag: &str) -> bool {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return false;
    }
    let known = request.headers().get_all(header::IF_NONE_MATCH);
    known.filter_map(|known| known.to_str().ok()).any(|known| {
        let mut tags = known.split(',').map(str::trim);
        known.trim() == "*" || tags.any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

/// Completes a response with the version as its entity tag (RFC 9110 §8.8.3) and its body; 304 without a body if the client has
/// this version (see [`matches_etag`]).
pub fn respond_with_version(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    version: i64,
    body: impl Serialize,
) -> Answer {
    let etag = format!("\"{version}\"");
    response.insert_header((header::ETAG, etag.as_str()));
    if matches_etag(request, &etag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.json(body))
}

/// Begins the response to a request that created the resource at `path`.
pub fn created(path: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, path));
    response
}

/// Returns the version in `If-Match` (RFC 9110 §13.1.1); `None` if it is missing or `*`.
///
/// # Errors
/// `version-conflict` if the tag is not one of ours: it matches no version.
pub fn if_match_version(request: &HttpRequest) -> Result<Option<i64>, Problem> {
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
                "Changed by another request",
                "`If-Match` is not an ETag of this resource. Read the resource again, then repeat your request.",
            )
        })
}

/// Returns the version in `If-Match` and requires that there is one.
///
/// # Errors
/// `precondition-required`, or the errors of [`if_match_version`].
pub fn require_if_match(request: &HttpRequest) -> Result<i64, Problem> {
    if_match_version(request)?.ok_or_else(|| {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition-required",
            "If-Match is required",
            "Read the resource first, and send its `ETag` as `If-Match`.",
        )
    })
}

/// Returns 412: the resource's version has changed to `version`.
pub fn version_conflict(version: i64) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "version-conflict",
        "Changed by another request",
        "The resource has changed since you read it. Read it again, then repeat your request.",
    )
    .with("version", version)
}

/// Distinguishes a member that is `null` from one that is missing: `#[serde(default, deserialize_with = …)]`.
pub fn explicit_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_and_compared_weakly() {
        let known = |value: &str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, value));
            matches_etag(&request.to_http_request(), "\"7\"")
        };
        for value in [
            "\"7\"",
            "W/\"7\"",
            "\"6\", W/\"7\"",
            "\"6\",\"7\"",
            "*",
            " * ",
        ] {
            assert!(known(value), "{value}");
        }
        for value in ["", "7", "\"6\"", "\"77\"", "w/\"7\"", "\"a,*,b\"", "\"7"] {
            assert!(!known(value), "{value}");
        }
    }

    #[test]
    fn a_tag_is_found_in_any_of_several_header_lines_and_only_for_reads() {
        let request = |request: TestRequest| {
            request
                .append_header((header::IF_NONE_MATCH, "\"6\""))
                .append_header((header::IF_NONE_MATCH, "\"7\""))
                .to_http_request()
        };
        assert!(matches_etag(&request(TestRequest::get()), "\"7\""));
        assert!(!matches_etag(&request(TestRequest::get()), "\"8\""));
        assert!(!matches_etag(&request(TestRequest::patch()), "\"7\""));
        assert!(!matches_etag(
            &TestRequest::get().to_http_request(),
            "\"7\""
        ));
    }

    #[test]
    fn a_matching_tag_returns_304_without_a_body() {
        let answer = |known: &str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, known));
            respond_with_version(&request.to_http_request(), HttpResponse::Ok(), 7, 17)
        };
        for (known, status) in [("\"7\"", 304), ("\"6\"", 200)] {
            let answer = answer(known).expect("an answer");
            let tag = answer.headers().get(header::ETAG);
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(tag.and_then(|tag| tag.to_str().ok()), Some("\"7\""));
        }
    }
}
