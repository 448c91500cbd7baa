//! What is wrong with a field of a client. The API, the command line and the admin pages each present it in their own way.

use std::fmt;

use super::{RedirectUriError, Scope};

/// Maximum number of entries in a list of URIs or names.
pub(super) const MAX_ENTRIES: usize = 50;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldErrorKind {
    /// The name is missing or not printable.
    #[error("must have 1 to 100 printable characters")]
    Name,
    /// The redirect URI can't be registered.
    #[error(transparent)]
    Redirect(#[from] RedirectUriError),
    /// A list with too many entries.
    #[error("must have at most 50 entries")]
    TooMany,
    /// Not one of the allowed values.
    #[error("must be one of {0}")]
    Choice(&'static str),
    /// Not a list of scope tokens.
    #[error(
        "must be names separated by spaces, of printable ASCII characters without quote and backslash"
    )]
    ScopeName,
    /// An unknown scope with one of the prefixes that are reserved for Doorward.
    #[error("is not one of Doorward's scopes, which are {}", known_scopes())]
    ScopeUnknown,
    /// A scope that is not Doorward's and can't be a resource server's, because the client has no resources.
    #[error(
        "is not one of Doorward's scopes, which are {}. A scope of another service needs that service among the client's resources",
        known_scopes()
    )]
    ScopeUseless,
    /// `authorization_code` without a redirect URI.
    #[error("authorization_code needs a redirect URI")]
    RedirectNeeded,
    /// `refresh_token` without `authorization_code`.
    #[error("refresh_token needs authorization_code")]
    CodeNeeded,
    /// `client_credentials` for a public client.
    #[error("public clients cannot use client_credentials")]
    SecretNeeded,
    /// A public client that is exempt from PKCE.
    #[error("public clients must use PKCE")]
    PkceNeeded,
    /// A public client whose refresh tokens don't rotate.
    #[error("public clients must rotate refresh tokens")]
    RotationNeeded,
    /// A URI that is too long.
    #[error("must have at most {} characters", super::uris::MAX_LEN)]
    TooLong,
    /// Not a URL that browsers may be sent to.
    #[error("must be an absolute URI that begins with https://, or http://localhost")]
    Page,
    /// Not a URL that Doorward can call.
    #[error("must be an absolute http or https URI without fragment, user and password")]
    Endpoint,
    /// Not a web origin.
    #[error(
        "must be an origin as browsers send it: a scheme, :// and a host, without a path (capacitor://localhost)"
    )]
    Origin,
    /// Not a URI that can name a resource server.
    #[error("must be an absolute URI without fragment")]
    Service,
    /// Not a valid audience.
    #[error(
        "must be an absolute URI without fragment, or a plain name: 1 to 200 visible ASCII characters without : # \" \\, not beginning with //"
    )]
    Audience,
    /// An audience that is, or looks like, the ID of a client.
    #[error(
        "must not be the ID of a client or look like one (a UUID): an access token would look like an ID token of that client"
    )]
    AudienceIsClient,
    /// A redirect URI at Doorward's own origin.
    #[error(
        "must not be an address of this server: responses would be sent to its own pages and API"
    )]
    OwnRedirect,
    /// An audience that is a URI of Doorward itself.
    #[error("must not be an address of this server")]
    OwnAudience,
    /// Logout tokens both require and omit `sid`.
    #[error("backchannel_logout_session_required needs sid in logout tokens")]
    SidRequired,
    /// Not a supported `acr` value.
    #[error("must be one of phr, urn:doorward:acr:device-bound, phrh")]
    Acr,
    /// Not an age in seconds, or too large.
    #[error("must be from 0 to 2592000 seconds (30 days)")]
    Age,
    /// Not a valid lifetime of access or ID tokens.
    #[error("must be from 30 to 3600 seconds")]
    Lifetime,
    /// Not a valid lifetime of refresh tokens.
    #[error("must be from 60 to 157680000 seconds (5 years)")]
    RefreshLifetime,
    /// Response types that don't correspond to the grant types.
    #[error("must be [\"code\"] with the grant authorization_code, and empty without it")]
    ResponseTypes,
    /// Not the ID of another registered client.
    #[error("must be the client_id of another client that is registered")]
    Client,
    /// Not a valid client ID.
    #[error(
        "must have 1 to 128 of A-Z a-z 0-9 . _ ~ - and begin with a letter or digit, and not be new, a UUID of version 8 or a UUID in mixed case"
    )]
    ClientId,
    /// Another client has or had this ID, or it is in use as an audience or a user ID.
    #[error(
        "is taken: another client has it or had it, it is another client's audience, or a user's ID"
    )]
    ClientIdTaken,
    /// The secret is too short, too uniform, or contains characters that are not allowed.
    #[error(
        "must have 32 to 256 printable ASCII characters, at least 8 different ones, without spaces at the start or end"
    )]
    Secret,
    /// A secret for a public client.
    #[error("public clients can't have a secret")]
    SecretOfPublic,
    /// A client's ID and secret can't be changed by an update.
    #[error("can only be set when the client is created")]
    AtRegistration,
    /// Not a valid role name.
    #[error("role names must have 1 to 100 printable characters without spaces")]
    Role,
    /// No role has this name.
    #[error("no role is named")]
    RoleUnknown,
}

fn known_scopes() -> String {
    let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    names.join(" ")
}

impl FieldErrorKind {
    /// Key of the fault, by which the admin pages look up their text.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Redirect(RedirectUriError::NotAbsolute) => "redirect_not_absolute",
            Self::Redirect(RedirectUriError::Wildcard) => "redirect_wildcard",
            Self::Redirect(RedirectUriError::Fragment) => "redirect_fragment",
            Self::Redirect(RedirectUriError::UserInfo) => "redirect_user_info",
            Self::Redirect(RedirectUriError::Scheme) => "redirect_scheme",
            Self::Redirect(RedirectUriError::TooLong) => "redirect_too_long",
            Self::TooMany => "too_many",
            Self::Choice(_) => "choice",
            Self::ScopeName => "scope_name",
            Self::ScopeUnknown => "scope_unknown",
            Self::ScopeUseless => "scope_useless",
            Self::RedirectNeeded => "redirect_needed",
            Self::CodeNeeded => "code_needed",
            Self::SecretNeeded => "secret_needed",
            Self::PkceNeeded => "pkce_needed",
            Self::RotationNeeded => "rotation_needed",
            Self::TooLong => "too_long",
            Self::Page => "page",
            Self::Endpoint => "endpoint",
            Self::Origin => "origin",
            Self::Service => "service",
            Self::Audience => "audience",
            Self::AudienceIsClient => "audience_is_client",
            Self::OwnRedirect => "own_redirect",
            Self::OwnAudience => "own_audience",
            Self::SidRequired => "sid_required",
            Self::Acr => "acr",
            Self::Age => "age",
            Self::Lifetime => "lifetime",
            Self::RefreshLifetime => "refresh_lifetime",
            Self::ResponseTypes => "response_types",
            Self::Client => "client",
            Self::ClientId => "client_id",
            Self::ClientIdTaken => "client_id_taken",
            Self::Secret => "secret",
            Self::SecretOfPublic => "secret_of_public",
            Self::AtRegistration => "at_registration",
            Self::Role => "role",
            Self::RoleUnknown => "role_unknown",
        }
    }
}

/// A field that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl InvalidField {
    pub(super) const fn new(field: &'static str, kind: FieldErrorKind) -> Self {
        Self {
            field,
            entry: None,
            kind,
            value: None,
        }
    }

    pub(super) const fn at(field: &'static str, entry: usize, kind: FieldErrorKind) -> Self {
        Self {
            field,
            entry: Some(entry),
            kind,
            value: None,
        }
    }

    /// A fault in a field whose value names something that does not exist.
    pub(super) fn unknown(field: &'static str, kind: FieldErrorKind, value: &str) -> Self {
        Self {
            value: Some(value.to_owned()),
            ..Self::new(field, kind)
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
