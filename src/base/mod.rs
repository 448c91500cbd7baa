//! What every room stands on: configuration, time, ids, letters, the bounds of attributes, hexadecimal, secrets and their sealing, telemetry, exact URIs.
//!
//! Owns nothing that lasts. Time and randomness enter the house here and nowhere else (`clock`, `secrets`, `seal`).

pub mod account;
pub mod attributes;
pub mod clock;
pub mod config;
pub mod faults;
pub mod hex;
pub mod ids;
pub mod letters;
pub mod public_client_id;
pub mod seal;
pub mod secrets;
pub mod telemetry;
pub mod timed;
pub mod uri;
