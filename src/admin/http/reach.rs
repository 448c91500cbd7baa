//! How far a caller reaches among grants and things.

use std::collections::BTreeSet;

use crate::access::{ResourceId, ResourceName, ResourceNameError, ResourceType};
use crate::clients::Scope;
use crate::sessions::{Caller, CallerError};
use crate::users::http::delegate;
use crate::users::{Rights, Users};
use crate::web::Problem;

/// Which types of things a caller may see or change grants on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All: an administrator, or a client with the scope.
    Everything,
    /// Those that the person's roles let them manage.
    Types(BTreeSet<String>),
}

impl Reach {
    /// How far a caller sees. It is asked before anything is looked up.
    ///
    /// # Errors
    /// For whoever manages nothing and has no scope.
    pub async fn to_read(caller: &Caller, users: &Users) -> Result<Self, Problem> {
        Self::of(caller, users, Scope::GrantsRead).await
    }

    /// How far a caller may change: a person needs a recent sign-in. The verbs ask again within their transaction.
    ///
    /// # Errors
    /// For whoever manages nothing and has no scope, or `step-up-needed`.
    pub async fn to_write(caller: &Caller, users: &Users) -> Result<Self, Problem> {
        let reach = Self::of(caller, users, Scope::GrantsWrite).await?;
        caller.require_fresh()?;
        Ok(reach)
    }

    async fn of(caller: &Caller, users: &Users, scope: Scope) -> Result<Self, Problem> {
        // What somebody manages by their roles is theirs in person: no token lends it to an app.
        let Some(manager) = delegate(caller) else {
            caller.require(scope)?;
            return Ok(Self::Everything);
        };
        let reach = Self::of_rights(users.rights(manager).await?);
        reach.ok_or_else(|| CallerError::NotAdministrator.into())
    }

    /// How far a person reaches by their rights; `None`: they manage no grants.
    pub fn of_rights(rights: Rights) -> Option<Self> {
        if rights.is_administrator {
            return Some(Self::Everything);
        }
        let types = rights.manages_grants_on;
        (!types.is_empty()).then_some(Self::Types(types))
    }

    /// Whether things of this type are within reach.
    pub fn covers(&self, kind: &ResourceType) -> bool {
        match self {
            Self::Everything => true,
            Self::Types(types) => types.contains(kind.as_str()),
        }
    }

    /// The only types that are within reach; `None`: all.
    pub fn types(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Everything => None,
            Self::Types(types) => Some(types.clone()),
        }
    }

    /// Asks for a type that the caller named.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require(&self, kind: &ResourceType) -> Result<(), Problem> {
        self.require_of(Some(kind))
    }

    /// Asks for the type of something that the caller named; `None`: there is no such thing, which only those learn who reach
    /// everything.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require_of(&self, kind: Option<&ResourceType>) -> Result<(), Problem> {
        let is_within = kind.map_or(*self == Self::Everything, |kind| self.covers(kind));
        is_within.then_some(()).ok_or_else(not_your_type)
    }
}

/// 403 for a type of things that somebody else manages.
pub(super) fn not_your_type() -> Problem {
    Problem::forbidden(
        "None of your roles lets you manage things of this type. Ask an administrator.",
    )
}

/// The thing that a path names.
pub(super) fn thing_in_path(path: &(String, String)) -> Result<ResourceName, Problem> {
    // What is no UTF-8 was replaced by this character, and would be the name of something else.
    if path.1.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Problem::invalid_parameter("id", "it is not UTF-8"));
    }
    Ok(ResourceName {
        kind: parameter("type", &path.0, ResourceType::parse)?,
        id: parameter("id", &path.1, ResourceId::parse)?,
    })
}

/// Parses a parameter of the address.
pub(super) fn parameter<T>(
    name: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, ResourceNameError>,
) -> Result<T, Problem> {
    parse(text).map_err(|fault| Problem::invalid_parameter(name, fault))
}

/// The address of a thing below `/v1/resources`.
pub(super) fn thing_path(name: &ResourceName) -> String {
    format!(
        "/v1/resources/{}/{}",
        segment(name.kind.as_str()),
        segment(name.id.as_str())
    )
}

/// A text as one segment of a path (RFC 3986 §3.3).
fn segment(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_reaches_everything_learns_that_something_is_not_there() {
        let kind = |text| ResourceType::parse(text).expect("a type");
        let (order, invoice) = (kind("order"), kind("invoice"));
        let some = Reach::Types(BTreeSet::from(["order".to_owned()]));
        assert!(some.require_of(Some(&order)).is_ok());
        for refused in [Some(&invoice), None] {
            assert!(some.require_of(refused).is_err());
            assert!(Reach::Everything.require_of(refused).is_ok());
        }
    }

    #[test]
    fn a_thing_is_one_segment_of_a_path_whatever_it_is_called() {
        let name = ResourceName::parse("Shop::order", "a/b c+d%2Fé?#").expect("a name");
        assert_eq!(
            thing_path(&name),
            "/v1/resources/Shop%3A%3Aorder/a%2Fb%20c%2Bd%252F%C3%A9%3F%23"
        );
    }
}
