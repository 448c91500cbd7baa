//! A client shows who it is: by its secret in a header or in the body, or, being public, by its id alone (RFC 6749 §2.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AuthMethod, ClientRecord, Clients};
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::standing::Unavailable;

/// What a client showed, and where.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Which client it says it is.
    pub client: ClientId,
    /// Its secret, if it showed one.
    pub secret: Option<Token>,
    /// How it showed it.
    pub method: AuthMethod,
}

/// Which methods of authentication an endpoint accepts of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedMethods {
    /// The one that the client is registered with: the OAuth endpoints.
    Registered,
    /// Whatever shows its secret: the own API, where every client with a secret may use HTTP Basic.
    AnySecret,
}

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// No such client, a wrong secret, a disabled client, another method than the registered one: all look alike.
    #[error("not a client that may ask: {0}")]
    Unknown(&'static str),
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Clients {
    /// The client that these credentials prove. Every endpoint authenticates clients here.
    ///
    /// # Errors
    /// `Unknown`, with a reason code for the log.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        accepted: AcceptedMethods,
    ) -> Result<ClientRecord, AuthenticateError> {
        let copy = self.copies.get(&Self::key(credentials.client)).await;
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
        let record = self.of_copy(credentials.client, copy).await?;
        let record = record.ok_or(AuthenticateError::Unknown("no-client"))?;
        if !record.client.enabled {
            return Err(AuthenticateError::Unknown("client-disabled"));
        }
        let is_accepted = match accepted {
            AcceptedMethods::Registered => {
                credentials.method == record.client.metadata.token_endpoint_auth_method
            }
            AcceptedMethods::AnySecret => credentials.secret.is_some(),
        };
        if !is_accepted {
            return Err(AuthenticateError::Unknown("other-method"));
        }
        let is_proven = match &credentials.secret {
            Some(secret) => record.has_secret(&secret.hash()),
            None => record.client.metadata.is_public(),
        };
        if is_proven {
            Ok(record)
        } else {
            Err(AuthenticateError::Unknown("wrong-secret"))
        }
    }
}

/// Reads HTTP Basic credentials, `client_id:client_secret`; `None` for anything else.
pub fn parse_basic(header: &str) -> Option<Credentials> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    // RFC 6749 §2.3.1 form-encodes both parts: some clients encode the hyphens of an id.
    let (id, secret) = credentials.split_once(':')?;
    Some(Credentials {
        client: ClientId::parse(&decode(id)?)?,
        secret: Some(Token::parse(&decode(secret)?)?),
        method: AuthMethod::ClientSecretBasic,
    })
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

    fn basic(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[test]
    fn basic_credentials_are_read_strictly() {
        let (id, secret) = (ClientId::random(), Token::generate());
        let read = parse_basic(&basic(&id.to_string(), secret.expose())).expect("credentials");
        assert_eq!((read.client, read.secret), (id, Some(secret.clone())));
        let encoded = id.to_string().replace('-', "%2D");
        assert!(parse_basic(&basic(&encoded, secret.expose())).is_some());
        for bad in [
            basic(&id.to_string(), ""),
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
}
