//! Claims due work under a lease: the oldest of each queue that has a free slot.

use std::time::Duration;

use super::{MOST_ATTEMPTS, Work, queries};
use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};

/// Duration of a lease; longer than an attempt may take.
const LEASE: Duration = Duration::from_secs(30);

const MOST_QUEUES: usize = 32;

/// An attempt that ended with its process is repeated, even the last one; but not forever, because the work may be the cause.
const MOST_REPEATED: u32 = MOST_ATTEMPTS + 3;

/// Result of a poll.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The work that this instance claimed.
    pub(super) taken: Vec<Work>,
    /// Whether any work was due. Then there may be more.
    pub(super) was_due: bool,
}

/// Claims work of a kind from queues other than `busy`, at most `places` pieces.
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
    // All instances lock rows in the same order, so that they don't deadlock.
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
