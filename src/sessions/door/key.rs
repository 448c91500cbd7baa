//! The key of a child: what its cookie holds.

use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::Token;

/// `{user id}.{session id}.{random}`: names what is read together with the child in one round trip, and proves the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorKey {
    user: UserId,
    session: SessionId,
    token: Token,
}

impl DoorKey {
    /// A new key.
    pub fn generate(user: UserId, session: SessionId) -> Self {
        Self {
            user,
            session,
            token: Token::generate(),
        }
    }

    /// Parses a cookie's value strictly: nothing of it reaches a store key before this.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, rest) = text.split_once('.')?;
        let (session, token) = rest.split_once('.')?;
        Some(Self {
            user: UserId::parse(user)?,
            session: SessionId::parse(session)?,
            token: Token::parse(token)?,
        })
    }

    /// ID of the user in the key.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Of which session, by the browser's word.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The cookie's value.
    pub fn expose(&self) -> String {
        format!("{}.{}.{}", self.user, self.session, self.token.expose())
    }

    /// Where the child is kept: under the hash, so that the store alone opens nothing.
    pub(super) fn store_key(&self) -> String {
        format!("door:{{{}}}:{}", self.user, self.token.hash().to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::SessionKey;

    #[test]
    fn a_key_is_parsed_strictly_and_is_no_sessions() {
        let key = DoorKey::generate(UserId::random(), SessionId::random());
        let text = key.expose();
        assert_eq!(DoorKey::parse(&text), Some(key.clone()));
        for bad in [
            String::new(),
            text.to_uppercase(),
            format!("{text}x"),
            format!("{text}.x"),
            text.replace('-', ""),
            text.replace('.', ":"),
            "*.*.*".into(),
        ] {
            assert_eq!(DoorKey::parse(&bad), None, "{bad}");
        }
        assert_eq!(SessionKey::parse(&text), None);
        let session = SessionKey::generate(key.user()).expose();
        assert_eq!(DoorKey::parse(&session), None);
    }
}
