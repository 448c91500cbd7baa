//! Doorward: a standalone passkey identity provider.
//!
//! A module imports only modules of lower layers (`docs/ARCHITECTURE.md`). The layers, from the bottom: `base`; `db`;
//! `ephemeral`, `history`, `egress`, `outbox`; `account_state`, `web`; `clients`; `tokens`; `sessions`; `users`; `passkeys`, `assignments`;
//! `oidc`, `policies`; `account`, `admin`, `authzen`, `forward_auth`; `app`; `server`; `cli`.

pub mod account;
pub mod account_state;
pub mod admin;
pub mod app;
pub mod assignments;
pub(crate) mod authzen;
pub mod base;
pub mod cli;
pub mod clients;
pub mod db;
pub mod egress;
pub mod ephemeral;
pub(crate) mod forward_auth;
pub mod history;
pub(crate) mod oidc;
pub mod outbox;
pub mod parsers;
pub(crate) mod passkeys;
pub(crate) mod policies;
pub mod server;
pub(crate) mod sessions;
pub mod testing;
pub(crate) mod tokens;
pub mod users;
pub mod web;
