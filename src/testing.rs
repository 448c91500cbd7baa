//! Re-exports what the tests in `tests/` name of modules that are not public.

pub use crate::passkeys::{PasskeyFilter, RevokeAs};
pub use crate::sessions::{SessionKey, is_open};
pub use crate::tokens::TokenError;
pub use crate::tokens::keys::{
    CompromiseOutcome, CompromisedKeys, KeyError, KeyState, KeyView, Keyring, SignError,
    VerifyError,
};
