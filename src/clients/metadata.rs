//! Client metadata, named as in RFC 7591 §2 and OpenID Connect Dynamic Client Registration §2, and Doorward's own settings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AccessTokenFormat, AccessTokenHeaderType, ApplicationType, RedirectUri};
use crate::base::ids::ClientId;
use crate::base::text_enum::text_enum;

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Client secret in the `Authorization` header, with HTTP Basic (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// Client secret in the request body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// No authentication: a public client.
    None,
}

text_enum!(AuthMethod {
    ClientSecretBasic = "client_secret_basic",
    ClientSecretPost = "client_secret_post",
    None = "none",
});

/// An OAuth grant type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// Authorization code, after a user's sign-in (RFC 6749 §4.1).
    AuthorizationCode,
    /// Refresh token (RFC 6749 §6).
    RefreshToken,
    /// Client credentials: the client acts on its own behalf (RFC 6749 §4.4).
    ClientCredentials,
}

text_enum!(GrantType {
    AuthorizationCode = "authorization_code",
    RefreshToken = "refresh_token",
    ClientCredentials = "client_credentials",
});

/// Whether a client must use PKCE (RFC 7636): `true`, `false` or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RequirePkce {
    /// Always, or never.
    Fixed(bool),
    /// Until it has used PKCE once, it may rely on `nonce` instead (RFC 9700 §2.1.1).
    Auto(AutoPkce),
}

/// The word `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoPkce {
    /// `auto`.
    Auto,
}

impl RequirePkce {
    /// PKCE is required in every request.
    pub const ALWAYS: Self = Self::Fixed(true);
    /// PKCE is never required.
    pub const NEVER: Self = Self::Fixed(false);
    /// PKCE is required once the client has used it; until then, a client with a secret may rely on `nonce`.
    pub const AUTO: Self = Self::Auto(AutoPkce::Auto);

    /// The allowed values, for error messages.
    pub(super) const NAMES: &'static str = "true, false, auto";

    /// Parses a JSON member, or the text of a form field.
    pub(super) fn parse(value: &serde_json::Value) -> Option<Self> {
        match value.as_str() {
            Some("true") => Some(Self::ALWAYS),
            Some("false") => Some(Self::NEVER),
            Some("auto") => Some(Self::AUTO),
            _ => value.as_bool().map(Self::Fixed),
        }
    }
}

/// How a client's authorization codes are protected from injection (RFC 9700 §2.1.1), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeProtection {
    /// No protection is required.
    None,
    /// PKCE is required or, with `openid`, a nonce.
    PkceOrNonce,
    /// PKCE is required.
    Pkce,
}

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    /// RSA PKCS #1 with SHA-256: what every relying party must understand (OpenID Connect Core §15.1).
    #[default]
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

text_enum!(Algorithm { RS256 = "RS256", ES256 = "ES256", EdDSA = "EdDSA" });

/// Metadata of a client other than its name, secret and scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Metadata {
    /// Redirect URIs for authorization responses; compared exactly.
    #[schema(value_type = Vec<String>)]
    pub redirect_uris: Vec<RedirectUri>,
    /// URIs that users may be redirected to after sign-out; compared exactly.
    #[schema(value_type = Vec<String>)]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Origins besides those of its redirect URIs whose pages may call the token, `UserInfo` and revocation endpoints.
    pub allowed_origins: Vec<String>,
    /// The method by which it authenticates at the token endpoint.
    pub token_endpoint_auth_method: AuthMethod,
    /// Whether no method was registered explicitly: its secret is accepted in the header (`client_secret_basic`) and in the body
    /// (`client_secret_post`). Never both in one request.
    #[serde(default)]
    pub accepts_either_secret_method: bool,
    /// Grant types that the client may use.
    pub grant_types: Vec<GrantType>,
    /// `web` or `native`.
    pub application_type: ApplicationType,
    /// URL of the client's home page.
    pub client_uri: Option<String>,
    /// URL of the client's privacy policy.
    pub policy_uri: Option<String>,
    /// URL of the client's terms of service.
    pub tos_uri: Option<String>,
    /// URI that receives logout tokens (OpenID Connect Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Whether the client requires `sid` in logout tokens. They contain it unless the client registered for logout tokens without
    /// it.
    pub backchannel_logout_session_required: bool,
    /// Whether logout tokens contain only `sub` and no `sid`, for software that can't find a session by its `sid`. A logout token
    /// then ends all sessions of the user at the client.
    #[serde(default)]
    pub backchannel_logout_without_sid: bool,
    /// Algorithm that signs the client's tokens.
    pub id_token_signed_response_alg: Algorithm,
    /// Maximum age of a sign-in in seconds, for authorization requests without `max_age`.
    pub default_max_age: Option<u32>,
    /// `acr` values for authorization requests without `acr_values`.
    pub default_acr_values: Vec<String>,
    /// Whether it must use PKCE (RFC 7636). `auto`, the default: a client with a secret may rely on `nonce` until it has used
    /// PKCE once. Only a client with a secret may go without.
    pub require_pkce: RequirePkce,
    /// Whether it has used PKCE: with `auto`, PKCE is required of it from then on.
    #[serde(default)]
    pub pkce_used: bool,
    /// Whether users must consent before the client gets access. `false` is meant for the operator's own apps.
    pub require_consent: bool,
    /// Whether refresh tokens are rotated, that is, each can be used once. Required for public clients (RFC 9700 §4.14.2).
    pub rotate_refresh_tokens: bool,
    /// Format of access tokens: signed JWT or opaque.
    pub access_token_format: AccessTokenFormat,
    /// The `typ` in the header of its JWT access tokens; of a resource server, also of those that others get for it.
    #[serde(default)]
    pub access_token_header_type: AccessTokenHeaderType,
    /// Lifetime of access tokens in seconds: 30 to 3600, and at most `tokens.max_client_lifetime`. Default:
    /// `tokens.access_lifetime`. Only administrators in their own session may set more than 300.
    pub access_token_lifetime: Option<u32>,
    /// Lifetime of ID tokens in seconds, with the same limits. Default: `tokens.id_lifetime`.
    pub id_token_lifetime: Option<u32>,
    /// Lifetime of refresh tokens without offline access in seconds, from the first one on: 60 to 157680000. Default: until the
    /// session ends.
    pub refresh_token_lifetime: Option<u32>,
    /// Lifetime of offline access in seconds: 60 to 157680000. Default: `tokens.offline_lifetime`.
    pub offline_lifetime: Option<u32>,
    /// Idle timeout of offline access in seconds: 60 to 157680000. Default: `tokens.offline_idle_timeout`.
    pub offline_idle_timeout: Option<u32>,
    /// Whether ID tokens contain the claims of the requested scopes, for software that doesn't call `UserInfo`. Default for new
    /// clients: `true`.
    pub claims_in_id_token: bool,
    /// Absolute URIs of the services that the client may request tokens for (RFC 8707).
    pub resources: Vec<String>,
    /// Whether `UserInfo` accepts tokens for these services if `openid` is granted. The audience of such a token then contains
    /// `UserInfo` in addition to the service.
    #[serde(default)]
    pub userinfo_audience: bool,
    /// Identifiers of the client as a resource server: absolute URIs, and plain names that are added to the audience of its
    /// tokens. The client may introspect tokens that have one of these in their audience.
    pub audiences: Vec<String>,
    /// Roles whose holders may use the client. Empty: all users.
    pub allowed_roles: Vec<String>,
    /// Weakest `acr` that the client accepts.
    pub least_acr: Option<String>,
    /// Clients that may manage this client, in addition to the one that registered it. Only administrators who signed in
    /// themselves may set it.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub managed_by: Vec<ClientId>,
}

impl Default for Metadata {
    /// The metadata of a service that gets tokens on its own behalf.
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            allowed_origins: Vec::new(),
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            accepts_either_secret_method: true,
            grant_types: vec![GrantType::ClientCredentials],
            application_type: ApplicationType::Web,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            backchannel_logout_without_sid: false,
            id_token_signed_response_alg: Algorithm::RS256,
            default_max_age: None,
            default_acr_values: Vec::new(),
            require_pkce: RequirePkce::AUTO,
            pkce_used: false,
            require_consent: true,
            rotate_refresh_tokens: true,
            access_token_format: AccessTokenFormat::Jwt,
            access_token_header_type: AccessTokenHeaderType::AtJwt,
            access_token_lifetime: None,
            id_token_lifetime: None,
            refresh_token_lifetime: None,
            offline_lifetime: None,
            offline_idle_timeout: None,
            claims_in_id_token: true,
            resources: Vec::new(),
            userinfo_audience: false,
            audiences: Vec::new(),
            allowed_roles: Vec::new(),
            least_acr: None,
            managed_by: Vec::new(),
        }
    }
}

impl Metadata {
    /// Whether the client is public, that is, has no secret.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// The protection against code injection that the client's authorization requests must have.
    pub fn code_protection(&self) -> CodeProtection {
        match self.require_pkce {
            _ if self.is_public() => CodeProtection::Pkce,
            RequirePkce::Fixed(true) => CodeProtection::Pkce,
            RequirePkce::Fixed(false) => CodeProtection::None,
            RequirePkce::Auto(_) if self.pkce_used => CodeProtection::Pkce,
            RequirePkce::Auto(_) => CodeProtection::PkceOrNonce,
        }
    }

    /// Whether the next code redemption with a verifier makes PKCE required for the client.
    pub fn remembers_pkce_use(&self) -> bool {
        self.code_protection() == CodeProtection::PkceOrNonce
    }

    /// Whether the client may authenticate by this method.
    pub fn accepts_method(&self, method: AuthMethod) -> bool {
        let registered = self.token_endpoint_auth_method;
        let is_other_secret_method =
            registered == AuthMethod::ClientSecretBasic && method == AuthMethod::ClientSecretPost;
        method == registered || (self.accepts_either_secret_method && is_other_secret_method)
    }

    /// The methods by which the client may authenticate, for the log.
    pub fn accepted_methods(&self) -> &'static str {
        match self.token_endpoint_auth_method {
            AuthMethod::ClientSecretBasic if self.accepts_either_secret_method => {
                "client_secret_basic or client_secret_post"
            }
            registered => registered.as_str(),
        }
    }

    /// Whether the client may use this grant type.
    pub fn allows(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether authorization responses may be sent to this URI (RFC 9700 §2.1: exact comparison; RFC 8252 §7.3: any
    /// loopback port for native apps).
    pub fn allows_redirect_to(&self, presented: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| registered.matches(presented, self.application_type))
    }

    /// The origins whose pages may call the token, `UserInfo` and revocation endpoints.
    pub(super) fn origins(&self) -> BTreeSet<String> {
        let redirects = self.redirect_uris.iter().filter_map(RedirectUri::origin);
        redirects
            .chain(self.allowed_origins.iter().cloned())
            .collect()
    }

    /// Whether the user may be redirected to this URI after sign-out.
    pub fn allows_redirect_after_logout(&self, presented: &str) -> bool {
        self.post_logout_redirect_uris
            .iter()
            .any(|registered| registered.matches(presented, self.application_type))
    }
}
