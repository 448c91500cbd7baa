//! The identity that the application behind a proxy receives: as headers, and as a signed token if the route asks for it.

use serde::Serialize;

use super::ForwardAuth;
use super::routes::AppHost;
use super::session::CheckedForwardAuthSession;
use crate::account_state::AccountState;
use crate::base::ids::{SessionId, UserId};
use crate::clients::Algorithm;
use crate::tokens::keys::SignError;
use crate::tokens::seconds;

/// Header names, in the order of [`values`]. All are set on every response that allows a request, so that the browser's own
/// headers of these names are overwritten.
pub const HEADERS: [&str; 5] = [
    "remote-id",
    "remote-user",
    "remote-email",
    "remote-name",
    "remote-roles",
];

/// Name of the header with the signed token.
pub const TOKEN_HEADER: &str = "remote-jwt";

/// `typ` of the token (RFC 8725 §3.11), which distinguishes it from access tokens and ID tokens.
const TYPE: &str = "forward-auth+jwt";
/// Lifetime of the token in seconds: it is for one request.
const LIFETIME: i64 = 60;

/// Values of [`HEADERS`]; empty if a value is missing, and all empty for anonymous requests. Applications rely on these headers,
/// so an unverified email address is left out.
pub fn values(account_state: Option<&AccountState>) -> [String; 5] {
    let Some(account_state) = account_state else {
        return Default::default();
    };
    let email = account_state
        .email
        .as_deref()
        .filter(|_| account_state.email_verified);
    [
        account_state.user_id.to_string(),
        ascii(&account_state.username),
        ascii(email.unwrap_or_default()),
        ascii(&account_state.display_name),
        ascii(&account_state.roles.join(",")),
    ]
}

/// Keeps visible ASCII characters and spaces; encodes every other byte, and `%`, as `%XX` (RFC 3986 §2.1).
fn ascii(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(byte)),
            // Writing to a `String` can't fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[derive(Serialize)]
struct Claims<'s> {
    iss: &'s str,
    sub: UserId,
    aud: &'s str,
    iat: i64,
    exp: i64,
    sid: SessionId,
    auth_time: i64,
    acr: &'s str,
    amr: &'s [String],
    preferred_username: &'s str,
    name: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'s str>,
    email_verified: bool,
    roles: &'s [String],
}

impl ForwardAuth {
    /// Signs a token that identifies the user to the application at a host. Its audience is the host's origin.
    pub async fn sign(
        &self,
        host: &AppHost,
        live: &CheckedForwardAuthSession,
    ) -> Result<String, SignError> {
        let (now, parent, account_state) = (
            seconds(self.clock.now()),
            &live.forward_auth_session.parent,
            &live.account_state,
        );
        let claims = Claims {
            iss: self.public_url.as_str(),
            sub: account_state.user_id,
            aud: &host.origin(),
            iat: now,
            exp: now.saturating_add(LIFETIME),
            sid: parent.session,
            auth_time: seconds(parent.auth_time),
            acr: &parent.acr,
            amr: &parent.amr,
            preferred_username: &account_state.username,
            name: &account_state.display_name,
            email: account_state.email.as_deref(),
            email_verified: account_state.email_verified,
            roles: &account_state.roles,
        };
        self.keyring.sign(Algorithm::ES256, TYPE, &claims).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_ascii_for_any_name() {
        assert_eq!(ascii("Ada Lovelace"), "Ada Lovelace");
        assert_eq!(ascii("Ада"), "%D0%90%D0%B4%D0%B0");
        assert_eq!(ascii("100% \r\nX: y\u{7f}"), "100%25 %0D%0AX: y%7F");
        assert_eq!(values(None), [const { String::new() }; 5]);
    }
}
