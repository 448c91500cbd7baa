//! Key of a forward-auth session: the value of its cookie.

use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::Token;

/// `{user ID}.{session ID}.{random}`. The IDs name what is read together with the forward-auth session in one round trip; the
/// random part proves possession of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardAuthSessionKey {
    pub user: UserId,
    /// ID of the parent session; unverified, as the browser sent it.
    pub session: SessionId,
    token: Token,
}

impl ForwardAuthSessionKey {
    pub fn generate(user: UserId, session: SessionId) -> Self {
        Self {
            user,
            session,
            token: Token::generate(),
        }
    }

    /// Parses a cookie's value strictly. No part of a cookie gets into a store key before this.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, rest) = text.split_once('.')?;
        let (session, token) = rest.split_once('.')?;
        Some(Self {
            user: UserId::parse(user)?,
            session: SessionId::parse(session)?,
            token: Token::parse(token)?,
        })
    }

    /// Returns the cookie's value.
    pub fn expose(&self) -> String {
        format!("{}.{}.{}", self.user, self.session, self.token.expose())
    }

    /// Store key of the forward-auth session. It contains the hash of the token, so that read access to the store is not enough
    /// to use it.
    pub(in crate::forward_auth) fn store_key(&self) -> String {
        format!(
            "forward-auth-session:{{{}}}:{}",
            self.user,
            self.token.hash().to_text()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::SessionKey;

    #[test]
    fn a_key_is_parsed_strictly_and_is_not_a_session_key() {
        let key = ForwardAuthSessionKey::generate(UserId::random(), SessionId::random());
        let text = key.expose();
        assert_eq!(ForwardAuthSessionKey::parse(&text), Some(key.clone()));
        for bad in [
            String::new(),
            text.to_uppercase(),
            format!("{text}x"),
            format!("{text}.x"),
            text.replace('-', ""),
            text.replace('.', ":"),
            "*.*.*".into(),
        ] {
            assert_eq!(ForwardAuthSessionKey::parse(&bad), None, "{bad}");
        }
        assert_eq!(SessionKey::parse(&text), None);
        let session = SessionKey::generate(key.user).expose();
        assert_eq!(ForwardAuthSessionKey::parse(&session), None);
    }
}
