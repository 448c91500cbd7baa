//! Parsing of fields, parameters and cursors, with errors that name them.

use std::fmt::Display;

use super::Problem;

/// Parses a field of the body that may be missing.
pub fn field<T, E: Display>(
    name: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem> {
    let parsed = text.map(parse).transpose();
    parsed.map_err(|fault| Problem::invalid_field(name, fault))
}

/// Parses a parameter of the address that may be missing.
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

/// 400 for a cursor of another list.
pub fn no_cursor() -> Problem {
    Problem::invalid_parameter("after", "must be a cursor of this list")
}
