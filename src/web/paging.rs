//! Cursor pagination of lists: `?limit=&after=` → `{items, next}`.

use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;

/// Maximum number of items on a page.
pub const MAX_PAGE_SIZE: usize = 200;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Items of the page.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last.
    pub next: Option<String>,
}

/// Returns the requested page size; by default 50.
///
/// # Errors
/// `invalid-parameter` if it is 0 or more than [`MAX_PAGE_SIZE`].
pub fn page_size(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(50);
    let is_valid = (1..=MAX_PAGE_SIZE).contains(&limit);
    let invalid =
        || Problem::invalid_parameter("limit", format!("must be from 1 to {MAX_PAGE_SIZE}"));
    is_valid.then_some(limit).ok_or_else(invalid)
}

/// Returns how many rows to fetch for a page: one more than it holds, to know whether there is a next page.
pub fn rows_to_fetch(limit: usize) -> i64 {
    i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
}

impl<T> Page<T> {
    /// Truncates the fetched rows to the page, and sets the cursor of the next page.
    pub fn from_rows(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(cursor);
        Self { items, next }
    }

    /// Converts the items of the page, unless one fails.
    pub fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let items = self
            .items
            .into_iter()
            .map(change)
            .collect::<Result<_, _>>()?;
        let next = self.next;
        Ok(Page { items, next })
    }

    /// Converts the items of the page.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// A complete list, without paging.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Items<T> {
    /// All items.
    pub items: Vec<T>,
}

/// The number of sessions that a request ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsEnded {
    /// Number of sessions that were ended.
    pub sessions_ended: usize,
}
