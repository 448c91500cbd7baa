//! Doorward: a standalone passkey identity provider.
//!
//! Rooms stand above what they import: `base`, `db`, `ephemeral` and `history`, `standing` and `web`, `clients`, `tokens`,
//! `sessions`, `users`, `passkeys`, `account` and `admin`, then `app`, `server`, `cli`. `docs/ARCHITECTURE.md` walks through.

pub mod account;
pub mod admin;
pub mod app;
pub mod base;
pub mod cli;
pub mod clients;
pub mod db;
pub mod ephemeral;
pub mod history;
pub mod passkeys;
pub mod server;
pub mod sessions;
pub mod standing;
pub mod tokens;
pub mod users;
pub mod web;
