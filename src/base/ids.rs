//! Typed UUIDs: one type per kind of ID, so that a session ID can't be passed where a user ID is expected.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A UUID that identifies an entity of the kind `T`. `T` is only a label.
pub struct Id<T> {
    uuid: Uuid,
    label: PhantomData<fn() -> T>,
}

/// Labels of [`Id`].
pub mod label {
    /// A user.
    #[derive(Debug)]
    pub enum User {}
    /// A passkey of a user.
    #[derive(Debug)]
    pub enum Passkey {}
    /// A session of a signed-in user. The ID is public: it is the `sid` of tokens.
    #[derive(Debug)]
    pub enum Session {}
    /// A registered client: an app or a service.
    #[derive(Debug)]
    pub enum Client {}
    /// A single-use invitation or recovery link.
    #[derive(Debug)]
    pub enum Invitation {}
    /// An event of the audit log.
    #[derive(Debug)]
    pub enum AuditEvent {}
    /// An authorization: access that a user granted to a client.
    #[derive(Debug)]
    pub enum Authorization {}
    /// A family of refresh tokens, created by rotating one token.
    #[derive(Debug)]
    pub enum RefreshFamily {}
    /// A key that signs tokens.
    #[derive(Debug)]
    pub enum SigningKey {}
    /// An access token.
    #[derive(Debug)]
    pub enum AccessToken {}
    /// A piece of work in the outbox.
    #[derive(Debug)]
    pub enum Work {}
    /// The roles of one user on one resource.
    #[derive(Debug)]
    pub enum RoleAssignment {}
    /// A registered role.
    #[derive(Debug)]
    pub enum Role {}
    /// A resource that access is decided on.
    #[derive(Debug)]
    pub enum Resource {}
    /// A process that seals the audit log.
    #[derive(Debug)]
    pub enum AuditChainWriter {}
}

/// ID of a user, and the user's WebAuthn user handle: it reveals nothing, because it is a random UUID (version 4).
pub type UserId = Id<label::User>;
/// ID of a passkey (not the authenticator's credential ID).
pub type PasskeyId = Id<label::Passkey>;
/// Public ID of a session.
pub type SessionId = Id<label::Session>;
/// ID under which a client is stored.
pub type ClientId = Id<label::Client>;
/// ID of an invitation (not its secret token).
pub type InvitationId = Id<label::Invitation>;
/// ID of an authorization: access that a user granted to a client.
pub type AuthorizationId = Id<label::Authorization>;
/// ID of a family of refresh tokens.
pub type RefreshFamilyId = Id<label::RefreshFamily>;
/// ID of a signing key; its `kid`.
pub type SigningKeyId = Id<label::SigningKey>;
/// ID of an access token; its `jti`.
pub type AccessTokenId = Id<label::AccessToken>;
/// ID of a piece of work in the outbox.
pub type WorkId = Id<label::Work>;
/// ID of the role assignments of one user on one resource, also after they were withdrawn and assigned again.
pub type RoleAssignmentId = Id<label::RoleAssignment>;
/// ID of a role in revisions; computed from the role's name.
pub type RoleId = Id<label::Role>;
/// ID of a resource in revisions and in the ephemeral store; computed from the resource's type and ID.
pub type ResourceKey = Id<label::Resource>;
/// ID of a process that seals the audit log, or tries to.
pub type AuditChainWriterId = Id<label::AuditChainWriter>;
/// ID of an audit event; sorts by time.
pub type AuditEventId = Id<label::AuditEvent>;

impl<T> Id<T> {
    /// Creates a random ID (version 4), which doesn't reveal when it was created.
    pub fn random() -> Self {
        Self::from_uuid(Uuid::new_v4())
    }

    /// Creates an ID that sorts by creation time (version 7).
    pub fn sortable() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Computes the ID of an entity from its permanent name (version 8, RFC 9562 §5.8: the beginning of a SHA-256). The parts are
    /// separated by NUL bytes, so that different names have different IDs.
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

    /// Creates an ID from a UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self {
            uuid,
            label: PhantomData,
        }
    }

    /// Returns the UUID.
    pub fn uuid(self) -> Uuid {
        self.uuid
    }

    /// Parses only the canonical form (36 characters, lower case, with hyphens), so that an ID has one spelling.
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
impl<T> From<Id<T>> for Uuid {
    fn from(id: Id<T>) -> Self {
        id.uuid
    }
}
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
    /// Accepts UUIDs with and without hyphens, because SQLite's JSON functions write them without.
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
