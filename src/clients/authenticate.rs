//! A client shows who it is: by its secret in a header or in the body, or, being public, by its id alone (RFC 6749 §2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AuthMethod, ClientRecord, ClientSecret, Clients};
use crate::base::public_client_id::PublicClientId;
use crate::standing::Unavailable;

/// Reason code for a wrong secret of an existing client.
pub const WRONG_SECRET: &str = "wrong-secret";

/// What a client showed, and where.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Which client it says it is.
    pub client: PublicClientId,
    /// Its secret, if it showed one.
    pub secret: Option<ClientSecret>,
    /// How it showed it.
    pub method: AuthMethod,
    /// Whether the `Authorization` header was used, also with an empty secret: then a refusal needs a challenge (RFC 6749 §5.2).
    pub by_header: bool,
}

/// Which methods of authentication an endpoint accepts of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedMethods {
    /// Those that the client is registered with; used by the OAuth endpoints.
    Registered,
    /// Any method with the secret; used by Doorward's own API, where every client with a secret may use HTTP Basic.
    AnySecret,
}

/// A failed client authentication, for the log. The caller is not told which part of it was wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FailedAuthentication {
    /// Reason code.
    pub reason: &'static str,
    /// The client ID that was presented, unverified; `None` if it could not be read.
    pub client: Option<PublicClientId>,
    /// Whether the `Authorization` header was used: then the answer needs a challenge (RFC 6749 §5.2).
    pub by_header: bool,
    /// The method that was used; `None` for one that Doorward does not support.
    pub used: Option<AuthMethod>,
    /// The methods that the client is registered with, if there is such a client.
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

    /// An `Authorization` header that holds no Basic credentials.
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

    /// Writes it to the log.
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

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// No such client, a wrong secret, a disabled client, another method than the registered one: all look alike.
    #[error("client authentication failed: {0}")]
    Unknown(FailedAuthentication),
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Clients {
    /// Authenticates a client by these credentials. Every endpoint uses this function.
    ///
    /// # Errors
    /// `Unknown`, with what the log needs.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        accepted: AcceptedMethods,
    ) -> Result<ClientRecord, AuthenticateError> {
        let copy = self.copies.get(&self.key(credentials.client.id())).await;
        let copy = copy.map_err(Unavailable::from)?;
        self.authenticate_by_copy(credentials, accepted, copy.as_deref())
            .await
    }

    /// As [`Clients::authenticate`], for a caller who read the client's copy together with something else.
    ///
    /// # Errors
    /// As there.
    pub async fn authenticate_by_copy(
        &self,
        credentials: &Credentials,
        accepted: AcceptedMethods,
        copy: Option<&str>,
    ) -> Result<ClientRecord, AuthenticateError> {
        let record = self.of_copy(credentials.client.id(), copy).await?;
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
            return Err(failed(Some(&record), "other-method"));
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

/// Reads HTTP Basic credentials, `client_id:client_secret`; `None` for anything else. An empty secret is none: some programs
/// send a public client's ID that way.
pub fn parse_basic(header: &str) -> Option<Credentials> {
    // RFC 6749 §2.3.1 form-encodes both parts: some clients encode the hyphens of an id.
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

/// The part of a Basic header after the scheme.
fn basic_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("basic").then(|| token.trim())
}

/// Both parts of Basic credentials, still form-encoded.
fn basic_credentials(header: &str) -> Option<(String, String)> {
    let credentials = STANDARD.decode(basic_token(header)?).ok()?;
    let credentials = String::from_utf8(credentials).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Undoes form encoding (`application/x-www-form-urlencoded`).
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
    fn basic_credentials_are_read_strictly() {
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
