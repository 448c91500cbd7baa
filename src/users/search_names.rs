//! Case- and accent-insensitive names for search and sorting. The result does not depend on the database or its locale.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::User;
use crate::base::ids::UserId;
use crate::base::text_folding::fold;

/// Maximum length of a sort key, in characters, because databases limit the size of index entries.
const MAX_LEN: usize = 200;

/// The sort key of a user in lists.
pub(super) fn sort_name(user: &User) -> String {
    fold(user.display_name.trim())
        .chars()
        .take(MAX_LEN)
        .collect()
}

/// The text that searches match: username, display name and email address, one per line.
pub(super) fn search_text(user: &User) -> String {
    let email = user.email.as_deref().unwrap_or_default();
    fold(&format!(
        "{}\n{}\n{email}",
        user.username, user.display_name
    ))
}

/// A cursor in the list of users, at one of them. It contains nothing that a caller who sees that user can't see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCursor {
    pub(super) sort_name: String,
    pub(super) id: UserId,
}

impl UserCursor {
    /// Creates the cursor at a user.
    pub fn of(user: &User) -> Self {
        Self {
            sort_name: sort_name(user),
            id: user.id,
        }
    }

    /// Encodes the cursor for clients, to whom it is opaque.
    pub fn to_text(&self) -> String {
        let id = self.id.uuid();
        URL_SAFE_NO_PAD.encode([id.as_bytes(), self.sort_name.as_bytes()].concat())
    }

    /// Decodes the text that [`Self::to_text`] returned.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, name) = bytes.split_at_checked(16)?;
        let id = uuid::Uuid::from_slice(id).ok()?;
        let sort_name = String::from_utf8(name.to_vec()).ok()?;
        // PostgreSQL rejects null bytes in text.
        let is_text = !sort_name.contains('\0');
        let id = UserId::parse(&id.to_string())?;
        is_text.then_some(Self { sort_name, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips() {
        let id = UserId::parse("0193a1b2-0000-7000-8000-000000000001").expect("an id");
        let cursor = UserCursor {
            sort_name: "elodie".into(),
            id,
        };
        assert_eq!(UserCursor::parse(&cursor.to_text()), Some(cursor));
        for wrong in ["", "x", "AAAA", "!", "AZOhsgAAcACAAAAAAAAAAQA"] {
            assert_eq!(UserCursor::parse(wrong), None, "{wrong}");
        }
    }
}
