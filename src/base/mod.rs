//! Foundations that every module may use: configuration, time, IDs, character classes, enums with texts, limits of attributes,
//! hexadecimal, secrets and sealing, telemetry, and strict URIs.
//!
//! Stores nothing. Time and randomness are read from the operating system only here (`clock`, `secrets`, `seal`).

pub mod attributes;
pub mod clock;
pub mod config;
pub mod fault_injection;
pub mod hex;
pub mod ids;
pub mod os_account;
pub mod public_client_id;
pub mod seal;
pub mod secrets;
pub mod telemetry;
pub mod text_enum;
pub mod text_folding;
pub mod text_type;
pub mod timed;
pub mod uri;
