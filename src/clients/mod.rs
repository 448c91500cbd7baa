//! Apps and services: relying parties that people sign in to, resource servers, services that ask on their own behalf.
//!
//! Promises that a client is who it says, by the one method that it is registered with, and tells what it may ask and where
//! people may be sent. Hands out [`Clients`]. Owns `clients`, `client_origins` and the key `client:{id}`. A disabled client is
//! nobody from the next request on, in every instance.

mod authenticate;
mod manage;
mod metadata;
mod queries;
mod record;
mod redirect_uri;
mod registry;
mod scope;

pub use authenticate::{AuthenticateError, Credentials, parse_basic};
pub use manage::{ClientError, list, names};
pub use metadata::{
    AccessTokenFormat, Algorithm, ApplicationType, AuthMethod, GrantType, Metadata,
};
pub use queries::{is_enabled, wants_logout};
pub use record::{Client, ClientRecord, RevokedToken};
pub use redirect_uri::{NoRedirectUri, RedirectUri};
pub use registry::Clients;
pub use scope::{NoScope, Scope, Scopes};
