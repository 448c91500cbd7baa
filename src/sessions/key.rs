//! The key of a session: what its cookie holds.

use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::Token;

/// `{user id}.{random}`: names the person, so that their session and standing lie in one slot, and proves the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    user: UserId,
    token: Token,
}

impl SessionKey {
    /// A new key.
    pub fn generate(user: UserId) -> Self {
        Self {
            user,
            token: Token::generate(),
        }
    }

    /// Parses a cookie's value strictly: nothing of it reaches a store key before this.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, token) = text.split_once('.')?;
        Some(Self {
            user: UserId::parse(user)?,
            token: Token::parse(token)?,
        })
    }

    /// Whose.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The cookie's value.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.user, self.token.expose())
    }

    /// Where the live copy is kept: under the hash, so that the store alone signs nobody in.
    pub fn store_key(&self) -> String {
        format!("sess:{{{}}}:{}", self.user, self.token.hash().to_text())
    }
}

/// Where it is kept when a session was last seen.
pub(super) fn seen_key(user: UserId, session: SessionId) -> String {
    format!("seen:{{{user}}}:{session}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_parsed_strictly() {
        let key = SessionKey::generate(UserId::random());
        let text = key.expose();
        assert_eq!(SessionKey::parse(&text), Some(key));
        for bad in [
            String::new(),
            text.to_uppercase(),
            format!("{text}x"),
            format!("{text}."),
            text.replace('-', ""),
            text.replace('.', ":"),
            "*.*".into(),
        ] {
            assert_eq!(SessionKey::parse(&bad), None, "{bad}");
        }
    }
}
