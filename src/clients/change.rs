//! A registration or change of a client as the caller wrote it, and how it is parsed onto the registered client or the defaults.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::draft::Draft;
use super::ignored_metadata::is_ignored;
use super::invalid_field::{FieldErrorKind, InvalidField, MAX_ENTRIES};
use super::{
    AccessTokenFormat, AccessTokenHeaderType, Algorithm, ApplicationType, AuthMethod, GrantType,
    RedirectUri, RequirePkce, Scopes, TypedSecret,
};
use crate::base::ids::ClientId;
use crate::web::explicit_null;

/// Metadata to register or to change, with the names of RFC 7591. An omitted member is unchanged, or has its default at
/// registration.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct ClientChange {
    /// The `client_id`: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, the first a letter or digit; never one that another client had before.
    /// Only at registration, by an administrator in their own session. Default: a generated UUID.
    pub client_id: Option<String>,
    /// The client secret: 32 to 256 printable ASCII characters. Only at registration, by an administrator who signed in
    /// themselves. Default: a generated secret.
    #[schema(value_type = Option<String>)]
    pub client_secret: Option<TypedSecret>,
    /// Display name: 1 to 100 characters.
    pub client_name: Option<String>,
    /// Scopes that the client may request, separated by spaces. Default for apps that users sign in to: all scopes about the
    /// user.
    pub scope: Option<String>,
    /// Redirect URIs for authorization responses; compared exactly. At most 50.
    pub redirect_uris: Option<Vec<String>>,
    /// URIs that users may be redirected to after sign-out; compared exactly. At most 50.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Origins besides those of its redirect URIs whose pages may call the token, `UserInfo` and revocation endpoints, for
    /// example `capacitor://localhost`. At most 50.
    pub allowed_origins: Option<Vec<String>>,
    /// Authentication method at the token endpoint. `none`: a public client, without a secret. `null`, or omitted at
    /// registration: the secret is accepted in the header and in the body (`accepts_either_secret_method` is then `true`).
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<AuthMethod>)]
    pub token_endpoint_auth_method: Option<Option<String>>,
    /// Grant types that the client may use. Default: `authorization_code` and `refresh_token` if there are redirect URIs,
    /// otherwise `client_credentials`.
    #[schema(value_type = Option<Vec<GrantType>>)]
    pub grant_types: Option<Vec<String>>,
    /// Response types: `code` with the grant type `authorization_code`, otherwise none.
    pub response_types: Option<Vec<String>>,
    /// `web` or `native`.
    #[schema(value_type = Option<ApplicationType>)]
    pub application_type: Option<String>,
    /// URL of the client's home page. `null` removes it; this also applies to the other members that may be `null`.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub client_uri: Option<Option<String>>,
    /// URL of the client's privacy policy.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub policy_uri: Option<Option<String>>,
    /// URL of the client's terms of service.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub tos_uri: Option<Option<String>>,
    /// URI that receives logout tokens (OpenID Connect Back-Channel Logout §2.2).
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub backchannel_logout_uri: Option<Option<String>>,
    /// Whether the client requires `sid` in logout tokens. They contain it unless `backchannel_logout_without_sid` is set.
    pub backchannel_logout_session_required: Option<bool>,
    /// Whether logout tokens contain only `sub` and no `sid`, so that each ends all sessions of the user at the client.
    pub backchannel_logout_without_sid: Option<bool>,
    /// Algorithm that signs the client's tokens.
    #[schema(value_type = Option<Algorithm>)]
    pub id_token_signed_response_alg: Option<String>,
    /// Maximum age of a sign-in in seconds, for authorization requests without `max_age`.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub default_max_age: Option<Option<i64>>,
    /// `acr` values for authorization requests without `acr_values`.
    pub default_acr_values: Option<Vec<String>>,
    /// Whether it must use PKCE: `true`, `false`, or `auto` (the default): until it has used PKCE once, a client with a secret
    /// may rely on `nonce`. A public client must use it in any case.
    #[schema(value_type = Option<RequirePkce>)]
    pub require_pkce: Option<Value>,
    /// Whether it has used PKCE; `false` lets a client with `auto` rely on `nonce` again.
    pub pkce_used: Option<bool>,
    /// Whether users must consent before the client gets access.
    pub require_consent: Option<bool>,
    /// Whether refresh tokens are rotated, that is, each can be used once. Required for public clients.
    pub rotate_refresh_tokens: Option<bool>,
    /// Format of access tokens: signed JWT or opaque.
    #[schema(value_type = Option<AccessTokenFormat>)]
    pub access_token_format: Option<String>,
    /// The `typ` in the header of its JWT access tokens, and of those that others get for its audiences: `JWT` for libraries that
    /// refuse `at+jwt`.
    #[schema(value_type = Option<AccessTokenHeaderType>)]
    pub access_token_header_type: Option<String>,
    /// Lifetime of access tokens in seconds: 30 to 3600; `null`: the configured lifetime. Only administrators who signed in
    /// themselves may set more than 300.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub access_token_lifetime: Option<Option<i64>>,
    /// Lifetime of ID tokens in seconds, with the same limits.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub id_token_lifetime: Option<Option<i64>>,
    /// Lifetime of refresh tokens without offline access in seconds, from the first one on: 60 to 157680000; `null`: until the
    /// session ends. Only administrators in their own session may set this and the following two above the configured values.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub refresh_token_lifetime: Option<Option<i64>>,
    /// Lifetime of offline access in seconds: 60 to 157680000; `null`: the configured lifetime.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub offline_lifetime: Option<Option<i64>>,
    /// Idle timeout of offline access in seconds: 60 to 157680000; `null`: the configured timeout.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub offline_idle_timeout: Option<Option<i64>>,
    /// Whether ID tokens contain the claims of the requested scopes. Default: `true`.
    pub claims_in_id_token: Option<bool>,
    /// Absolute URIs of the services that the client may request tokens for (RFC 8707). At most 50.
    pub resources: Option<Vec<String>>,
    /// Whether `UserInfo` accepts tokens for these services if `openid` is granted.
    pub userinfo_audience: Option<bool>,
    /// Identifiers of the client as a resource server: absolute URIs, by which tokens are requested, and plain names without a
    /// colon, which are added to the audience of those tokens. Each belongs to one client. At most 50.
    pub audiences: Option<Vec<String>>,
    /// Roles whose holders may use the client. Empty: all users.
    pub allowed_roles: Option<Vec<String>>,
    /// Weakest `acr` that the client accepts.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub least_acr: Option<Option<String>>,
    /// Clients that may manage this client, in addition to the one that registered it. Only administrators who signed in
    /// themselves may set it. At most 50.
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    pub managed_by: Option<Vec<String>>,
}

/// Moves the given values into the draft unchanged.
macro_rules! take {
    ($change:ident => $draft:expr; $($field:ident),+) => {
        $(if let Some(value) = $change.$field { $draft.$field = value; })+
    };
}

/// Moves the given numbers of seconds, which may be `null`, into the draft.
macro_rules! take_seconds {
    ($change:ident => $draft:expr; $($field:ident: $fault:expr),+) => {
        $(if let Some(given) = $change.$field {
            let seconds = given.map(u32::try_from).transpose();
            let fault = $fault.of(stringify!($field));
            $draft.$field = seconds.map_err(|_| fault)?;
        })+
    };
}

/// Parses each given text as one of its type's values and moves it into the draft.
macro_rules! choose {
    ($change:ident => $draft:expr; $($field:ident: $type:ty),+) => {
        $(if let Some(text) = $change.$field {
            let fault = FieldErrorKind::Choice(<$type>::NAMES);
            let field = stringify!($field);
            $draft.$field = <$type>::parse(&text).ok_or(fault.of(field))?;
        })+
    };
}

impl<'de> Deserialize<'de> for ClientChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(deserializer)?;
        members.retain(|name, _| !is_ignored(name));
        // Calls the function that `remote` derives, not this one.
        Self::deserialize(Value::Object(members)).map_err(D::Error::custom)
    }
}

impl ClientChange {
    /// Returns the draft of a new client; members that were left out have their defaults.
    pub(super) fn into_draft(mut self) -> Result<Draft, InvalidField> {
        let mut draft = Draft::default();
        let has_redirects = self
            .redirect_uris
            .as_ref()
            .is_some_and(|all| !all.is_empty());
        let method = self.token_endpoint_auth_method.as_ref();
        let is_public = method.is_some_and(|method| method.as_deref() == Some("none"));
        if self.grant_types.is_none() && (has_redirects || is_public) {
            draft.metadata.grant_types =
                vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        }
        let scope = self.scope.take();
        let is_web_or_native = self.application_type.is_some();
        self.apply(&mut draft)?;
        // RFC 8252 §7.3: only a program on the user's own device listens on a loopback address.
        let metadata = &mut draft.metadata;
        if !is_web_or_native
            && has_redirects
            && metadata.redirect_uris.iter().all(RedirectUri::is_loopback)
        {
            metadata.application_type = ApplicationType::Native;
        }
        draft.scopes = match scope {
            Some(scope) => parse_scope(&scope)?,
            None => draft.default_scopes(),
        };
        Ok(draft)
    }

    /// Applies the change to `draft`. [`Draft::checked`] then checks the result as a whole.
    pub(super) fn apply(self, draft: &mut Draft) -> Result<(), InvalidField> {
        for (field, is_given) in [
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
        ] {
            if is_given {
                return Err(FieldErrorKind::AtRegistration.of(field));
            }
        }
        if let Some(name) = self.client_name {
            draft.name = name;
        }
        if let Some(scope) = &self.scope {
            draft.scopes = parse_scope(scope)?;
        }
        draft.response_types = self.response_types;
        let metadata = &mut draft.metadata;
        if let Some(all) = self.redirect_uris {
            metadata.redirect_uris = addresses("redirect_uris", &all)?;
        }
        if let Some(all) = self.post_logout_redirect_uris {
            metadata.post_logout_redirect_uris = addresses("post_logout_redirect_uris", &all)?;
        }
        if let Some(all) = self.grant_types {
            let grants = all
                .iter()
                .map(|text| GrantType::parse(text))
                .collect::<Option<_>>();
            let fault = FieldErrorKind::Choice(GrantType::NAMES).of("grant_types");
            metadata.grant_types = grants.ok_or(fault)?;
        }
        if let Some(all) = self.managed_by {
            metadata.managed_by = client_ids("managed_by", &all)?;
        }
        if let Some(age) = self.default_max_age {
            let age = age.map(u32::try_from).transpose();
            let fault = FieldErrorKind::Age.of("default_max_age");
            metadata.default_max_age = age.map_err(|_| fault)?;
        }
        let long = FieldErrorKind::RefreshLifetime;
        take_seconds!(self => metadata;
            access_token_lifetime: FieldErrorKind::Lifetime, id_token_lifetime: FieldErrorKind::Lifetime,
            refresh_token_lifetime: long, offline_lifetime: long, offline_idle_timeout: long
        );
        if let Some(method) = self.token_endpoint_auth_method {
            let parse = |text: String| {
                let fault = FieldErrorKind::Choice(AuthMethod::NAMES);
                AuthMethod::parse(&text).ok_or(fault.of("token_endpoint_auth_method"))
            };
            metadata.accepts_either_secret_method = method.is_none();
            metadata.token_endpoint_auth_method =
                method.map(parse).transpose()?.unwrap_or_default();
        }
        if let Some(value) = &self.require_pkce {
            let fault = FieldErrorKind::Choice(RequirePkce::NAMES).of("require_pkce");
            metadata.require_pkce = RequirePkce::parse(value).ok_or(fault)?;
        }
        choose!(self => metadata;
            application_type: ApplicationType,
            id_token_signed_response_alg: Algorithm, access_token_format: AccessTokenFormat,
            access_token_header_type: AccessTokenHeaderType
        );
        take!(self => metadata;
            client_uri, policy_uri, tos_uri, backchannel_logout_uri, backchannel_logout_session_required,
            backchannel_logout_without_sid, default_acr_values, pkce_used, require_consent, rotate_refresh_tokens, claims_in_id_token,
            allowed_origins, resources, userinfo_audience, audiences, allowed_roles, least_acr
        );
        Ok(())
    }
}

fn parse_scope(text: &str) -> Result<Scopes, InvalidField> {
    Scopes::parse(text).map_err(|_| FieldErrorKind::ScopeName.of("scope"))
}

fn client_ids(field: &'static str, all: &[String]) -> Result<Vec<ClientId>, InvalidField> {
    let parse = |(entry, text): (usize, &String)| {
        ClientId::named(text).ok_or(FieldErrorKind::Client.at(field, entry))
    };
    all.iter().enumerate().map(parse).collect()
}

fn addresses(field: &'static str, all: &[String]) -> Result<Vec<RedirectUri>, InvalidField> {
    if all.len() > MAX_ENTRIES {
        return Err(FieldErrorKind::TooMany.of(field));
    }
    let parse = |(entry, text): (usize, &String)| {
        RedirectUri::parse(text).map_err(|fault| fault.at(field, entry))
    };
    all.iter().enumerate().map(parse).collect()
}
