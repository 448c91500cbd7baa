//! The integration-test binary: the API on both kinds of stores, the stores, the architecture, the browser.
//!
//! `scripts/test` starts PostgreSQL and Redis for the `clustered` tests.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot continue fails"
)]
#![expect(
    clippy::pedantic,
    reason = "journeys read as lists of what happens, and may be long"
)]

mod api;
mod architecture;
mod audit_chain;
mod durability;
mod e2e;
mod egress;
mod guides;
mod import_cycles;
mod logging;
mod outbox;
mod overload;
mod programs;
mod schema;
mod services;
mod support;
mod tls;
