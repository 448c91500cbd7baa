//! What each fuzz target calls, and what must hold of the result: a function here panics when it does not.

pub mod access;
pub mod oidc;
pub mod tokens;
