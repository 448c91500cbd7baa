//! One look: the oldest due work of each queue that has a place left, taken under a lease.

use std::time::Duration;

use super::{MOST_ATTEMPTS, Work, queries};
use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};

/// How long work belongs to whoever took it; longer than an attempt may take.
const LEASE: Duration = Duration::from_secs(30);

/// How many queues are served at one look.
const MOST_QUEUES: usize = 32;

/// An attempt that ended with its process is repeated, the last one too; not for ever, as it may be what ended the process.
const MOST_REPEATED: u32 = MOST_ATTEMPTS + 3;

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Ours now.
    pub(super) taken: Vec<Work>,
    /// Whether anything was due: then there may be more.
    pub(super) was_due: bool,
}

/// Looks for work of a kind in queues other than `busy`, for as many places as are free.
pub(super) async fn look(
    database: &Database,
    kind: &'static str,
    busy: Vec<String>,
    places: usize,
) -> db::Result<Found> {
    let limit = i64::try_from(places.min(MOST_QUEUES)).unwrap_or_default();
    let clock = database.clone();
    let queues = database
        .read(move |conn| {
            if !queries::is_any(conn, kind)? {
                return Ok(Vec::new());
            }
            let now = clock.now(conn)?;
            queries::list_due_queues(conn, kind, now, busy, limit)
        })
        .await?;
    if queues.is_empty() {
        return Ok(Found::default());
    }
    let clock = database.clone();
    let taken = database
        .write(move |conn| {
            let now = clock.now(conn)?;
            take(conn, kind, &queues, now)
        })
        .await?;
    Ok(Found {
        taken,
        was_due: true,
    })
}

fn take(
    conn: &mut Connection,
    kind: &str,
    queues: &[String],
    now: Timestamp,
) -> db::Result<Vec<Work>> {
    let mut found = Vec::new();
    for queue in queues {
        found.extend(queries::find_due(conn, kind, queue, now)?);
    }
    // All instances lock rows in one order, so that no two wait for each other.
    found.sort_by_key(|work| work.id);
    let mut taken = Vec::new();
    for mut work in found {
        if work.attempts >= MOST_REPEATED {
            if queries::delete(conn, work.id, work.attempts)? {
                tracing::error!(id = %work.id, kind, "removed a job that never finished");
            }
        } else if queries::lease(conn, &work, now, now.after(LEASE))? {
            work.attempts += 1;
            taken.push(work);
        }
    }
    Ok(taken)
}
