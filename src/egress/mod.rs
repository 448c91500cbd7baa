//! The only way out: every call that Doorward makes to a URL that somebody else wrote down.
//!
//! Promises that the very address that was judged is the one that is connected to, that no address inside the operator's
//! own network is reached unless `egress.allowed_networks` names it, and that every call ends within `egress.timeout`.
//! Follows no redirect, asks no proxy, keeps no cookie, tells no referrer. TLS is 1.2 or newer, trusted by the roots that
//! are compiled in and by `egress.extra_ca_file`. Knows nothing of who is called, or why.

mod address;
mod client;
mod failure;
mod resolver;
mod rules;
mod trust;

pub use client::Egress;
pub use failure::EgressError;
