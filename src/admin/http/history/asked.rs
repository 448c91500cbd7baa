//! What a request asks of a history: an instant, or a page of versions.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::parse_instant;
use crate::admin::versions::{Past, PastItems, Version};
use crate::base::clock::Timestamp;
use crate::web::{Items, Page, Problem};

/// At most this many in one list.
const MOST: usize = 200;

/// At which instant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// RFC 3339: as it stood then, answered as `{item, as_of, settled}`.
    #[param(format = DateTime)]
    as_of: Option<String>,
}

impl AsOf {
    /// The instant that is asked about; `None`: now.
    pub(in crate::admin::http) fn parse(&self) -> Result<Option<Timestamp>, Problem> {
        as_of(self.as_of.as_deref())
    }
}

/// The instant that a parameter `as_of` names, which is judged later; `None`: now.
pub(in crate::admin::http) fn as_of(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let parse =
        |text| parse_instant(text).map_err(|fault| Problem::invalid_parameter("as_of", fault));
    text.map(parse).transpose()
}

/// A thing as it is, or with `as_of` as it stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NowOrThen<T> {
    /// As it is.
    Now(T),
    /// As it stood.
    Then(Past),
}

/// Several things as they are, or with `as_of` as they stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ItemsNowOrThen<T> {
    /// As they are.
    Now(Items<T>),
    /// As they stood.
    Then(PastItems),
}

/// Which versions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListVersions {
    /// From 1 to 200; 50 where it is not given.
    limit: Option<usize>,
    /// The cursor of a page before.
    after: Option<String>,
}

impl ListVersions {
    pub(super) fn parse(&self) -> Result<(Option<i64>, usize), Problem> {
        let no_cursor = || Problem::invalid_parameter("after", "not a cursor of this list");
        let parse = |text: &String| {
            let version = text.parse::<i64>().ok().filter(|version| *version > 0);
            version.ok_or_else(no_cursor)
        };
        let before = self.after.as_ref().map(parse).transpose()?;
        Ok((before, Page::<Version>::limit(self.limit, MOST)?))
    }
}
