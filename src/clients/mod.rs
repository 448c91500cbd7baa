//! OAuth clients: apps that users sign in to, resource servers, and services that get tokens on their own behalf.
//!
//! [`Clients`] registers and changes clients, checks their metadata and who may change them, authenticates them by their registered
//! methods, and answers which scopes and redirect URIs they may use. A disabled client is refused from the next request on, in
//! every instance. The module owns the tables `clients`, `client_origins`, `client_audiences` and `consents`, and the cache key
//! `client:{id}:installation`.

mod access_tokens;
mod acting;
mod addresses;
mod application_type;
mod authenticate;
mod authority;
mod change;
mod chosen;
mod draft;
mod error;
mod fault;
mod labels;
mod life;
mod lifetimes;
mod loosening;
mod manage;
mod metadata;
mod parsed;
mod pkce_use;
mod presets;
mod queries;
mod record;
mod redirect_uri;
mod registered;
mod registry;
mod rewrap;
mod scope;
mod secret;
mod security_events;
mod services;
mod unused;
mod uris;

pub use access_tokens::{AccessTokenFormat, AccessTokenHeaderType};
pub use acting::{ActingAs, ActingError, Credential, Permission, UserToken};
pub use application_type::ApplicationType;
pub use authenticate::{
    AcceptedMethods, AuthenticateError, Credentials, FailedAuthentication, WRONG_SECRET,
    parse_basic,
};
pub use change::ClientChange;
pub use error::ClientError;
pub use fault::{Fault, FieldFault};
pub use labels::{labels, names};
pub use manage::{ClientUpdate, list};
pub use metadata::{Algorithm, AuthMethod, CodeProtection, GrantType, Metadata, RequirePkce};
pub use pkce_use::note_pkce_use;
pub use presets::{Preset, PresetError, SettingValues};
pub use queries::{
    ClientAuthority, consents, find, find_authority, list_names, list_resource_servers,
    list_service_names, lock_authority, lock_for_change, wants_logout,
};
pub use record::{Client, ClientRecord, RevokedToken};
pub use redirect_uri::{NoRedirectUri, RedirectUri};
pub use registered::{DisabledClient, Registered, RegisteredClient};
pub use registry::{Clients, FindMissingRole, Provider};
pub use rewrap::RewrapError;
pub use scope::{NoScope, Scope, Scopes};
pub use secret::{ClientSecret, TypedSecret};
