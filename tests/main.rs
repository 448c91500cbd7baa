//! The one integration-test binary: the API on both back ends, the browser, the house itself.
//!
//! `scripts/test` starts the PostgreSQL and the Redis that the `clustered` tests use.

mod api;
mod support;
