//! Doorward: a standalone passkey identity provider.
//!
//! Rooms stand above what they import: `base`, `db`, `ephemeral`, `history`, `egress` and `outbox`, `standing` and `web`, `clients`,
//! `sessions`, `users`, `passkeys` and `access`, `account` and `admin`, then `app`, `server`, `cli`. `docs/ARCHITECTURE.md` walks through.

pub mod access;
pub mod account;
pub mod admin;
pub mod app;
pub mod base;
pub mod cli;
pub mod clients;
pub mod db;
pub mod egress;
pub mod ephemeral;
pub mod history;
pub mod oidc;
pub mod outbox;
pub mod parsers;
pub mod passkeys;
pub mod server;
pub mod sessions;
pub mod standing;
pub mod tokens;
pub mod users;
pub mod web;
