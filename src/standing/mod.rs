//! Whether a person may act, and who they are: one record, one counter, one gate.
//!
//! Promises that what was withdrawn and acknowledged is refused at the next question, by every process. A change raises
//! the counter in its transaction ([`begin_change`]) and puts the new record in force after the commit ([`Standings::publish`]);
//! the record is made by a view, so that it and its version are of one snapshot. Owns `standings` and the key
//! `standing:{user}`. Refuses to answer when it can't know.

mod copies;
mod floors;
mod gate;
mod queries;
mod record;

pub use copies::{Copies, ListMoved, SLOWEST_FILL};
pub use gate::{
    AuthorizationClaim, ChangePending, Claim, EPOCH_RAISED, Standings, Unavailable, Verdict,
};
pub use queries::{
    begin_change, find_epoch, find_record, find_records, find_version, insert, list_moved_since,
    lock, lock_all, lock_with, raise, raise_all, raise_epoch,
};
pub(crate) use record::ADMINISTRATOR;
pub use record::{Standing, SteppedUp, UserStatus};
