//! The account state of each user: one versioned record that says whether the user may act, and who the user is.
//!
//! Guarantees that a withdrawal is respected by every process from the next request on, once it was acknowledged. A change
//! increments the version in its transaction ([`begin_change`]) and publishes the new record after the commit
//! ([`Standings::publish`]); a database view builds the record, so that it and its version are from one snapshot. Owns
//! `standings` and the key `standing:{user}`. If a store is unavailable, it returns an error rather than a guess.

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
