//! Decides what a caller may do to other users: with which permissions they act, and what their roles let them manage (delegated
//! administration). Every function that changes another user checks this in its transaction, under the locks on the account states
//! of that user and of the author.

use std::collections::BTreeSet;

use super::{User, Users, queries};
use crate::account_state::{self, ADMINISTRATOR, UserStatus};
use crate::base::ids::UserId;
use crate::clients::ActingAs;
use crate::db::{self, Connection};
use crate::history::{Actor, Author};

/// The permissions with which a caller changes users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Allows every change: for the command line, and for users who change their own account.
    Unrestricted,
    /// Allows what the roles of this user allow at the time of the change: the user is an administrator, or manages other users
    /// by a role.
    User(UserId),
    /// For clients, with their own token or a user's: allows neither creating nor changing administrators and users whose
    /// roles manage something.
    Client,
}

/// The permission for a change: the caller, and which users the caller may change.
#[derive(Clone, Debug)]
pub struct Permit {
    /// The caller, whose credential and scope are checked again in the change's transaction.
    pub acting: ActingAs,
    /// Which users the caller may change.
    pub permissions: Permissions,
}

impl Permit {
    /// Permits the command line every change.
    pub fn command() -> Self {
        Self::own_account(ActingAs::command())
    }

    /// Permits users every change that the pages of their own account offer.
    pub fn own_account(acting: ActingAs) -> Self {
        Self {
            acting,
            permissions: Permissions::Unrestricted,
        }
    }
}

impl Permissions {
    /// Whether a user who holds these roles may be changed. The caller holds the locks on the account states of the user and of
    /// the manager, so that the roles of both are current.
    pub fn may_manage(
        self,
        conn: &mut Connection,
        user: UserId,
        roles: &[String],
    ) -> db::Result<bool> {
        match self {
            Self::Unrestricted => Ok(true),
            Self::User(manager) => {
                let rights = ManagementRights::of(conn, manager)?;
                let is_other = manager != user;
                Ok(rights.is_administrator || (is_other && rights.may_manage_holder(roles)))
            }
            Self::Client => Ok(!are_privileged(conn, roles)?),
        }
    }

    /// Whether every change is allowed: to administrators, the command line, and users who change their own account. The caller
    /// holds the lock on the manager's account state.
    pub fn is_administrator(self, conn: &mut Connection) -> db::Result<bool> {
        match self {
            Self::Unrestricted => Ok(true),
            Self::User(manager) => Ok(ManagementRights::of(conn, manager)?.is_administrator),
            Self::Client => Ok(false),
        }
    }

    /// Whether an email address that `author` enters counts as confirmed. It does if a signed-in administrator or the command line
    /// enters it, but not if users enter their own address on their account page, nor through a client. The caller holds the lock
    /// on the manager's account state.
    pub(super) fn may_confirm_email(
        self,
        conn: &mut Connection,
        author: &Author,
    ) -> db::Result<bool> {
        match self {
            Self::Unrestricted => Ok(author.actor == Actor::Command),
            Self::User(manager) if author.actor == Actor::User(manager) => {
                Ok(ManagementRights::of(conn, manager)?.is_administrator)
            }
            Self::User(_) | Self::Client => Ok(false),
        }
    }

    /// Whether each of these roles may be assigned and removed. The caller holds the locks on the manager's account state and
    /// on the roles.
    pub fn may_assign(self, conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
        match self {
            Self::Unrestricted => Ok(true),
            Self::User(manager) => {
                let rights = ManagementRights::of(conn, manager)?;
                Ok(roles.iter().all(|role| rights.may_assign_role(role)))
            }
            Self::Client => Ok(!are_privileged(conn, roles)?),
        }
    }

    /// Whether a new user may be invited to hold these roles. A user who manages by roles may invite only users whom they will
    /// then manage, so none without a role. The caller holds the locks that [`Permissions::may_assign`] needs.
    pub fn may_invite(self, conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
        match self {
            Self::User(manager) => {
                Ok(ManagementRights::of(conn, manager)?.may_manage_holder(roles))
            }
            Self::Unrestricted | Self::Client => self.may_assign(conn, roles),
        }
    }
}

/// Whether one of these roles is `admin`, or lets its holders manage something.
pub(super) fn are_privileged(conn: &mut Connection, roles: &[String]) -> db::Result<bool> {
    if roles.iter().any(|role| role == ADMINISTRATOR) {
        return Ok(true);
    }
    let managed = queries::list_managed(conn, roles)?;
    Ok(managed
        .iter()
        .any(|(roles, types)| !roles.is_empty() || !types.is_empty()))
}

/// What a user may manage, read from the roles that they hold and from what these roles allow. A caller that makes a change by it
/// holds the lock on the user's account state, so that the user holds the same roles until the change is committed. What the roles
/// allow may change concurrently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagementRights {
    /// Whether the user may manage everything.
    pub is_administrator: bool,
    /// The user may manage users who hold at least one of these roles and no others, and may assign and remove these roles.
    pub manages_roles: BTreeSet<String>,
    /// The user may manage role assignments on resources of these types.
    pub manages_assignments_on: BTreeSet<String>,
}

impl ManagementRights {
    /// Reads the management rights of a user. Users who are not active have none.
    pub fn of(conn: &mut Connection, user: UserId) -> db::Result<Self> {
        let record = account_state::find_record(conn, user)?;
        let Some(record) = record.filter(|record| record.status == UserStatus::Active) else {
            return Ok(Self::default());
        };
        let mut rights = Self {
            is_administrator: record.is_administrator(),
            ..Self::default()
        };
        for (managed, types) in queries::list_managed(conn, &record.roles)? {
            rights.manages_roles.extend(managed);
            rights.manages_assignments_on.extend(types);
        }
        // Only administrators may assign `admin`, whatever a role says.
        rights.manages_roles.remove(ADMINISTRATOR);
        Ok(rights)
    }

    /// Whether the user may assign and remove this role.
    pub fn may_assign_role(&self, role: &str) -> bool {
        self.is_administrator || self.manages_roles.contains(role)
    }

    /// Whether the user may change users who hold these roles: there is at least one, and the user may assign all of them.
    pub fn may_manage_holder(&self, roles: &[String]) -> bool {
        self.is_administrator
            || (!roles.is_empty() && roles.iter().all(|role| self.may_assign_role(role)))
    }

    /// Whether the user `own`, who has these rights, may change `user`.
    pub fn may_manage(&self, own: UserId, user: &User) -> bool {
        self.is_administrator || (own != user.id && self.may_manage_holder(&user.roles))
    }

    /// Whether the user can't manage any user.
    pub fn manages_no_users(&self) -> bool {
        !self.is_administrator && self.manages_roles.is_empty()
    }

    /// Whether the user may assign and remove roles on resources of this type.
    pub fn may_assign_on(&self, resource_type: &str) -> bool {
        self.is_administrator || self.manages_assignments_on.contains(resource_type)
    }

    /// Whether the user may manage nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.is_administrator
            && self.manages_roles.is_empty()
            && self.manages_assignments_on.is_empty()
    }
}

impl Users {
    /// Reads the management rights of a user.
    pub async fn rights(&self, user: UserId) -> db::Result<ManagementRights> {
        self.database
            .read(move |conn| ManagementRights::of(conn, user))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::EmailState;

    #[test]
    fn a_user_is_managed_only_if_every_role_of_theirs_is_managed() {
        let rights = ManagementRights {
            manages_roles: ["clerk".to_owned(), "cook".to_owned()].into(),
            ..ManagementRights::default()
        };
        let roles = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert!(rights.may_manage_holder(&roles(&["clerk"])));
        assert!(rights.may_manage_holder(&roles(&["clerk", "cook"])));
        assert!(!rights.may_manage_holder(&roles(&["clerk", "admin"])));
        assert!(!rights.may_manage_holder(&[]));
        assert!(!rights.may_assign_on("order"));
    }

    #[test]
    fn users_do_not_manage_themselves_and_administrators_manage_all_users() {
        let user_with = |roles: &[&str]| User {
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
        let (lead, other) = (user_with(&["lead"]), user_with(&["lead"]));
        let rights = ManagementRights {
            manages_roles: ["lead".to_owned()].into(),
            ..ManagementRights::default()
        };
        assert!(rights.may_manage(lead.id, &other));
        assert!(!rights.may_manage(lead.id, &lead));
        assert!(!rights.may_manage(lead.id, &user_with(&["lead", "admin"])));
        let administrator = ManagementRights {
            is_administrator: true,
            ..ManagementRights::default()
        };
        assert!(administrator.may_manage(lead.id, &lead));
        assert!(administrator.may_manage(lead.id, &user_with(&[])));
    }

    #[test]
    fn managing_assignments_does_not_include_managing_users() {
        let rights = ManagementRights {
            manages_assignments_on: ["order".to_owned()].into(),
            ..ManagementRights::default()
        };
        assert!(rights.manages_no_users() && !rights.is_empty());
        assert!(rights.may_assign_on("order") && !rights.may_assign_on("Order"));
        assert!(
            ManagementRights::default().manages_no_users()
                && ManagementRights::default().is_empty()
        );
    }
}
