//! Lists are paged by cursor: `?limit=&after=` → `{items, next}`.

use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Items of the page.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page size asked for, or 50.
    ///
    /// # Errors
    /// When it is 0 or more than `most`.
    pub fn limit(asked: Option<usize>, most: usize) -> Result<usize, Problem> {
        match asked {
            None => Ok(50.min(most)),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::invalid_parameter(
                "limit",
                format!("must be from 1 to {most}"),
            )),
        }
    }

    /// How many rows to fetch: one more than the page holds tells whether there is a next.
    pub fn fetch(limit: usize) -> i64 {
        i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
    }

    /// Cuts what was fetched to the page.
    pub fn cut(mut fetched: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let has_more = fetched.len() > limit;
        fetched.truncate(limit);
        let next = fetched.last().filter(|_| has_more).map(cursor);
        Self {
            items: fetched,
            next,
        }
    }

    /// The same page of other things.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// Things that are few enough to need no paging.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Items<T> {
    /// All of them.
    pub items: Vec<T>,
}

/// How many sessions an act ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsEnded {
    /// Number of sessions that were ended.
    pub sessions_ended: usize,
}
