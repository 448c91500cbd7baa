//! The one integration-test binary: the API on both back ends, the stores, the house itself, the browser.
//!
//! `scripts/test` starts the PostgreSQL and the Redis that the `clustered` tests use.

mod api;
mod architecture;
mod durability;
mod logging;
mod schema;
mod support;
mod tls;
