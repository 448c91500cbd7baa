//! Apps and services that ask on their own behalf.
//!
//! Promises that a client is who it says (its secret, by HTTP Basic) and tells what it may ask (scopes). Made by the
//! command. Owns `clients`. A disabled client is nobody from the next request on.

mod authenticate;
mod manage;
mod queries;
mod scope;

pub use authenticate::{AuthenticateError, authenticate};
pub use manage::{ClientError, create, disable, list, names, rotate_secret};
pub use queries::is_enabled;
pub use scope::Scope;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;

/// A registered client, without its secret.
#[derive(Clone, Debug, Serialize)]
pub struct Client {
    /// Its `client_id`.
    #[serde(rename = "client_id")]
    pub id: ClientId,
    /// What administrators call it.
    pub name: String,
    /// What it may ask.
    pub scopes: Vec<Scope>,
    /// Whether it may ask at all.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From 1.
    pub version: i64,
    /// Since when it stands so.
    pub as_of: Timestamp,
}
