//! Scopes: those that Doorward defines, and those of other resource servers, which clients may request too.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// A scope that Doorward defines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope { $($(#[doc = $doc])+ $variant,)+ }

        impl Scope {
            /// All scopes that Doorward defines.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The scope token.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

scopes! {
    /// Identify the user (OpenID Connect Core §3.1.2.1).
    OpenId = "openid",
    /// Read the user's names (OpenID Connect Core §5.4, like the three below).
    Profile = "profile",
    /// Read the user's email address.
    Email = "email",
    /// Read the user's postal address.
    Address = "address",
    /// Read the user's phone number.
    Phone = "phone",
    /// Read the user's roles, in the claims `roles` and `groups`.
    Roles = "roles",
    /// An alias of `roles`, which most software requests under this name.
    Groups = "groups",
    /// Get refresh tokens that outlive the session (OpenID Connect Core §11).
    OfflineAccess = "offline_access",
    /// Read users: identity, status, roles.
    UsersRead = "users:read",
    /// Invite, update, suspend and reactivate users.
    UsersWrite = "users:write",
    /// List the sessions of all users.
    SessionsRead = "sessions:read",
    /// End the sessions of all users.
    SessionsRevoke = "sessions:revoke",
    /// List the passkeys of all users.
    PasskeysRead = "passkeys:read",
    /// Revoke the passkeys of all users.
    PasskeysRevoke = "passkeys:revoke",
    /// Create links with which existing users register a new passkey: a client with this scope can become any user whose roles it
    /// may assign. Needed in addition to `users:write`.
    PasskeysEnrol = "passkeys:enrol",
    /// Read clients.
    ClientsRead = "clients:read",
    /// Register, update, disable and delete clients.
    ClientsWrite = "clients:write",
    /// Read roles, role assignments and registered resources.
    RoleAssignmentsRead = "role-assignments:read",
    /// Assign and remove roles on resources; register resources.
    RoleAssignmentsWrite = "role-assignments:write",
    /// Request decisions on subjects, actions and resources that the caller names.
    AccessEvaluate = "access:evaluate",
    /// Search for the subjects, actions and resources that are permitted. This reveals which users and resources exist.
    AccessSearch = "access:search",
    /// Introspect the tokens of every client.
    TokensIntrospect = "tokens:introspect",
    /// Read the audit log.
    AuditRead = "audit:read",
}

impl Scope {
    /// The scopes about the user who grants them. All others concern other users or the installation.
    pub const OPENID: [Self; 8] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Address,
        Self::Phone,
        Self::Roles,
        Self::Groups,
        Self::OfflineAccess,
    ];
}

/// Two names of the same scope: a client with either of them has both.
const ALIASES: [&str; 2] = [Scope::Roles.as_str(), Scope::Groups.as_str()];

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|scope| scope.as_str() == text);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|scope| scope.as_str()).collect();
            format!("unknown scope; known scopes: {}", known.join(" "))
        })
    }
}

/// A set of scopes by name. Serialised as one text, separated by spaces (RFC 6749 §3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

/// The text is not a scope token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope has 1 to 100 printable ASCII characters, without space, double quote and backslash"
)]
pub struct ScopeSyntaxError;

impl Scopes {
    /// Parses a `scope` parameter: names separated by spaces. Names are limited in length and to the characters of RFC 6749 §3.3.
    pub fn parse(text: &str) -> Result<Self, ScopeSyntaxError> {
        let names = text.split(' ').filter(|name| !name.is_empty());
        names.map(parse_name).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the set contains this scope, under either of its names.
    pub fn contains(&self, scope: Scope) -> bool {
        self.has(scope.as_str())
    }

    /// Whether the set contains this name, or another name of the same scope.
    fn has(&self, name: &str) -> bool {
        let is_one_of_two = ALIASES.contains(&name);
        self.0.contains(name)
            || (is_one_of_two && ALIASES.iter().any(|same| self.0.contains(*same)))
    }

    fn filtered(&self, predicate: impl Fn(&str) -> bool) -> Self {
        let names = self.0.iter().filter(|name| predicate(name));
        Self(names.cloned().collect())
    }

    /// The scopes that are also in `other`, under their names in this set.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|name| other.has(name))
    }

    /// The set without this name; an alias of the scope stays.
    #[must_use]
    pub fn without(mut self, scope: Scope) -> Self {
        self.0.remove(scope.as_str());
        self
    }

    /// The scopes that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|name| !other.has(name))
    }

    /// The scopes of both sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Whether `other` contains all scopes of this set.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.names().all(|name| other.has(name))
    }

    /// Whether the set has no scopes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the scopes, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The names separated by single spaces: a `scope` parameter.
    pub fn to_text(&self) -> String {
        self.names().collect::<Vec<_>>().join(" ")
    }
}

fn parse_name(name: &str) -> Result<String, ScopeSyntaxError> {
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if (1..=100).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err(ScopeSyntaxError)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let names = scopes.into_iter().map(|scope| scope.as_str().to_owned());
        Self(names.collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_text())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_roles_are_two_names_of_one_scope() {
        let scopes = |text| Scopes::parse(text).expect("scopes");
        let (roles, groups, both) = (scopes("roles"), scopes("groups"), scopes("groups roles"));
        assert!(roles.contains(Scope::Groups) && groups.contains(Scope::Roles));
        assert!(both.is_subset(&roles) && both.is_subset(&groups) && roles.is_subset(&groups));
        assert_eq!(both.intersection(&roles), both);
        assert_eq!(groups.intersection(&scopes("email roles")), groups);
        assert!(both.difference(&groups).is_empty());
        assert_eq!(groups.union(&roles), both);
        let without = scopes("email");
        assert!(!without.contains(Scope::Groups) && groups.intersection(&without).is_empty());
        assert!(!scopes("group role").contains(Scope::Roles));
    }

    #[test]
    fn a_scope_parameter_is_parsed_strictly() {
        let scopes = Scopes::parse("openid  profile openid").expect("scopes");
        assert_eq!(scopes.to_text(), "openid profile");
        assert!(scopes.contains(Scope::OpenId) && !scopes.contains(Scope::Email));
        assert!(Scopes::parse("").expect("none").is_empty());
        for bad in ["a\"b", "a\\b", "a\tb", "ä", "a\nb"] {
            assert_eq!(Scopes::parse(bad), Err(ScopeSyntaxError), "{bad:?}");
        }
        assert_eq!(Scopes::parse(&"x".repeat(101)), Err(ScopeSyntaxError));
    }
}
