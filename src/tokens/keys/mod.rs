//! Signing keys: made, published, followed by the next, refused.
//!
//! Promises that a token is signed under a key that services had time to fetch, that a token verifies for as long as it may
//! be shown, and that nothing under a compromised key is believed once that was acknowledged. Hands out [`Keyring`]. Owns
//! `signing_keys` and one key of the ephemeral store, which holds public halves and times alone. Private halves are sealed in
//! the table and opened in the process that signs.

mod compromise;
mod genuine;
mod key;
mod keyring;
mod make;
mod queries;
mod rewrap;
mod ring;
mod rotate;
mod schedule;
mod sign;

pub use compromise::{Compromise, Compromised};
pub use key::{KeyState, KeyView};
pub use keyring::{KeyError, Keyring};
pub use ring::{Ring, VerifyError};
pub use sign::{SignError, Signer};
