//! Outgoing requests: every call that Doorward makes to a URL that others configured.
//!
//! Guarantees that a connection is only made to an address that was checked, that no address inside the operator's own network is
//! reached unless `egress.allowed_networks` contains it, and that every call ends within `egress.timeout`. Follows no redirects,
//! uses no proxy, stores no cookies, sends no referrer. TLS is 1.2 or newer, with the built-in root certificates and those of
//! `egress.extra_ca_file`. Knows nothing of the purpose of a call.

mod client;
mod destination_rules;
mod failure;
mod resolver;
mod special_addresses;
mod trust;

pub use client::Egress;
pub use failure::EgressError;
