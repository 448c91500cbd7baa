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
mod cascade;
mod change;
mod chosen_credentials;
mod consent_invalidation;
mod draft;
mod error;
mod ignored_metadata;
mod invalid_field;
mod labels;
mod lifecycle;
mod lifetimes;
mod manage;
mod metadata;
mod parsed_cache;
mod permissions;
mod pkce_use;
mod presets;
mod queries;
mod record;
mod redirect_uri;
mod registry;
mod resource_names;
mod rewrap;
mod scope;
mod secret;
mod security_events;
mod uris;

pub use access_tokens::{AccessTokenFormat, AccessTokenHeaderType};
pub use acting::{ActingAs, ActingError, Credential, Permission, UserToken};
pub use application_type::ApplicationType;
pub use authenticate::{
    AcceptedMethods, AuthenticateError, Credentials, FailedAuthentication, WRONG_SECRET,
    parse_basic,
};
pub use cascade::{Cascade, DisabledClient, RegisteredClient};
pub use change::ClientChange;
pub use error::ClientError;
pub use invalid_field::{FieldErrorKind, InvalidField};
pub use labels::labels;
pub use manage::{ClientUpdate, list};
pub use metadata::{Algorithm, AuthMethod, CodeProtection, GrantType, Metadata, RequirePkce};
pub use pkce_use::record_pkce_use;
pub use presets::{Preset, PresetError, SettingValues};
pub use queries::{
    ClientPermissions, consents, find, find_permissions, list_names, list_resource_server_names,
    list_resource_servers, lock_for_change, lock_permissions, wants_logout,
};
pub use record::{Client, ClientRecord, RevokedToken};
pub use redirect_uri::RedirectUri;
pub use registry::{Clients, FindMissingRole, ProviderInfo};
pub use rewrap::RewrapError;
pub use scope::{Scope, ScopeSyntaxError, Scopes};
pub use secret::{ClientSecret, TypedSecret};
