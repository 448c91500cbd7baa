//! Signing keys: creation, publication, rotation, compromise.
//!
//! Guarantees that tokens are signed under a key that services had time to fetch, that a token can be verified until it expires,
//! and that no token under a key is accepted once its compromise was acknowledged. Owns `signing_keys` and one key of the
//! ephemeral store, which only holds public keys and times. Private keys are stored encrypted in the table and decrypted in the
//! process that signs.

mod compromise;
mod key;
mod key_set;
mod keyring;
mod private_key;
mod queries;
mod rewrap;
mod rotate;
mod schedule;
mod sign;
mod verified_signatures;

pub use compromise::{CompromiseOutcome, CompromisedKeys};
pub use key::{KeyState, KeyView};
pub use key_set::{KeySet, VerifyError};
pub use keyring::{KeyError, Keyring};
pub use sign::{SignError, Signer};
