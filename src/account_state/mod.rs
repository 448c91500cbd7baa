//! The account state of each user: one versioned record that says whether the user may act, and who the user is.
//!
//! Guarantees that a withdrawal is respected by every process from the next request on, once it was acknowledged. A change
//! increments the version in its transaction ([`begin_change`]) and publishes the new record after the commit
//! ([`AccountStates::publish`]); a database view builds the record, so that it and its version are from one snapshot. Owns
//! `account_states` and the key `account-state:{user}`. If a store is unavailable, it returns an error rather than a guess.

mod check;
mod copies;
mod queries;
mod record;
mod versioned_cache;

pub use check::{
    AccountStates, AuthorizationRef, ChangePending, CheckResult, EPOCH_RAISED, SessionRef,
    Unavailable,
};
pub use queries::{
    begin_change, bump_session_epoch, bump_version, bump_versions, find_epoch, find_record,
    find_records, find_version, insert, list_changes_since, lock, lock_all, lock_with_actor,
};
pub(crate) use record::ADMINISTRATOR;
pub use record::{AccountState, SteppedUp, UserStatus};
pub use versioned_cache::{ListChanges, MAX_FILL_TIME, VersionedCache};
