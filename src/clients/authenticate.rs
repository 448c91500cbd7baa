//! A client shows its secret: HTTP Basic, `client_id:secret` (RFC 6749 §2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Client, queries};
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::db::{self, Database};

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// No such client, a wrong secret, a disabled client, or no Basic credentials: all look alike.
    #[error("not a client that may ask")]
    Unknown,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The client whose credentials an `Authorization` header carries.
///
/// # Errors
/// `Unknown` for anything but a live client's own secret.
pub async fn authenticate(database: &Database, header: &str) -> Result<Client, AuthenticateError> {
    let (id, secret) = parse(header).ok_or(AuthenticateError::Unknown)?;
    let found = database.read(move |conn| queries::find(conn, id)).await?;
    let (client, hash) = found.ok_or(AuthenticateError::Unknown)?;
    if client.enabled && hash == Some(secret.hash()) {
        Ok(client)
    } else {
        Err(AuthenticateError::Unknown)
    }
}

fn parse(header: &str) -> Option<(ClientId, Token)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    // RFC 6749 §2.3.1 form-encodes both parts; neither of ours holds a character that this would change.
    let (id, secret) = credentials.split_once(':')?;
    Some((ClientId::parse(id)?, Token::parse(secret)?))
}
