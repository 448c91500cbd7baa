//! All of this app's OpenID Connect code, independent of its HTTP server.

use anyhow::{Context as _, Result, ensure};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, SubjectIdentifier, TokenResponse as _, UserInfoError,
};

/// Doorward's URL and this app's registration.
pub struct Settings {
    /// Doorward's public URL.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// This app's own address.
    pub origin: String,
}

/// The OpenID Connect client.
pub struct Doorward {
    client: CoreClient<
        EndpointSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointMaybeSet,
        EndpointMaybeSet,
    >,
    end_session: EndSessionUrl,
    first_page: PostLogoutRedirectUrl,
    agent: ureq::Agent,
}

/// What the response to a sign-in must match; stored in a cookie of the browser.
pub struct Pending {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

/// A signed-in user.
pub struct Session {
    /// Use this as the key for user data: names and email addresses change and can pass to another user.
    pub sub: SubjectIdentifier,
    pub id_token: CoreIdToken,
    pub access_token: AccessToken,
    pub refresh_token: Option<RefreshToken>,
}

impl Doorward {
    /// Reads Doorward's metadata and keys.
    pub fn discover(settings: &Settings) -> Result<Self> {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let issuer = IssuerUrl::new(settings.issuer.clone())?;
        let metadata =
            ProviderMetadataWithLogout::discover(&issuer, &|request| send(&agent, request))?;
        let end_session = metadata.additional_metadata().end_session_endpoint.clone();
        let id = ClientId::new(settings.client_id.clone());
        let secret = ClientSecret::new(settings.client_secret.clone());
        let callback = RedirectUrl::new(format!("{}/callback", settings.origin))?;
        // Authenticates by HTTP Basic, the default of this crate and of Doorward.
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(callback);
        Ok(Self {
            client,
            end_session: end_session.context("no end_session_endpoint")?,
            first_page: PostLogoutRedirectUrl::new(format!("{}/", settings.origin))?,
            agent,
        })
    }

    /// The URL to redirect to, and what the response must match.
    pub fn sign_in(&self) -> (String, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let (address, state, nonce) = request
            .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        };
        (address.into(), pending)
    }

    /// Starts a session from the response.
    pub fn finish(&self, pending: Pending, state: &str, code: String) -> Result<Session> {
        ensure!(pending.state == state, "another browser's answer");
        let tokens = self
            .client
            .exchange_code(AuthorizationCode::new(code))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request(&|request| send(&self.agent, request))?;
        let id_token = tokens.id_token().context("no ID token")?.clone();
        let verifier = self.client.id_token_verifier();
        let claims = id_token.claims(&verifier, &Nonce::new(pending.nonce))?;
        if let Some(expected) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)?;
            ensure!(actual == *expected, "the access token is another one's");
        }
        Ok(Session {
            sub: claims.subject().clone(),
            access_token: tokens.access_token().clone(),
            refresh_token: tokens.refresh_token().cloned(),
            id_token,
        })
    }

    /// What UserInfo says; `None` when the session or the passkey was revoked.
    pub fn user_info(&self, session: &Session) -> Result<Option<CoreUserInfoClaims>> {
        let request = self
            .client
            .user_info(session.access_token.clone(), Some(session.sub.clone()))?;
        match request.request(&|request| send(&self.agent, request)) {
            Err(UserInfoError::Response(status, ..)) if status.as_u16() == 401 => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    /// Renews the session's access token; false when the session or the passkey was revoked.
    pub fn refresh(&self, session: &mut Session) -> Result<bool> {
        let token = session.refresh_token.clone().context("no refresh token")?;
        let request = self.client.exchange_refresh_token(&token)?;
        let answer = request.request(&|request| send(&self.agent, request));
        let tokens: CoreTokenResponse = match answer {
            Err(RequestTokenError::ServerResponse(refusal))
                if *refusal.error() == CoreErrorResponseType::InvalidGrant =>
            {
                return Ok(false);
            }
            answer => answer?,
        };
        session.access_token = tokens.access_token().clone();
        // Each refresh token is single-use: store the new one.
        session.refresh_token = tokens.refresh_token().cloned().or(Some(token));
        Ok(true)
    }

    /// Where to send the browser so that Doorward's session ends too.
    pub fn sign_out(&self, session: &Session) -> String {
        let request = LogoutRequest::from(self.end_session.clone())
            .set_id_token_hint(&session.id_token)
            .set_post_logout_redirect_uri(self.first_page.clone());
        request.http_get_url().into()
    }
}

/// One HTTP request. The crate brings clients of its own for reqwest and curl.
fn send(agent: &ureq::Agent, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let (parts, mut body) = agent.run(request)?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}
