//! Client authentication: by a secret in the header or in the body or, for a public client, by its ID alone (RFC 6749 §2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AuthMethod, ClientRecord, ClientSecret, Clients};
use crate::account_state::Unavailable;
use crate::base::public_client_id::PublicClientId;

/// Reason code for a wrong secret of an existing client.
pub const WRONG_SECRET: &str = "wrong-secret";

/// The credentials that a client presented.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client ID that was presented, unverified.
    pub client: PublicClientId,
    /// The secret, if one was presented.
    pub secret: Option<ClientSecret>,
    /// The method by which they were presented.
    pub method: AuthMethod,
    /// Whether the `Authorization` header was used, even with an empty secret: errors then need a challenge (RFC 6749 §5.2).
    pub by_header: bool,
}

/// The client authentication methods that an endpoint accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedMethods {
    /// The methods that the client is registered with; used by the OAuth endpoints.
    Registered,
    /// Any method with a secret; used by Doorward's own API, where every client with a secret may use HTTP Basic.
    AnySecret,
}

/// A failed client authentication, for the log. The response does not say which part was wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FailedAuthentication {
    /// Reason code for the log.
    pub reason: &'static str,
    /// The client ID that was presented, unverified; `None` if it could not be read.
    pub client: Option<PublicClientId>,
    /// Whether the `Authorization` header was used: errors then need a challenge (RFC 6749 §5.2).
    pub by_header: bool,
    /// The method that was used; `None` for one that Doorward does not support.
    pub used: Option<AuthMethod>,
    /// The methods that the client is registered with; `None` if the client does not exist.
    pub registered: Option<&'static str>,
}

impl FailedAuthentication {
    fn new(credentials: &Credentials, record: Option<&ClientRecord>, reason: &'static str) -> Self {
        Self {
            reason,
            client: Some(credentials.client.clone()),
            by_header: credentials.by_header,
            used: Some(credentials.method),
            registered: record.map(|record| record.client.metadata.accepted_methods()),
        }
    }

    /// The failure for an `Authorization` header that holds no valid Basic credentials.
    pub fn malformed_header(header: &str) -> Self {
        let credentials = basic_credentials(header);
        let is_basic = basic_token(header).is_some();
        Self {
            reason: "malformed",
            client: credentials.and_then(|(id, _)| PublicClientId::parse(&decode(&id)?)),
            by_header: true,
            used: is_basic.then_some(AuthMethod::ClientSecretBasic),
            registered: None,
        }
    }

    /// Writes the failure to the log.
    pub fn log(&self) {
        tracing::info!(
            reason = self.reason,
            client_id = self.client.as_ref().map(tracing::field::display),
            method_used = self.used.map(AuthMethod::as_str),
            method_registered = self.registered,
            "client authentication failed"
        );
    }
}

/// Why a client could not be authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The client does not exist or is disabled, or the secret or the method is wrong. Responses do not distinguish these cases.
    #[error("client authentication failed: {0}")]
    Unknown(FailedAuthentication),
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Clients {
    /// Authenticates a client by these credentials. Every endpoint uses this function. `Unknown` carries the details for the log.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        accepted: AcceptedMethods,
    ) -> Result<ClientRecord, AuthenticateError> {
        let copy = self.cache.get(&self.key(credentials.client.id())).await;
        let copy = copy.map_err(Unavailable::from)?;
        self.authenticate_with_cached(credentials, accepted, copy.as_deref())
            .await
    }

    /// Like [`Clients::authenticate`], for a caller that has already read the client's cached record along with other keys.
    pub async fn authenticate_with_cached(
        &self,
        credentials: &Credentials,
        accepted: AcceptedMethods,
        copy: Option<&str>,
    ) -> Result<ClientRecord, AuthenticateError> {
        let record = self.find_with_cached(credentials.client.id(), copy).await?;
        let failed = |record: Option<&ClientRecord>, reason| {
            AuthenticateError::Unknown(FailedAuthentication::new(credentials, record, reason))
        };
        let record = record.ok_or_else(|| failed(None, "no-client"))?;
        if !record.client.enabled {
            return Err(failed(Some(&record), "client-disabled"));
        }
        let is_accepted = match accepted {
            AcceptedMethods::Registered => {
                record.client.metadata.accepts_method(credentials.method)
            }
            AcceptedMethods::AnySecret => credentials.secret.is_some(),
        };
        if !is_accepted {
            return Err(failed(Some(&record), "wrong-auth-method"));
        }
        let is_proven = match &credentials.secret {
            Some(secret) => record.has_secret(secret, &self.sealer),
            None => record.client.metadata.is_public(),
        };
        if is_proven {
            Ok(record)
        } else {
            Err(failed(Some(&record), WRONG_SECRET))
        }
    }
}

/// Parses HTTP Basic credentials, `client_id:client_secret`; `None` for anything else. An empty secret counts as no secret: some
/// programs send a public client's ID that way.
pub fn parse_basic(header: &str) -> Option<Credentials> {
    // RFC 6749 §2.3.1 form-encodes both parts; some clients encode the hyphens of an ID.
    let (id, secret) = basic_credentials(header)?;
    let (secret, method) = if secret.is_empty() {
        (None, AuthMethod::None)
    } else {
        let secret = ClientSecret::parse_header(&secret, decode(&secret).as_deref())?;
        (Some(secret), AuthMethod::ClientSecretBasic)
    };
    Some(Credentials {
        client: PublicClientId::parse(&decode(&id)?)?,
        secret,
        method,
        by_header: true,
    })
}

/// Returns the part of a Basic header after the scheme.
fn basic_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("basic").then(|| token.trim())
}

/// Returns the ID and the secret of Basic credentials, still form-encoded.
fn basic_credentials(header: &str) -> Option<(String, String)> {
    let credentials = STANDARD.decode(basic_token(header)?).ok()?;
    let credentials = String::from_utf8(credentials).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Decodes one form-encoded value (`application/x-www-form-urlencoded`).
fn decode(text: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    let (name, value) = pairs.next()?;
    (value.is_empty() && pairs.next().is_none()).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ClientId;
    use crate::base::secrets::Token;

    fn basic(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[test]
    fn basic_credentials_are_parsed_strictly() {
        let (id, secret) = (ClientId::random(), Token::generate());
        let read = parse_basic(&basic(&id.to_string(), secret.expose())).expect("credentials");
        assert_eq!(read.client.id(), id);
        assert_eq!(read.secret, ClientSecret::parse(secret.expose()));
        let encoded = id.to_string().replace('-', "%2D");
        assert!(parse_basic(&basic(&encoded, secret.expose())).is_some());
        let empty = parse_basic(&basic(&id.to_string(), "")).expect("a public client");
        assert_eq!((empty.method, empty.secret), (AuthMethod::None, None));
        for bad in [
            basic("", secret.expose()),
            basic(&format!("{id}&x"), secret.expose()),
            basic(&format!("{id}=x"), secret.expose()),
            "Basic x".to_owned(),
            "Bearer x".to_owned(),
            String::new(),
        ] {
            assert!(parse_basic(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_malformed_header_still_names_its_client_and_method() {
        let id = ClientId::random();
        let read = FailedAuthentication::malformed_header(&basic(&id.to_string(), "cut off"));
        assert_eq!(
            (read.client, read.used),
            (Some(id.into()), Some(AuthMethod::ClientSecretBasic))
        );
        let read = FailedAuthentication::malformed_header("Basic");
        assert_eq!(
            (read.client, read.used),
            (None, Some(AuthMethod::ClientSecretBasic))
        );
        let read = FailedAuthentication::malformed_header("Bearer x");
        assert_eq!((read.client, read.used), (None, None));
        assert!(read.by_header);
    }
}
