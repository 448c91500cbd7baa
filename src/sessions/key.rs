//! Session key: the value of the session cookie.

use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::Token;

/// `{user ID}.{random}`. The user ID puts the session and the account state into the same cluster slot; the random part proves
/// possession of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    user: UserId,
    token: Token,
}

impl SessionKey {
    /// Generates a new key for the user.
    pub fn generate(user: UserId) -> Self {
        Self {
            user,
            token: Token::generate(),
        }
    }

    /// Parses a cookie's value strictly. No part of a cookie gets into a store key before this.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, token) = text.split_once('.')?;
        Some(Self {
            user: UserId::parse(user)?,
            token: Token::parse(token)?,
        })
    }

    /// ID of the user in the key.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Returns the cookie's value.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.user, self.token.expose())
    }

    /// Store key of the live copy. It contains the hash of the token, so that read access to the store is not enough to sign in.
    pub fn store_key(&self) -> String {
        format!("session:{{{}}}:{}", self.user, self.token.hash().to_text())
    }
}

/// Store key of a session's last-seen time.
pub(super) fn last_seen_key(user: UserId, session: SessionId) -> String {
    format!("last-seen:{{{user}}}:{session}")
}

/// Time when a session was last used and the key of its live copy; stored under the session's ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSeen {
    pub(super) at: Timestamp,
    /// Store key of the live copy; a step-up changes it.
    pub(super) live_copy: String,
}

impl LastSeen {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (at, live_copy) = text.split_once(' ')?;
        Some(Self {
            at: Timestamp::parse(at)?,
            live_copy: live_copy.to_owned(),
        })
    }

    /// Returns the stored text, which [`LastSeen::parse`] parses.
    pub(super) fn text_of(at: Timestamp, live_copy: &str) -> String {
        format!("{} {live_copy}", at.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_use_round_trips() {
        let last_seen = LastSeen {
            at: Timestamp::from_micros(1_234_567),
            live_copy: SessionKey::generate(UserId::random()).store_key(),
        };
        assert_eq!(
            LastSeen::parse(&LastSeen::text_of(last_seen.at, &last_seen.live_copy)),
            Some(last_seen)
        );
        assert_eq!(LastSeen::parse("2026-11-30T00:00:00Z"), None);
    }

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
