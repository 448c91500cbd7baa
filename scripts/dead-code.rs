//! Compiled by `scripts/gates unused` alone: the whole program as one crate, so that the compiler finds code that the released
//! executable never uses. In a library everything public counts as used.
//!
//! What only tests use says so: `#[cfg_attr(feature = "dead-code", allow(dead_code, reason = …))]`.

#![deny(dead_code)]
#![expect(
    unused_imports,
    reason = "modules re-export names that only the tests import"
)]

#[path = "../src/account/mod.rs"]
mod account;
#[path = "../src/account_state/mod.rs"]
mod account_state;
#[path = "../src/admin/mod.rs"]
mod admin;
#[path = "../src/app/mod.rs"]
mod app;
#[path = "../src/assignments/mod.rs"]
mod assignments;
#[path = "../src/authzen/mod.rs"]
mod authzen;
#[path = "../src/base/mod.rs"]
mod base;
#[path = "../src/cli/mod.rs"]
mod cli;
#[path = "../src/clients/mod.rs"]
mod clients;
#[path = "../src/db/mod.rs"]
mod db;
#[path = "../src/egress/mod.rs"]
mod egress;
#[path = "../src/ephemeral/mod.rs"]
mod ephemeral;
#[path = "../src/forward_auth/mod.rs"]
mod forward_auth;
#[path = "../src/history/mod.rs"]
mod history;
#[path = "../src/oidc/mod.rs"]
mod oidc;
#[path = "../src/outbox/mod.rs"]
mod outbox;
#[path = "../src/passkeys/mod.rs"]
mod passkeys;
#[path = "../src/policies/mod.rs"]
mod policies;
#[path = "../src/server/mod.rs"]
mod server;
#[path = "../src/sessions/mod.rs"]
mod sessions;
#[path = "../src/tokens/mod.rs"]
mod tokens;
#[path = "../src/users/mod.rs"]
mod users;
#[path = "../src/web/mod.rs"]
mod web;

fn main() -> std::process::ExitCode {
    cli::run()
}
