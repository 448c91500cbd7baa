//! Who may manage whom: by what right somebody acts on others, and what somebody may manage by the roles that they hold (delegated
//! administration). Every verb that changes somebody else asks here, in its transaction, under the locks of that person's standing and
//! of the standing of whoever acts.

use std::collections::BTreeSet;

use super::{User, Users, queries};
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::standing::{self, ADMINISTRATOR, UserStatus};

/// By what right somebody acts on people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The command line; and everybody on themself.
    Administrator,
    /// This person, as far as the roles that they hold at that moment let them: an administrator, or who manages others by a role.
    Delegate(UserId),
    /// A client, or an app that holds somebody's token: neither administrators nor those who manage others are its to make or to
    /// change.
    Service,
}

impl Authority {
    /// Whether by this right a person who holds these roles may be changed. The caller holds the lock of the person's standing, and
    /// of the manager's, so that the roles of both are those of this moment.
    pub fn may_manage(
        self,
        conn: &mut Connection,
        person: UserId,
        roles: &[String],
    ) -> db::Result<bool> {
        match self {
            Self::Administrator => Ok(true),
            Self::Delegate(manager) => {
                let rights = Rights::of(conn, manager)?;
                let is_other = manager != person;
                Ok(rights.is_administrator || (is_other && rights.may_manage_holder(roles)))
            }
            Self::Service => Ok(!are_guarded(conn, roles)?),
        }
    }

    /// Whether this is the right of an administrator in person. The caller holds the standing of the manager.
    pub fn is_administrator(self, conn: &mut Connection) -> db::Result<bool> {
        match self {
            Self::Administrator => Ok(true),
            Self::Delegate(manager) => Ok(Rights::of(conn, manager)?.is_administrator),
            Self::Service => Ok(false),
        }
    }

    /// Whether an address that `author` writes by this right counts as the user's: an administrator in person or the command line
    /// writes it, and not about themself on their own account's page, nor through an app. The caller holds the standing of the manager.
    pub(super) fn vouches(self, conn: &mut Connection, author: &Author) -> db::Result<bool> {
        match self {
            Self::Administrator => Ok(author.actor == Actor::Command),
            Self::Delegate(manager) if author.actor == Actor::Person(manager) => {
                Ok(Rights::of(conn, manager)?.is_administrator)
            }
            Self::Delegate(_) | Self::Service => Ok(false),
        }
    }

    /// Whether by this right each of these roles may be given and taken. The caller holds the standing of the manager, and
    /// the rows of the roles.
    pub fn may_give(self, conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
        match self {
            Self::Administrator => Ok(true),
            Self::Delegate(manager) => {
                let rights = Rights::of(conn, manager)?;
                Ok(roles.iter().all(|role| rights.may_give(role)))
            }
            Self::Service => Ok(!are_guarded(conn, roles)?),
        }
    }

    /// Whether by this right a new person may be invited to hold these roles: who manages by roles invites whom they then manage,
    /// and nobody without a role. The caller holds what [`Authority::may_give`] asks for.
    pub fn may_invite(self, conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
        match self {
            Self::Delegate(manager) => Ok(Rights::of(conn, manager)?.may_manage_holder(roles)),
            Self::Administrator | Self::Service => self.may_give(conn, roles),
        }
    }
}

/// Whether one of these roles makes an administrator, or lets its holder manage something.
pub(super) fn are_guarded(conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
    if roles.iter().any(|role| role == ADMINISTRATOR) {
        return Ok(true);
    }
    let managed = queries::list_managed(conn, roles)?;
    Ok(managed
        .iter()
        .any(|(roles, types)| !roles.is_empty() || !types.is_empty()))
}

/// What a person may manage: by the roles that they hold when it is read, and then by what these say. Who changes something by it holds
/// the person's standing, so that the roles stay theirs until the change is there; what a role says may be changed in the same moment.
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
        rights.manages_roles.remove(ADMINISTRATOR);
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

    /// Whether this person, whose rights these are, may change another.
    pub fn may_manage(&self, own: UserId, person: &User) -> bool {
        self.is_administrator || (own != person.id && self.may_manage_holder(&person.roles))
    }

    /// Whether there is nobody whom they may manage, whoever there is.
    pub fn manages_nobody(&self) -> bool {
        !self.is_administrator && self.manages_roles.is_empty()
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

impl Users {
    /// What a person may manage.
    pub async fn rights(&self, user: UserId) -> db::Result<Rights> {
        self.database.read(move |conn| Rights::of(conn, user)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::EmailState;

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

    #[test]
    fn nobody_manages_themself_and_an_administrator_manages_everybody() {
        let person = |roles: &[&str]| User {
            id: UserId::random(),
            username: "ada".into(),
            email: None,
            email_state: EmailState::Unverified,
            email_verified_at: None,
            email_verified_by: None,
            display_name: "Ada".into(),
            status: UserStatus::Active,
            attributes: serde_json::Map::new(),
            roles: roles.iter().map(|name| (*name).to_owned()).collect(),
            created_at: crate::base::clock::Timestamp::from_micros(0),
            version: 1,
            as_of: crate::base::clock::Timestamp::from_micros(0),
        };
        let (lead, other) = (person(&["lead"]), person(&["lead"]));
        let rights = Rights {
            manages_roles: ["lead".to_owned()].into(),
            ..Rights::default()
        };
        assert!(rights.may_manage(lead.id, &other));
        assert!(!rights.may_manage(lead.id, &lead));
        assert!(!rights.may_manage(lead.id, &person(&["lead", "admin"])));
        let administrator = Rights {
            is_administrator: true,
            ..Rights::default()
        };
        assert!(administrator.may_manage(lead.id, &lead));
        assert!(administrator.may_manage(lead.id, &person(&[])));
    }

    #[test]
    fn who_manages_grants_alone_manages_nobody_and_still_something() {
        let rights = Rights {
            manages_grants_on: ["order".to_owned()].into(),
            ..Rights::default()
        };
        assert!(rights.manages_nobody() && !rights.is_empty());
        assert!(rights.may_grant_on("order") && !rights.may_grant_on("Order"));
        assert!(Rights::default().manages_nobody() && Rights::default().is_empty());
    }
}
