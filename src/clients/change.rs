//! A registration or change of a client as the caller wrote it, and how it is parsed onto the registered client or the defaults.

use serde::de::{DeserializeOwned, Error};
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

/// What to register or to change of a client, under the names of RFC 7591. What is left out stays, or has its default.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct ClientChange {
    /// At registration only, by an administrator in person only: the `client_id`, 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, the first a
    /// letter or digit. Never one that a client had before. Default: a UUID that nobody chose.
    pub client_id: Option<String>,
    /// At registration only, by an administrator in person only: the secret, 32 to 256 printable ASCII characters. Default: one
    /// that Doorward makes.
    #[schema(value_type = Option<String>)]
    pub client_secret: Option<TypedSecret>,
    /// What people and administrators call it: 1 to 100 characters.
    pub client_name: Option<String>,
    /// What it may ask, with a space between the names. Default: everything about a person, for an app that people sign in to.
    pub scope: Option<String>,
    /// Where authorization responses may go; compared exactly. At most 50.
    pub redirect_uris: Option<Vec<String>>,
    /// Where a person may be sent after sign-out; compared exactly. At most 50.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Origins besides those of its redirect URIs whose pages may call the token, `UserInfo` and revocation endpoints, for
    /// example `capacitor://localhost`. At most 50.
    pub allowed_origins: Option<Vec<String>>,
    /// How it authenticates at the token endpoint. `none`: a public client, without a secret. Left out at registration, or
    /// `null`: its secret is accepted in the header and in the body (`accepts_either_secret_method` is true then).
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<AuthMethod>)]
    pub token_endpoint_auth_method: Option<Option<String>>,
    /// Which grants it may use. Default: `authorization_code` and `refresh_token` where there are redirect URIs, else
    /// `client_credentials`.
    #[schema(value_type = Option<Vec<GrantType>>)]
    pub grant_types: Option<Vec<String>>,
    /// Which response types it uses: `code` with the grant `authorization_code`, none without it.
    pub response_types: Option<Vec<String>>,
    /// Web or native.
    #[schema(value_type = Option<ApplicationType>)]
    pub application_type: Option<String>,
    /// Its home page; `null` takes it away, as with everything below that may be `null`.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub client_uri: Option<Option<String>>,
    /// What it does with people's data.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub policy_uri: Option<Option<String>>,
    /// URL of the client's terms of service.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub tos_uri: Option<Option<String>>,
    /// Where it wants to hear of ended sessions (OpenID Connect Back-Channel Logout §2.2).
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub backchannel_logout_uri: Option<Option<String>>,
    /// Whether it needs `sid` in a logout token. It is there unless `backchannel_logout_without_sid` is set.
    pub backchannel_logout_session_required: Option<bool>,
    /// Whether its logout tokens name the user alone, so that it ends every session of theirs.
    pub backchannel_logout_without_sid: Option<bool>,
    /// Under which algorithm its tokens are signed.
    #[schema(value_type = Option<Algorithm>)]
    pub id_token_signed_response_alg: Option<String>,
    /// How old a sign-in may be for this app, in seconds, where it does not say so itself.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub default_max_age: Option<Option<i64>>,
    /// Which `acr` it asks for where it does not say so itself.
    pub default_acr_values: Option<Vec<String>>,
    /// Whether it must use PKCE: `true`, `false`, or `auto` (the default): until it has used PKCE once, a client with a secret
    /// may rely on `nonce`. A public client must use it in any case.
    #[schema(value_type = Option<RequirePkce>)]
    pub require_pkce: Option<Value>,
    /// Whether it has used PKCE; `false` lets a client with `auto` rely on `nonce` again.
    pub pkce_used: Option<bool>,
    /// Whether people are asked before it learns of them.
    pub require_consent: Option<bool>,
    /// Whether each refresh token is good for one use. A public client's must be.
    pub rotate_refresh_tokens: Option<bool>,
    /// Signed or opaque.
    #[schema(value_type = Option<AccessTokenFormat>)]
    pub access_token_format: Option<String>,
    /// The `typ` in the header of its JWT access tokens, and of those that others get for its audiences: `JWT` for libraries that
    /// refuse `at+jwt`.
    #[schema(value_type = Option<AccessTokenHeaderType>)]
    pub access_token_header_type: Option<String>,
    /// For how many seconds its access tokens are valid: 30 to 3600; `null`: as long as is configured. More than 300 are set by an
    /// administrator in person only.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub access_token_lifetime: Option<Option<i64>>,
    /// The same for its ID tokens.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub id_token_lifetime: Option<Option<i64>>,
    /// For how many seconds from the first one on its refresh tokens without offline access are valid: 60 to 157680000; `null`: as long
    /// as the session. More than is configured is set by an administrator in person only; so it is with the following two.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub refresh_token_lifetime: Option<Option<i64>>,
    /// For how many seconds its offline access is valid: 60 to 157680000; `null`: as long as is configured.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub offline_lifetime: Option<Option<i64>>,
    /// After how many seconds without use its offline access ends: 60 to 157680000; `null`: as is configured.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<u32>)]
    pub offline_idle_timeout: Option<Option<i64>>,
    /// Whether the claims of its scopes stand in the ID token too, as they do unless this is `false`.
    pub claims_in_id_token: Option<bool>,
    /// The services for which it may get tokens (RFC 8707), as absolute URIs. At most 50.
    pub resources: Option<Vec<String>>,
    /// Whether tokens for these services are accepted by `UserInfo` too, where `openid` is granted.
    pub userinfo_audience: Option<bool>,
    /// What it is called as such a service: absolute URIs, by which tokens are requested, and plain names without a colon, which
    /// stand beside the URI in the audience of those tokens. Each belongs to one client. At most 50.
    pub audiences: Option<Vec<String>>,
    /// Who may use it: holders of one of these roles. Empty: everybody.
    pub allowed_roles: Option<Vec<String>>,
    /// The weakest sign-in that it takes.
    #[serde(deserialize_with = "explicit_null")]
    #[schema(value_type = Option<String>)]
    pub least_acr: Option<Option<String>>,
    /// Services that may manage it, besides the one that registered it. Set by an administrator in person only. At most 50.
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
            let fault = InvalidField::new(stringify!($field), $fault);
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
            $draft.$field = choice(&text).ok_or(InvalidField::new(field, fault))?;
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
                return Err(InvalidField::new(field, FieldErrorKind::AtRegistration));
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
            let grants = all.iter().map(|text| choice(text)).collect::<Option<_>>();
            let fault = InvalidField::new("grant_types", FieldErrorKind::Choice(GrantType::NAMES));
            metadata.grant_types = grants.ok_or(fault)?;
        }
        if let Some(all) = self.managed_by {
            metadata.managed_by = client_ids("managed_by", &all)?;
        }
        if let Some(age) = self.default_max_age {
            let age = age.map(u32::try_from).transpose();
            let fault = InvalidField::new("default_max_age", FieldErrorKind::Age);
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
                choice(&text).ok_or(InvalidField::new("token_endpoint_auth_method", fault))
            };
            metadata.accepts_either_secret_method = method.is_none();
            metadata.token_endpoint_auth_method =
                method.map(parse).transpose()?.unwrap_or_default();
        }
        if let Some(value) = &self.require_pkce {
            let fault =
                InvalidField::new("require_pkce", FieldErrorKind::Choice(RequirePkce::NAMES));
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

/// Parses one of the values of an enum.
fn choice<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.to_owned())).ok()
}

fn parse_scope(text: &str) -> Result<Scopes, InvalidField> {
    Scopes::parse(text).map_err(|_| InvalidField::new("scope", FieldErrorKind::ScopeName))
}

fn client_ids(field: &'static str, all: &[String]) -> Result<Vec<ClientId>, InvalidField> {
    let parse = |(entry, text): (usize, &String)| {
        ClientId::named(text).ok_or(InvalidField::at(field, entry, FieldErrorKind::Client))
    };
    all.iter().enumerate().map(parse).collect()
}

fn addresses(field: &'static str, all: &[String]) -> Result<Vec<RedirectUri>, InvalidField> {
    if all.len() > MAX_ENTRIES {
        return Err(InvalidField::new(field, FieldErrorKind::TooMany));
    }
    let parse = |(entry, text): (usize, &String)| {
        RedirectUri::parse(text).map_err(|fault| InvalidField::at(field, entry, fault.into()))
    };
    all.iter().enumerate().map(parse).collect()
}
