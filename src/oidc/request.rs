//! Authorization requests (OpenID Connect Core §3.1.2.1): parsed and validated as far as possible without knowing the user.

use serde::{Deserialize, Serialize};
use url::Url;

use super::claims_request::{self, ClaimsRequest};
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::request_object::RequestObjectHints;
use super::requested_acr::AcrRequest;
use super::resources::{check_resource, not_this_grant, read_resources, userinfo_audience};
pub use super::response_mode::ResponseMode;
use super::{pkce, user_claims, user_claims::Rules};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients::{Client, GrantType, Scope, Scopes};
use crate::sessions::Acr;

/// Where and how the response is sent. Read before all other parameters, so that their errors can be sent there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseTarget {
    /// Redirect URI of the request, which matches a registered one.
    pub redirect_uri: String,
    /// How the response is sent there.
    pub response_mode: ResponseMode,
    /// `state` of the request, which is returned unchanged.
    pub state: Option<String>,
}

/// Interactions that the request asks for (OpenID Connect Core §3.1.2.1, `prompt`; Initiating User Registration 1.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    /// Consent, even if the user has consented before.
    pub consent: bool,
    pub select_account: bool,
    /// Creation of a new account.
    pub create: bool,
}

impl Prompt {
    /// Values that discovery lists.
    pub const ALL: [&'static str; 5] = ["none", "login", "consent", "select_account", "create"];
}

/// A validated authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// ID of the client.
    pub client: ClientId,
    /// Where the response is sent.
    pub to: ResponseTarget,
    /// Requested scopes that the client is registered for.
    pub scopes: Scopes,
    /// Scopes that the user is asked to consent to: `scopes`, and those to which individually requested claims belong.
    pub consent: Scopes,
    /// Resources that tokens may be requested for.
    pub resources: Vec<String>,
    /// Value that is returned in the ID token.
    pub nonce: Option<String>,
    /// PKCE code challenge, S256.
    pub code_challenge: Option<String>,
    /// Interactions that the request asks for.
    pub prompt: Prompt,
    /// Maximum age of the sign-in, in seconds.
    pub max_age: Option<u32>,
    /// Required strength of the sign-in.
    pub acr: AcrRequest,
    /// Individually requested claims.
    pub claims: ClaimsRequest,
    /// Username that the app suggests for the sign-in.
    pub login_hint: Option<String>,
    /// ID of the user who must be signed in.
    pub subject: Option<UserId>,
    /// Time of the request.
    pub received_at: Timestamp,
    /// The client's `consent_epoch` at that time: the user consents to the client as it was shown.
    #[serde(default)]
    pub consent_epoch: i64,
}

/// Maximum length of `login_hint`, in characters; the rest is cut off.
const MAX_HINT_LEN: usize = 200;

/// Reads where the response is sent. Until this is known, every error stays on Doorward's own page (RFC 9700 §4.11).
///
/// A request object is refused later, and the client expects that error in the way that its object names (OpenID Connect Core
/// §6.1: values in the object supersede the parameters).
pub fn read_response_target(
    parameters: &Parameters,
    client: &Client,
    issuer: &str,
) -> Result<ResponseTarget, OAuthError> {
    let registered = client.metadata.redirect_uris.iter();
    let registered = registered.map(|uri| uri.as_str()).collect::<Vec<_>>();
    let redirect_uri = parameters.get("redirect_uri").ok_or_else(|| {
        let description = "redirect_uri is missing; send a registered one";
        OAuthError::invalid_request(description).with_rule(
            "redirect-uri-missing",
            "",
            &registered.join(" "),
        )
    })?;
    if !client.metadata.allows_redirect_to(redirect_uri) {
        let description = "redirect_uri is not registered for this client; it is compared character by character, except for the port of a native \
             app's loopback address";
        return Err(OAuthError::invalid_request(description)
            .with_rule(
                "redirect-uri-not-registered",
                redirect_uri,
                &registered.join(" "),
            )
            .with_remedy(format!(
                "doorward client update {} --add-redirect-uri URI",
                client.public_id
            )));
    }
    // Registration refuses it, but a native app's loopback address matches any port, also that of a Doorward on this machine.
    if Url::parse(redirect_uri).is_ok_and(|url| url.origin().ascii_serialization() == issuer) {
        let description = "redirect_uri is an address of this server";
        let refusal = OAuthError::invalid_request(description);
        return Err(refusal.with_rule("redirect-uri-own", redirect_uri, issuer));
    }
    let object = parameters.get("request").map(RequestObjectHints::read);
    let object = object.unwrap_or_default();
    let response_mode = object.response_mode.unwrap_or_else(|| {
        let mode = parameters.get("response_mode");
        mode.and_then(ResponseMode::parse).unwrap_or_default()
    });
    let state = parameters.get("state").map(str::to_owned);
    Ok(ResponseTarget {
        redirect_uri: redirect_uri.to_owned(),
        response_mode,
        state: object.state.or(state),
    })
}

impl AuthorizationRequest {
    /// Returns what is left of a stored request under the client's current registration; `None` if it can't be granted any more.
    pub fn restrict_to(mut self, client: &Client, issuer: &str, rules: Rules<'_>) -> Option<Self> {
        let is_registered = client.metadata.allows_redirect_to(&self.to.redirect_uri)
            && client.metadata.allows(GrantType::AuthorizationCode);
        if !is_registered {
            return None;
        }
        let protection = (self.code_challenge.as_deref(), self.nonce.is_some());
        if !pkce::is_protected(
            client,
            protection,
            &self.scopes.intersection(&client.scopes),
        ) {
            return None;
        }
        // The client's access was widened since: the user consented, or would consent, to an earlier state of it.
        if client.metadata.require_consent && self.consent_epoch != client.consent_epoch {
            return None;
        }
        let userinfo = userinfo_audience(issuer);
        if !client.metadata.userinfo_audience {
            self.resources.retain(|resource| *resource != userinfo);
        }
        let may_have = |resource: &String| {
            *resource == userinfo || check_resource(resource, client, issuer).is_ok()
        };
        if !self.resources.iter().all(may_have) {
            return None;
        }
        self.scopes = self.scopes.intersection(&client.scopes);
        self.consent = self.consent.intersection(&client.scopes);
        self.claims = user_claims::restrict(self.claims, &client.scopes, rules);
        Some(self)
    }
}

/// Reads the rest. `hint` is the user of a verified `id_token_hint`, tokens for `issuer` may always be
/// requested, `rules` are the configured claims.
pub fn read(
    parameters: &Parameters,
    client: &Client,
    to: ResponseTarget,
    hint: Option<UserId>,
    (issuer, now, rules): (&str, Timestamp, Rules<'_>),
) -> Result<AuthorizationRequest, OAuthError> {
    reject_unsupported(parameters, client)?;
    let prompt = read_prompt(parameters.get("prompt"))?;
    let (claims, requirements) = match parameters.get("claims") {
        Some(claims) => claims_request::parse(claims)?,
        None => Default::default(),
    };
    let subject = read_subject(hint, requirements.sub.as_deref())?;
    let scopes = read_scopes(parameters, client)?;
    // Claims that the client is not registered for are dropped, also if it is registered for them before the request is granted.
    let claims = user_claims::restrict(claims, &client.scopes, rules);
    let single = user_claims::scopes_of(&claims, rules);
    Ok(AuthorizationRequest {
        client: client.id,
        consent: scopes.union(&single),
        code_challenge: pkce::read_challenge(parameters, client, &scopes)?,
        resources: read_resources(parameters, client, &scopes, issuer)?,
        scopes,
        nonce: parameters.get("nonce").map(str::to_owned),
        prompt,
        max_age: read_max_age(parameters, client)?,
        acr: read_acr(
            parameters,
            client,
            requirements.essential_acr,
            requirements.voluntary_acr,
        ),
        claims,
        login_hint: parameters
            .get("login_hint")
            .map(|hint| hint.chars().take(MAX_HINT_LEN).collect()),
        subject,
        received_at: now,
        consent_epoch: client.consent_epoch,
        to,
    })
}

fn reject_unsupported(parameters: &Parameters, client: &Client) -> Result<(), OAuthError> {
    // OpenID Connect Core §3.1.2.6: refused, never ignored.
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if parameters.get(name).is_some() {
            let description = format!("the parameter {name} is not supported");
            return Err(OAuthError::new(code, description));
        }
    }
    let response_mode = parameters.get("response_mode");
    if response_mode.is_some_and(|mode| ResponseMode::parse(mode).is_none()) {
        return Err(OAuthError::invalid_request(
            "response_mode must be query, fragment or form_post",
        ));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(OAuthError::new(
                ErrorCode::UnsupportedResponseType,
                "response_type must be code",
            ));
        }
        None => {
            let description = "response_type is missing; send code";
            let refusal = OAuthError::invalid_request(description);
            return Err(refusal.with_rule("response-type-missing", "", "code"));
        }
    }
    if !client.metadata.allows(GrantType::AuthorizationCode) {
        return Err(not_this_grant(client, GrantType::AuthorizationCode));
    }
    Ok(())
}

fn read_prompt(text: Option<&str>) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::default();
    let mut count = 0_u32;
    for word in text
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        count = count.saturating_add(1);
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            "create" => prompt.create = true,
            _ => return Err(OAuthError::invalid_request("prompt has an unknown value")),
        }
    }
    if prompt.none && count > 1 {
        // OpenID Connect Core §3.1.2.1.
        return Err(OAuthError::invalid_request(
            "prompt=none can't be combined with another value",
        ));
    }
    Ok(prompt)
}

/// Parses the parameter `scope`.
pub(super) fn parse_scopes(text: &str) -> Result<Scopes, OAuthError> {
    Scopes::parse(text).map_err(|fault| OAuthError::new(ErrorCode::InvalidScope, fault.to_string()))
}

/// Returns the requested scopes that the client is registered for; the response says what was granted (RFC 6749 §3.3).
fn read_scopes(parameters: &Parameters, client: &Client) -> Result<Scopes, OAuthError> {
    let requested = parse_scopes(parameters.get("scope").unwrap_or_default())?;
    let mut scopes = requested.intersection(&client.scopes);
    // A client without refresh tokens has no offline access (OpenID Connect Core §11).
    if !client.metadata.allows(GrantType::RefreshToken) {
        scopes = scopes.without(Scope::OfflineAccess);
    }
    Ok(scopes)
}

fn read_max_age(parameters: &Parameters, client: &Client) -> Result<Option<u32>, OAuthError> {
    match parameters.get("max_age") {
        None => Ok(client.metadata.default_max_age),
        Some(text) => match text.parse::<u64>() {
            Ok(seconds) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Some(u32::try_from(seconds).unwrap_or(u32::MAX)))
            }
            _ => Err(OAuthError::invalid_request(
                "max_age must be a whole number of seconds",
            )),
        },
    }
}

fn read_acr(
    parameters: &Parameters,
    client: &Client,
    essential: Option<Vec<String>>,
    requested_values: Vec<String>,
) -> AcrRequest {
    if let Some(values) = essential {
        return AcrRequest {
            values,
            essential: true,
        };
    }
    let mut values: Vec<String> = parameters
        .get("acr_values")
        .unwrap_or_default()
        .split(' ')
        .filter(|value| !value.is_empty())
        .take(20)
        .map(str::to_owned)
        .collect();
    if values.is_empty() {
        values = requested_values;
    }
    if values.is_empty() {
        values.clone_from(&client.metadata.default_acr_values);
    }
    // Unknown values can't be met, and as voluntary values they are ignored.
    values.retain(|value| Acr::rank(value).is_some());
    AcrRequest {
        values,
        essential: false,
    }
}

fn read_subject(hint: Option<UserId>, claimed: Option<&str>) -> Result<Option<UserId>, OAuthError> {
    let Some(claimed) = claimed else {
        return Ok(hint);
    };
    // OpenID Connect Core §5.5.1: exactly this user must be signed in.
    let claimed = UserId::parse(claimed).filter(|id| hint.is_none_or(|hint| hint == *id));
    match claimed {
        Some(id) => Ok(Some(id)),
        None => Err(OAuthError::new(
            ErrorCode::LoginRequired,
            "no user is the subject that claims requests",
        )),
    }
}
