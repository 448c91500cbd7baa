//! The registry of roles: made, changed, taken away. Only administrators and the command come here: a role says who manages whom.
//!
//! Whoever gives a role holds its row until that is committed, and so does whoever deletes or names it here. Standings are locked before
//! roles, never after them; so a role that somebody holds is refused to be deleted instead of being taken from them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{RoleDescription, RoleName};
use super::role::{MOST_MANAGED, Role, RoleError, RoleUse, require_administrator};
use super::{Users, queries};
use crate::base::clock::Timestamp;
use crate::clients::ActingAs;
use crate::db::{self, Connection, Database};
use crate::history::{self, Event};
use crate::standing::ADMINISTRATOR;

/// A role to make.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Name of the role.
    pub name: RoleName,
    /// Purpose of the role.
    pub description: RoleDescription,
    /// Roles of the registry; itself too, if wanted.
    pub manages_roles: Vec<String>,
    /// Types of things, checked by the caller.
    pub manages_grants_on: Vec<String>,
}

/// What to change; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// Purpose of the role.
    pub description: Option<RoleDescription>,
    /// All managed roles anew.
    pub manages_roles: Option<Vec<String>>,
    /// All types of things anew, checked by the caller.
    pub manages_grants_on: Option<Vec<String>>,
}

impl Users {
    /// At most `limit` roles by the order of their names, further on than `after`.
    pub async fn list_roles(&self, after: Option<String>, limit: i64) -> db::Result<Vec<Role>> {
        self.database
            .read(move |conn| queries::list_page(conn, after.as_deref(), limit))
            .await
    }

    /// One role.
    ///
    /// # Errors
    /// `Unknown`.
    pub async fn find_role(&self, name: &str) -> Result<Role, RoleError> {
        let name = name.to_owned();
        self.database
            .read(move |conn| queries::find_role(conn, &name)?.ok_or(RoleError::Unknown))
            .await
    }

    /// Who and what needs a role, as things stand: for pages, which say so beforehand.
    pub async fn find_role_use(&self, name: &str) -> db::Result<RoleUse> {
        let (name, judged_at) = (name.to_owned(), self.clock.now());
        self.database
            .read(move |conn| find_use(conn, &name, judged_at))
            .await
    }

    /// Makes a role. One that was deleted begins anew, and its versions go on.
    ///
    /// # Errors
    /// Why not; of any number at once all but one get `Exists`.
    pub async fn create_role(&self, wanted: NewRole, acting: ActingAs) -> Result<Role, RoleError> {
        let (name, database) = (wanted.name, self.database.clone());
        let change = RoleChange {
            description: Some(wanted.description),
            manages_roles: Some(wanted.manages_roles),
            manages_grants_on: Some(wanted.manages_grants_on),
        };
        let change = change.bounded()?;
        let created = self
            .database
            .write(move |conn| create(conn, &database, name.as_str(), change, &acting))
            .await;
        match created {
            // Two made one that never was before: the unique name decides.
            Err(RoleError::Database(db::Error::Taken(_))) => Err(RoleError::Exists),
            created => created,
        }
    }

    /// Changes a role. With `expected`, only if that is still its version. What its holders may do is as it says from then on.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn update_role(
        &self,
        name: &str,
        change: RoleChange,
        expected: Option<i64>,
        acting: ActingAs,
    ) -> Result<Role, RoleError> {
        let (name, change) = (name.to_owned(), change.bounded()?);
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let managed = change.manages_roles.as_deref().unwrap_or_default();
                let author = acting.check(conn, &[])?;
                let mut role = lock(conn, &name, managed)?;
                require_administrator(conn, &author)?;
                let now = database.now(conn)?;
                if expected.is_some_and(|expected| expected != role.version) {
                    return Err(RoleError::VersionIs(role.version));
                }
                let before = role.clone();
                change.apply(&mut role)?;
                let changes = history::changes(&as_details(&before), &as_details(&role));
                if changes.is_empty() {
                    return Ok(role);
                }
                role.save(conn, now, &author)?;
                let event = event("role.updated", &role, Value::Object(changes));
                history::record(conn, now, &author, event)?;
                Ok(role)
            })
            .await
    }

    /// Takes a role out of the registry; with `expected`, only if that is still its version.
    ///
    /// # Errors
    /// `InUse` says who or what needs it.
    pub async fn delete_role(
        &self,
        name: &str,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Role, RoleError> {
        let (name, judged_at) = (name.to_owned(), self.clock.now());
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let author = acting.check(conn, &[])?;
                let mut role = lock(conn, &name, &[])?;
                require_administrator(conn, &author)?;
                let now = database.now(conn)?;
                if expected.is_some_and(|expected| expected != role.version) {
                    return Err(RoleError::VersionIs(role.version));
                }
                if role.is_built_in() {
                    return Err(RoleError::BuiltIn);
                }
                let needed = find_use(conn, &name, judged_at)?;
                if needed != RoleUse::default() {
                    return Err(RoleError::InUse(needed));
                }
                role.delete(conn, now, &author)?;
                let event = event("role.deleted", &role, json!({})).because(reason.as_deref());
                history::record(conn, now, &author, event)?;
                Ok(role)
            })
            .await
    }
}

fn create(
    conn: &mut Connection,
    database: &Database,
    name: &str,
    change: RoleChange,
    acting: &ActingAs,
) -> Result<Role, RoleError> {
    let author = &acting.check(conn, &[])?;
    let managed = change.manages_roles.as_deref().unwrap_or_default();
    let earlier = lock_earlier(conn, name, managed)?;
    require_administrator(conn, author)?;
    let now = database.now(conn)?;
    let mut role = Role {
        name: name.to_owned(),
        description: String::new(),
        manages_roles: Vec::new(),
        manages_grants_on: Vec::new(),
        version: 1,
        as_of: now,
    };
    match earlier {
        Some((_, true)) => return Err(RoleError::Exists),
        Some((deleted, false)) => {
            (role.version, role.as_of) = (deleted.version, deleted.as_of);
            change.apply(&mut role)?;
            role.save(conn, now, author)?;
        }
        None => {
            change.apply(&mut role)?;
            role.create(conn, author)?;
        }
    }
    history::record(
        conn,
        now,
        author,
        event("role.created", &role, as_details(&role)),
    )?;
    Ok(role)
}

/// As [`lock`], where the role itself may not be there: its row, if there ever was one, and whether the registry has it.
fn lock_earlier(
    conn: &mut Connection,
    name: &str,
    managed: &[String],
) -> Result<Option<(Role, bool)>, RoleError> {
    let mut rows = others(name, managed);
    rows.push(name.to_owned());
    rows.sort_unstable();
    let mut earlier = None;
    for row in rows {
        let found = queries::lock_role(conn, &row)?;
        if row == name {
            earlier = found;
        } else if !found.is_some_and(|(_, is_there)| is_there) {
            return Err(RoleError::UnknownRole(row));
        }
    }
    Ok(earlier)
}

/// Holds a role's row, and those of the roles that it is to manage, until the transaction ends; in the order of their names, as
/// everywhere.
fn lock(conn: &mut Connection, name: &str, managed: &[String]) -> Result<Role, RoleError> {
    let mut names = others(name, managed);
    names.push(name.to_owned());
    match queries::lock_roles(conn, &names)? {
        Some(missing) if missing == name => Err(RoleError::Unknown),
        Some(missing) => match queries::find_role(conn, name)? {
            Some(_) => Err(RoleError::UnknownRole(missing)),
            None => Err(RoleError::Unknown),
        },
        None => queries::find_role(conn, name)?.ok_or(RoleError::Unknown),
    }
}

fn find_use(conn: &mut Connection, name: &str, now: Timestamp) -> db::Result<RoleUse> {
    Ok(RoleUse {
        holders: queries::count_holders(conn, name)?,
        invitations: queries::count_waiting(conn, name, now)?,
        managed_by: queries::list_managers(conn, name)?,
    })
}

fn others(name: &str, managed: &[String]) -> Vec<String> {
    let others = managed.iter().filter(|managed| *managed != name);
    others.cloned().collect()
}

impl RoleChange {
    /// Its lists sorted, each entry once, and not too many: each is a row to hold.
    fn bounded(self) -> Result<Self, RoleError> {
        let sorted = |field, list: Option<Vec<String>>| {
            let list = list.map(|list| list.into_iter().collect::<BTreeSet<_>>());
            match list {
                Some(list) if list.len() > MOST_MANAGED => Err(RoleError::TooMany(field)),
                list => Ok(list.map(|list| list.into_iter().collect())),
            }
        };
        Ok(Self {
            description: self.description,
            manages_roles: sorted("manages_roles", self.manages_roles)?,
            manages_grants_on: sorted("manages_grants_on", self.manages_grants_on)?,
        })
    }

    fn apply(self, role: &mut Role) -> Result<(), RoleError> {
        if let Some(description) = self.description {
            description.as_str().clone_into(&mut role.description);
        }
        if let Some(managed) = self.manages_roles {
            role.manages_roles = managed;
        }
        if let Some(types) = self.manages_grants_on {
            role.manages_grants_on = types;
        }
        let manages_something =
            !role.manages_roles.is_empty() || !role.manages_grants_on.is_empty();
        if role.is_built_in() && manages_something {
            return Err(RoleError::BuiltIn);
        }
        if role.manages_roles.iter().any(|name| name == ADMINISTRATOR) {
            return Err(RoleError::ManagesAdministrators);
        }
        Ok(())
    }
}

/// What a role says, for the audit event.
fn as_details(role: &Role) -> Value {
    json!({
        "description": role.description,
        "manages_roles": role.manages_roles,
        "manages_grants_on": role.manages_grants_on,
    })
}

fn event(action: &'static str, role: &Role, mut details: Value) -> Event {
    if let Some(members) = details.as_object_mut() {
        members.insert("role".to_owned(), json!(role.name));
    }
    Event::done(action).details(details)
}
