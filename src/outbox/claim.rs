//! Claims due work under a lease: the oldest of each queue that has a free slot.

use std::time::Duration;

use super::{MAX_ATTEMPTS, Work, queries};
use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};

/// Duration of a lease; longer than an attempt may take.
const LEASE: Duration = Duration::from_secs(30);

const MAX_QUEUES: usize = 32;

/// An attempt that ended with its process is repeated, even the last one; but not forever, because the work may be the cause.
const MAX_INTERRUPTED_ATTEMPTS: u32 = MAX_ATTEMPTS + 3;

/// Result of a poll.
#[derive(Debug, Default)]
pub(super) struct ClaimedWork {
    /// The work that this instance claimed.
    pub(super) claimed: Vec<Work>,
    /// Whether any work was due. Then there may be more.
    pub(super) was_due: bool,
}

/// Claims work of a kind from queues other than `busy`, at most `free_slots` pieces.
pub(super) async fn claim_due(
    database: &Database,
    kind: &'static str,
    busy: Vec<String>,
    free_slots: usize,
) -> db::Result<ClaimedWork> {
    let limit = i64::try_from(free_slots.min(MAX_QUEUES)).unwrap_or_default();
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
        return Ok(ClaimedWork::default());
    }
    let clock = database.clone();
    let claimed = database
        .write(move |conn| {
            let now = clock.now(conn)?;
            take(conn, kind, &queues, now)
        })
        .await?;
    Ok(ClaimedWork {
        claimed,
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
    let mut claimed = Vec::new();
    for mut work in found {
        if work.attempts >= MAX_INTERRUPTED_ATTEMPTS {
            if queries::delete(conn, work.id, work.attempts)? {
                tracing::error!(id = %work.id, kind, "removed a job that never finished");
            }
        } else if queries::lease(conn, &work, now, now.after(LEASE))? {
            work.attempts += 1;
            claimed.push(work);
        }
    }
    Ok(claimed)
}
