//! Query parameters of histories: an instant, or a page of versions; and the schemas of the responses.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::versions::{Past, PastItems};
use crate::assignments::parse_instant;
use crate::base::clock::Timestamp;
use crate::web::{Items, Problem, cursor, page_size};

/// Query parameter that selects an instant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// An instant (RFC 3339): the response is the state at that instant, as `{item, as_of, settled}`.
    #[param(format = DateTime)]
    as_of: Option<String>,
}

impl AsOf {
    /// The requested instant; `None` for now.
    pub(in crate::admin::http) fn parse(&self) -> Result<Option<Timestamp>, Problem> {
        as_of(self.as_of.as_deref())
    }
}

/// Parses the parameter `as_of`; `None` for now. Does not check whether the history can be read at that instant.
pub(in crate::admin::http) fn as_of(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let parse =
        |text| parse_instant(text).map_err(|fault| Problem::invalid_parameter("as_of", fault));
    text.map(parse).transpose()
}

/// A record as it is now, or with `as_of` as it was then.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[cfg_attr(
    feature = "dead-code",
    allow(dead_code, reason = "describes responses in the OpenAPI document")
)]
pub enum CurrentOrAsOf<T> {
    /// The current record.
    Now(T),
    /// The record at the instant.
    Then(Past),
}

/// Records as they are now, or with `as_of` as they were then.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[cfg_attr(
    feature = "dead-code",
    allow(dead_code, reason = "describes responses in the OpenAPI document")
)]
pub enum ItemsCurrentOrAsOf<T> {
    /// The current records.
    Now(Items<T>),
    /// The records at the instant.
    Then(PastItems),
}

/// The members that an `Option<PastInstant>` adds to a response.
#[derive(Debug, Serialize, ToSchema)]
#[cfg_attr(
    feature = "dead-code",
    allow(dead_code, reason = "describes responses in the OpenAPI document")
)]
pub struct OptionalInstant {
    /// The requested time.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    /// Whether the response is final: repeating the request will return the same state.
    settled: Option<bool>,
}

/// Query parameters that select a page of versions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListVersions {
    /// Page size: 1 to 200. Default: 50.
    limit: Option<usize>,
    /// Cursor from the previous page.
    after: Option<String>,
}

impl ListVersions {
    pub(super) fn parse(&self) -> Result<(Option<i64>, usize), Problem> {
        let parse = |text: &str| text.parse().ok().filter(|version| *version > 0);
        Ok((
            cursor(self.after.as_deref(), parse)?,
            page_size(self.limit)?,
        ))
    }
}
