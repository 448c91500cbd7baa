//! Client authentication at the OAuth endpoints (RFC 6749 §2.3): by one method in each request, which the
//! client is registered with.

use super::Oidc;
use super::parameters::Parameters;
use crate::account_state::Unavailable;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{
    self, AcceptedMethods, AuthMethod, AuthenticateError, ClientRecord, ClientSecret, Credentials,
    FailedAuthentication, parse_basic,
};
use crate::db::{self, Connection};
use crate::tokens::CachedTokenState;

/// Why client authentication failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientAuthError {
    /// `invalid_client`: 401 if the `Authorization` header was used, otherwise 400 (RFC 6749 §5.2).
    #[error("client authentication failed: {0}")]
    Failed(FailedAuthentication),
    /// The request uses more than one authentication method (RFC 6749 §2.3).
    #[error("more than one authentication method")]
    TwoMethods,
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<AuthenticateError> for ClientAuthError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Unknown(failed) => Self::Failed(failed),
            AuthenticateError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl Oidc {
    /// Authenticates the client of a request by its `Authorization` header or its form.
    pub async fn authenticate_client(
        &self,
        authorization: Option<&str>,
        parameters: &Parameters,
    ) -> Result<ClientRecord, ClientAuthError> {
        let credentials = read_credentials(authorization, parameters)?;
        Ok(self
            .clients
            .authenticate(&credentials, AcceptedMethods::Registered)
            .await?)
    }

    /// Like [`Oidc::authenticate_client`]. In the same round trip it reads the cached records that are needed to check the access
    /// token in the parameter `token`.
    pub async fn authenticate_client_with_token(
        &self,
        authorization: Option<&str>,
        parameters: &Parameters,
    ) -> Result<(ClientRecord, Option<CachedTokenState>), ClientAuthError> {
        let credentials = read_credentials(authorization, parameters)?;
        let token = parameters.get("token").unwrap_or_default();
        let key = self.clients.key(credentials.client.id());
        let (copy, copies) = self.tokens.read_cached_with(token, &key).await?;
        let record = self
            .clients
            .authenticate_with_cached(&credentials, AcceptedMethods::Registered, copy.as_deref())
            .await?;
        Ok((record, copies))
    }
}

/// Returns the client's current registration if the credentials that it used before the transaction are still valid.
///
/// Call it after the transaction has acquired all its locks, so that nothing waits between this read and the commit. The client's
/// row is not locked: otherwise a request that waits for a user's lock would delay the change that disables its client.
pub(super) fn find_still_authenticated(
    conn: &mut Connection,
    earlier: &ClientRecord,
) -> db::Result<Result<ClientRecord, FailedAuthentication>> {
    let found = clients::find(conn, earlier.client.id)?;
    if let Some(record) = found.filter(|record| record.is_still_authenticated(earlier)) {
        return Ok(Ok(record));
    }
    let method = earlier.client.metadata.token_endpoint_auth_method;
    Ok(Err(FailedAuthentication {
        reason: "changed-concurrently",
        client: Some(earlier.client.public_id.clone()),
        by_header: method == AuthMethod::ClientSecretBasic,
        used: Some(method),
        registered: None,
    }))
}

/// Reads the client's credentials from the HTTP Basic header or the form.
pub fn read_credentials(
    authorization: Option<&str>,
    parameters: &Parameters,
) -> Result<Credentials, ClientAuthError> {
    let secret = parameters.get("client_secret");
    let named = parameters.get("client_id");
    if let Some(header) = authorization {
        if secret.is_some() {
            return Err(ClientAuthError::TwoMethods);
        }
        let malformed = || ClientAuthError::Failed(FailedAuthentication::malformed_header(header));
        let credentials = parse_basic(header).ok_or_else(malformed)?;
        // Some libraries repeat `client_id` in the body; it must be the same.
        if named.is_some_and(|named| named != credentials.client.as_str()) {
            return Err(ClientAuthError::TwoMethods);
        }
        return Ok(credentials);
    }
    let client = named.and_then(PublicClientId::parse);
    let method = match secret {
        Some(_) => AuthMethod::ClientSecretPost,
        None => AuthMethod::None,
    };
    let malformed = || {
        ClientAuthError::Failed(FailedAuthentication {
            reason: "malformed",
            client: client.clone(),
            by_header: false,
            used: Some(method),
            registered: None,
        })
    };
    let secret = secret
        .map(|secret| ClientSecret::parse(secret).ok_or_else(malformed))
        .transpose()?;
    let client = client.clone().ok_or_else(malformed)?;
    Ok(Credentials {
        client,
        secret,
        method,
        by_header: false,
    })
}
