//! What somebody may manage by the roles that they hold (delegated administration).

use std::collections::BTreeSet;

use super::queries;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::standing::{self, UserStatus};

/// What a person may manage, as of the connection's snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Everything.
    pub is_administrator: bool,
    /// People who hold at least one of these roles and none beside them; and these roles may be given and taken.
    pub manages_roles: BTreeSet<String>,
    /// Grants on things of these types.
    pub manages_grants_on: BTreeSet<String>,
}

impl Rights {
    /// The rights of a person; none for whoever is not active.
    ///
    /// # Errors
    /// When the database is away.
    pub fn of(conn: &mut Connection, user: UserId) -> db::Result<Self> {
        let record = standing::find_record(conn, user)?;
        let Some(record) = record.filter(|record| record.status == UserStatus::Active) else {
            return Ok(Self::default());
        };
        let mut rights = Self {
            is_administrator: record.is_administrator(),
            ..Self::default()
        };
        for (managed, types) in queries::list_managed(conn, &record.roles)? {
            rights.manages_roles.extend(managed);
            rights.manages_grants_on.extend(types);
        }
        // Nobody but an administrator makes one, whatever a role says.
        rights.manages_roles.remove(standing::ADMINISTRATOR);
        Ok(rights)
    }

    /// Whether they may give and take this role.
    pub fn may_give(&self, role: &str) -> bool {
        self.is_administrator || self.manages_roles.contains(role)
    }

    /// Whether they may change somebody who holds these roles: all of them are theirs to give, and there is one.
    pub fn may_manage_holder(&self, roles: &[String]) -> bool {
        self.is_administrator || (!roles.is_empty() && roles.iter().all(|role| self.may_give(role)))
    }

    /// Whether they may give and withdraw roles on things of this type.
    pub fn may_grant_on(&self, resource_type: &str) -> bool {
        self.is_administrator || self.manages_grants_on.contains(resource_type)
    }

    /// Whether they may manage anything at all.
    pub fn is_empty(&self) -> bool {
        !self.is_administrator && self.manages_roles.is_empty() && self.manages_grants_on.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_managed_only_when_every_role_of_theirs_may_be_given() {
        let rights = Rights {
            manages_roles: ["clerk".to_owned(), "cook".to_owned()].into(),
            ..Rights::default()
        };
        let roles = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert!(rights.may_manage_holder(&roles(&["clerk"])));
        assert!(rights.may_manage_holder(&roles(&["clerk", "cook"])));
        assert!(!rights.may_manage_holder(&roles(&["clerk", "admin"])));
        assert!(!rights.may_manage_holder(&[]));
        assert!(!rights.may_grant_on("order"));
    }
}
