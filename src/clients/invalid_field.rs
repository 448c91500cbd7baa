//! What is wrong with a field of a client. The API, the command line and the admin pages each present it in their own way.

use std::fmt;

use super::Scope;

/// Maximum number of entries in a list of URIs or names.
pub(super) const MAX_ENTRIES: usize = 50;

/// Declares the faults: each with the key of its text on the admin pages, and its text in the API and on the command line.
macro_rules! faults {
    ($($variant:ident = $key:literal: $text:literal,)+) => {
        /// What is wrong with a field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum FieldErrorKind {
            $(#[doc = concat!("The fault with the key `", $key, "`.")] #[error($text)] $variant,)+
            /// Not one of the allowed values.
            #[error("must be one of {0}")]
            Choice(&'static str),
            /// An unknown scope with one of the prefixes that are reserved for Doorward.
            #[error("is not one of Doorward's scopes, which are {}", known_scopes())]
            ScopeUnknown,
            /// A scope that is not Doorward's and can't be a resource server's, because the client has no resources.
            #[error("is not one of Doorward's scopes, which are {}. A scope of another service needs that service among the client's resources", known_scopes())]
            ScopeUseless,
        }

        impl FieldErrorKind {
            /// Key of the fault, by which the admin pages look up their text.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                    Self::Choice(_) => "choice",
                    Self::ScopeUnknown => "scope_unknown",
                    Self::ScopeUseless => "scope_useless",
                }
            }
        }
    };
}

faults! {
    Name = "name": "must have 1 to 100 printable characters",
    RedirectNotAbsolute = "redirect_not_absolute": "must be an absolute URI in its normal form, such as https://app.example.com/callback: with //, a lower-case host, no default port and no dot segments",
    RedirectWildcard = "redirect_wildcard": "must not contain *: redirect URIs are compared exactly, because wildcards could send codes to other people's pages. Register each URI; one client may have 50",
    RedirectFragment = "redirect_fragment": "must not have a fragment (#…)",
    RedirectUserInfo = "redirect_user_info": "must not contain a username or password",
    RedirectScheme = "redirect_scheme": "must begin with https:// (or http:// on localhost and loopback addresses), or be a private-use scheme with a dot (com.example.app:/callback)",
    RedirectTooLong = "redirect_too_long": "must have at most 2000 characters",
    TooMany = "too_many": "must have at most 50 entries",
    ScopeName = "scope_name": "must be names separated by spaces, of printable ASCII characters without quote and backslash",
    RedirectNeeded = "redirect_needed": "authorization_code needs a redirect URI",
    CodeNeeded = "code_needed": "refresh_token needs authorization_code",
    SecretNeeded = "secret_needed": "public clients cannot use client_credentials",
    PkceNeeded = "pkce_needed": "public clients must use PKCE",
    RotationNeeded = "rotation_needed": "public clients must rotate refresh tokens",
    TooLong = "too_long": "must have at most 2000 characters",
    Page = "page": "must be an absolute URI that begins with https://, or http://localhost",
    Endpoint = "endpoint": "must be an absolute http or https URI without fragment, user and password",
    Origin = "origin": "must be an origin as browsers send it: a scheme, :// and a host, without a path (capacitor://localhost)",
    Service = "service": "must be an absolute URI without fragment",
    Audience = "audience": "must be an absolute URI without fragment, or a plain name: 1 to 200 visible ASCII characters without : # \" \\, not beginning with //",
    AudienceIsClient = "audience_is_client": "must not be the ID of a client or look like one (a UUID): an access token would look like an ID token of that client",
    OwnRedirect = "own_redirect": "must not be an address of this server: responses would be sent to its own pages and API",
    OwnAudience = "own_audience": "must not be an address of this server",
    SidRequired = "sid_required": "backchannel_logout_session_required needs sid in logout tokens",
    Acr = "acr": "must be one of phr, urn:doorward:acr:device-bound, phrh",
    Age = "age": "must be from 0 to 2592000 seconds (30 days)",
    Lifetime = "lifetime": "must be from 30 to 3600 seconds",
    RefreshLifetime = "refresh_lifetime": "must be from 60 to 157680000 seconds (5 years)",
    ResponseTypes = "response_types": "must be [\"code\"] with the grant authorization_code, and empty without it",
    Client = "client": "must be the client_id of another client that is registered",
    ClientId = "client_id": "must have 1 to 128 of A-Z a-z 0-9 . _ ~ - and begin with a letter or digit, and not be new, a UUID of version 8 or a UUID in mixed case",
    ClientIdTaken = "client_id_taken": "is taken: another client has it or had it, it is another client's audience, or a user's ID",
    Secret = "secret": "must have 32 to 256 printable ASCII characters, at least 8 different ones, without spaces at the start or end",
    SecretOfPublic = "secret_of_public": "public clients can't have a secret",
    AtRegistration = "at_registration": "can only be set when the client is created",
    Role = "role": "role names must have 1 to 100 printable characters without spaces",
    RoleUnknown = "role_unknown": "no role is named",
}

fn known_scopes() -> String {
    let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    names.join(" ")
}

/// A field that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidField {
    /// Name of the field.
    pub field: &'static str,
    /// Index of the entry in a list, from 0.
    pub entry: Option<usize>,
    /// What is wrong with the value.
    pub kind: FieldErrorKind,
    /// The value, if it names something that does not exist.
    pub value: Option<String>,
}

impl FieldErrorKind {
    /// This fault in a field.
    pub(super) fn of(self, field: &'static str) -> InvalidField {
        InvalidField {
            field,
            entry: None,
            kind: self,
            value: None,
        }
    }

    /// This fault in an entry of a list.
    pub(super) fn at(self, field: &'static str, entry: usize) -> InvalidField {
        InvalidField {
            entry: Some(entry),
            ..self.of(field)
        }
    }

    /// This fault in a field whose value names something that does not exist.
    pub(super) fn with_value(self, field: &'static str, value: &str) -> InvalidField {
        InvalidField {
            value: Some(value.to_owned()),
            ..self.of(field)
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(value) = &self.value {
            return match self.kind {
                FieldErrorKind::RoleUnknown => write!(formatter, "{} {value}", self.kind),
                _ if value.contains(',') => write!(
                    formatter,
                    "{value} is not a scope: separate scopes with spaces, not commas"
                ),
                _ => write!(formatter, "{value} {}", self.kind),
            };
        }
        match self.entry {
            Some(entry) => write!(
                formatter,
                "entry {}: {}",
                entry.saturating_add(1),
                self.kind
            ),
            None => self.kind.fmt(formatter),
        }
    }
}
