//! Typed UUIDs: one type per kind of ID, so that a session ID can't be passed where a user ID is expected.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A UUID that identifies an entity of the kind `T`. `T` is only a label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<T> {
    uuid: Uuid,
    label: PhantomData<fn() -> T>,
}

/// Declares the types of IDs, and their labels.
macro_rules! ids {
    ($(#[doc = $doc:literal] $id:ident($label:ident);)+) => {
        /// Labels of [`Id`].
        pub mod label {
            $(#[doc = concat!("Label of `", stringify!($id), "`.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $label {})+
        }
        $(#[doc = $doc]
        pub type $id = Id<label::$label>;)+
    };
}

ids! {
    /// ID of a user, and the user's WebAuthn user handle: it reveals nothing, because it is a random UUID (version 4).
    UserId(User);
    /// ID of a passkey (not the authenticator's credential ID).
    PasskeyId(Passkey);
    /// Public ID of a session of a signed-in user; the `sid` of tokens.
    SessionId(Session);
    /// ID under which a client, an app or a service, is stored.
    ClientId(Client);
    /// ID of an invitation (not its secret token).
    InvitationId(Invitation);
    /// ID of an authorization: access that a user granted to a client.
    AuthorizationId(Authorization);
    /// ID of a family of refresh tokens, created by rotating one token.
    RefreshFamilyId(RefreshFamily);
    /// ID of a signing key; its `kid`.
    SigningKeyId(SigningKey);
    /// ID of an access token; its `jti`.
    AccessTokenId(AccessToken);
    /// ID of a piece of work in the outbox.
    WorkId(Work);
    /// ID of the role assignments of one user on one resource, also after they were withdrawn and assigned again.
    RoleAssignmentId(RoleAssignment);
    /// ID of a role in revisions; computed from the role's name.
    RoleId(Role);
    /// ID of a resource in revisions and in the ephemeral store; computed from the resource's type and ID.
    ResourceKey(Resource);
    /// ID of a process that seals the audit log, or tries to.
    AuditChainWriterId(AuditChainWriter);
    /// ID of an audit event; sorts by time.
    AuditEventId(AuditEvent);
}

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

impl<T> From<Id<T>> for Uuid {
    fn from(id: Id<T>) -> Self {
        id.uuid
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
