//! A person's own account: what they see of themself, and what they may change and cut off.
//!
//! Promises that everything here concerns whoever is signed in, and nobody else. Owns no data.

pub mod http;
pub mod pages;
