//! Parsing of fields, parameters and cursors, with errors that name them; and the media type of a body.

use std::fmt::Display;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::Problem;

/// Returns the media type of the body in lower case, without its parameters.
pub(super) fn media_type(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let name = value.split(';').next()?;
    Some(name.trim().to_ascii_lowercase())
}

/// Parses an optional field of the body.
pub fn field<T, E: Display>(
    name: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    let parsed = text.map(parse).transpose();
    parsed.map_err(|fault| Problem::invalid_field(name, fault))
}

/// Parses an optional parameter of the URL.
pub fn parameter<T, E: Display>(
    name: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    let parsed = text.map(parse).transpose();
    parsed.map_err(|fault| Problem::invalid_parameter(name, fault))
}

/// Parses the cursor of a list.
pub fn cursor<T>(
    after: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    after
        .map(|after| parse(after).ok_or_else(no_cursor))
        .transpose()
}

/// Returns 400 for an invalid cursor.
pub fn no_cursor() -> Problem {
    Problem::invalid_parameter("after", "must be a cursor of this list")
}
