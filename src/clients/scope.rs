//! What a client may ask: scopes that mean something here, and those of other services that they name themselves.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// A scope that means something to Doorward.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope { $($(#[doc = $doc])+ $variant,)+ }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

scopes! {
    /// OpenID Connect: who somebody is (OpenID Connect Core §3.1.2.1).
    OpenId = "openid",
    /// Their names (OpenID Connect Core §5.4, as the three below).
    Profile = "profile",
    /// Their mail address.
    Email = "email",
    /// Where they live.
    Address = "address",
    /// How to call them.
    Phone = "phone",
    /// Their roles, as `roles` and as `groups`.
    Roles = "roles",
    /// The same as `roles`, under the name by which most software requests it.
    Groups = "groups",
    /// Refresh tokens that outlive the session (OpenID Connect Core §11).
    OfflineAccess = "offline_access",
    /// Look people up: identity, status, roles.
    UsersRead = "users:read",
    /// Invite, change, suspend, reactivate people.
    UsersWrite = "users:write",
    /// List anybody's sessions.
    SessionsRead = "sessions:read",
    /// End anybody's sessions.
    SessionsRevoke = "sessions:revoke",
    /// List anybody's passkeys.
    PasskeysRead = "passkeys:read",
    /// Revoke anybody's passkeys.
    PasskeysRevoke = "passkeys:revoke",
    /// Make links with which existing users register a new passkey: a service with it can become any user whose roles it may
    /// assign. Needed beside `users:write`.
    PasskeysEnrol = "passkeys:enrol",
    /// Look clients up.
    ClientsRead = "clients:read",
    /// Register, change, disable clients.
    ClientsWrite = "clients:write",
    /// Look up roles, grants and what is known of things.
    GrantsRead = "grants:read",
    /// Give and withdraw roles on things; register things.
    GrantsWrite = "grants:write",
    /// Ask for decisions on subjects, actions and resources that the caller names.
    AccessEvaluate = "access:evaluate",
    /// Search for the subjects, actions and resources that are permitted. This reveals which users and resources exist.
    AccessSearch = "access:search",
    /// Introspect the tokens of every client.
    TokensIntrospect = "tokens:introspect",
    /// Read the audit log.
    AuditRead = "audit:read",
}

impl Scope {
    /// Those that a person lets an app have: what they concern is about the person alone.
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

/// Two names of one scope: whoever has one of them has both.
const SAME: [&str; 2] = [Scope::Roles.as_str(), Scope::Groups.as_str()];

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

/// A set of scopes, each by its name. Written as one text with spaces (RFC 6749 §3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

/// No scope token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope has 1 to 100 printable ASCII characters, without space, quote and backslash")]
pub struct NoScope;

impl Scopes {
    /// Parses a `scope` parameter: names with one space between them.
    ///
    /// # Errors
    /// When a name holds what RFC 6749 §3.3 does not allow, or is too long.
    pub fn parse(text: &str) -> Result<Self, NoScope> {
        let names = text.split(' ').filter(|name| !name.is_empty());
        names.map(parse_name).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a scope of Doorward's is among them, under either name of it.
    pub fn contains(&self, scope: Scope) -> bool {
        self.has(scope.as_str())
    }

    /// Whether a name, or another name of the same scope, is among them.
    fn has(&self, name: &str) -> bool {
        let is_one_of_two = SAME.contains(&name);
        self.0.contains(name) || (is_one_of_two && SAME.iter().any(|same| self.0.contains(*same)))
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        let names = self.0.iter().filter(|name| keep(name));
        Self(names.cloned().collect())
    }

    /// Those that are also in `other`, as they are named here.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|name| other.has(name))
    }

    /// All but one.
    #[must_use]
    pub fn without(mut self, scope: Scope) -> Self {
        self.0.remove(scope.as_str());
        self
    }

    /// Those that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|name| !other.has(name))
    }

    /// Both together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Whether all of these are also in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.names().all(|name| other.has(name))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// All with one space between them: a `scope` parameter.
    pub fn to_text(&self) -> String {
        self.names().collect::<Vec<_>>().join(" ")
    }
}

fn parse_name(name: &str) -> Result<String, NoScope> {
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if (1..=100).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err(NoScope)
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
            assert_eq!(Scopes::parse(bad), Err(NoScope), "{bad:?}");
        }
        assert_eq!(Scopes::parse(&"x".repeat(101)), Err(NoScope));
    }
}
