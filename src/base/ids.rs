//! One type per kind of id, so that a session's id can never stand where a user's belongs.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A UUID that names one kind of thing. `T` is only a label.
pub struct Id<T> {
    uuid: Uuid,
    label: PhantomData<fn() -> T>,
}

/// Labels of [`Id`].
pub mod label {
    /// A person.
    #[derive(Debug)]
    pub enum User {}
    /// A passkey of a person.
    #[derive(Debug)]
    pub enum Passkey {}
    /// A signed-in browser; public, the `sid` of tokens.
    #[derive(Debug)]
    pub enum Session {}
    /// A registered app or service.
    #[derive(Debug)]
    pub enum Client {}
    /// A one-use link that lets somebody in.
    #[derive(Debug)]
    pub enum Invitation {}
    /// A row of the audit log.
    #[derive(Debug)]
    pub enum AuditEvent {}
    /// What a person let a client have, once.
    #[derive(Debug)]
    pub enum Authorization {}
    /// Refresh tokens that follow each other.
    #[derive(Debug)]
    pub enum RefreshFamily {}
    /// A key under which tokens are signed.
    #[derive(Debug)]
    pub enum SigningKey {}
    /// One access token.
    #[derive(Debug)]
    pub enum AccessToken {}
    /// A piece of work that follows a commit.
    #[derive(Debug)]
    pub enum Work {}
    /// What a person may be on one thing.
    #[derive(Debug)]
    pub enum Grant {}
    /// A registered role.
    #[derive(Debug)]
    pub enum Role {}
    /// A thing that access is about.
    #[derive(Debug)]
    pub enum Resource {}
    /// A process that seals the audit log.
    #[derive(Debug)]
    pub enum Sealing {}
}

/// The id of a person; also their WebAuthn user handle, so it tells nothing (a random UUID, version 4).
pub type UserId = Id<label::User>;
/// The id of a passkey (not the authenticator's credential id).
pub type PasskeyId = Id<label::Passkey>;
/// The public id of a session.
pub type SessionId = Id<label::Session>;
/// The id of a client, its OAuth `client_id`.
pub type ClientId = Id<label::Client>;
/// The id of an invitation (not its secret token).
pub type InvitationId = Id<label::Invitation>;
/// The id of an authorization: what a person let a client have, once.
pub type AuthorizationId = Id<label::Authorization>;
/// The id of a family of refresh tokens.
pub type RefreshFamilyId = Id<label::RefreshFamily>;
/// The id of a signing key; its `kid`.
pub type SigningKeyId = Id<label::SigningKey>;
/// The id of an access token; its `jti`.
pub type AccessTokenId = Id<label::AccessToken>;
/// The id of a piece of work in the outbox.
pub type WorkId = Id<label::Work>;
/// The id of a grant: of one person on one thing, for ever.
pub type GrantId = Id<label::Grant>;
/// The id of a role in revisions; it follows from the role's name.
pub type RoleId = Id<label::Role>;
/// The id of a thing in revisions and in the ephemeral store; it follows from the thing's type and id.
pub type ResourceKey = Id<label::Resource>;
/// The id of a process that seals the audit log, or tries to.
pub type SealingId = Id<label::Sealing>;
/// The id of an audit event; sorts by time.
pub type AuditEventId = Id<label::AuditEvent>;

impl<T> Id<T> {
    /// A new random id (version 4): tells nothing about when it was made.
    pub fn random() -> Self {
        Self::from_uuid(Uuid::new_v4())
    }

    /// A new id that sorts by the time of its making (version 7).
    pub fn sortable() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// The id of what has a name for ever: one name, one id (version 8, RFC 9562 §5.8: the beginning of a SHA-256). The parts of
    /// a name are told apart, so that no two names are the same.
    pub fn of_name(parts: &[&str]) -> Self {
        use aws_lc_rs::digest::{SHA256, digest};
        let name = parts.join("\0");
        let mut bytes = [0; 16];
        for (to, from) in bytes
            .iter_mut()
            .zip(digest(&SHA256, name.as_bytes()).as_ref())
        {
            *to = *from;
        }
        Self::from_uuid(Uuid::new_v8(bytes))
    }

    /// Labels a UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self {
            uuid,
            label: PhantomData,
        }
    }

    /// The UUID without its label.
    pub fn uuid(self) -> Uuid {
        self.uuid
    }

    /// Parses the canonical form alone (36 characters, lower case, with hyphens): one id has one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        (uuid.to_string() == text).then(|| Self::from_uuid(uuid))
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(formatter)
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(formatter)
    }
}
impl<T> FromStr for Id<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| format!("{text:?} is not an ID"))
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    /// Takes hyphenated and plain hexadecimal alike: SQLite's JSON functions write the latter.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::random();
        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        assert_eq!(UserId::parse(&id.to_string().to_uppercase()), None);
        assert_eq!(UserId::parse(&id.uuid().simple().to_string()), None);
        assert_eq!(UserId::parse(&format!("{{{id}}}")), None);
    }
}
