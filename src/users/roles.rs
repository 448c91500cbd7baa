//! Lists, creates, changes and deletes roles. Only administrators and the command line may change them, because a role says who
//! manages which users.
//!
//! A transaction that assigns a role locks its row until the commit, and so does one that deletes the role or names it in another
//! role. Account states are locked before roles, never after them, so deleting a role that users hold is refused instead of
//! removing it from them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{RoleDescription, RoleName};
use super::role::{MAX_MANAGED, Role, RoleError, RoleUse, require_administrator};
use super::{Users, queries};
use crate::account_state::ADMINISTRATOR;
use crate::base::clock::Timestamp;
use crate::clients::ActingAs;
use crate::db::{self, Connection, Database};
use crate::history::{self, Event};
use crate::web::{Page, rows_to_fetch};

/// Changes of a role; `None` leaves a field as it is, or empty in a new role.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// Purpose of the role.
    pub description: Option<RoleDescription>,
    /// The new list of managed roles.
    pub manages_roles: Option<Vec<String>>,
    /// The new list of resource types, checked by the caller.
    pub manages_assignments_on: Option<Vec<String>>,
}

impl Users {
    /// Lists at most `limit` roles in order of name, after the role `after`.
    pub async fn list_roles(&self, after: Option<String>, limit: usize) -> db::Result<Page<Role>> {
        let rows = rows_to_fetch(limit);
        let list = move |conn: &mut Connection| queries::list_page(conn, after.as_deref(), rows);
        let found = self.database.read(list).await?;
        Ok(Page::from_rows(found, limit, |role| role.name.clone()))
    }

    /// Finds a role by name.
    pub async fn find_role(&self, name: &str) -> Result<Role, RoleError> {
        let name = name.to_owned();
        self.database
            .read(move |conn| queries::find_role(conn, &name)?.ok_or(RoleError::Unknown))
            .await
    }

    /// Finds what a role is currently used by. Pages show it in advance; [`Users::delete_role`] checks it again.
    pub async fn find_role_use(&self, name: &str) -> db::Result<RoleUse> {
        let (name, checked_at) = (name.to_owned(), self.clock.now());
        self.database
            .read(move |conn| find_use(conn, &name, checked_at))
            .await
    }

    /// Creates a role. If a role with this name was deleted, its version numbers continue.
    ///
    /// # Errors
    /// Of any number of concurrent calls with the same name, all but one get `Exists`.
    pub async fn create_role(
        &self,
        name: RoleName,
        fields: RoleChange,
        acting: ActingAs,
    ) -> Result<Role, RoleError> {
        let (fields, database) = (fields.normalized()?, self.database.clone());
        let created = self
            .database
            .write(move |conn| create(conn, &database, name.as_str(), fields, &acting))
            .await;
        match created {
            // Two requests created a role that never existed before: the unique name decides.
            Err(RoleError::Database(db::Error::UniqueViolation(_))) => Err(RoleError::Exists),
            created => created,
        }
    }

    /// Changes a role; with `expected`, only if that is still its version. What its holders may manage changes immediately.
    pub async fn update_role(
        &self,
        name: &str,
        change: RoleChange,
        expected: Option<i64>,
        acting: ActingAs,
    ) -> Result<Role, RoleError> {
        let (name, change) = (name.to_owned(), change.normalized()?);
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let managed = change.manages_roles.as_deref().unwrap_or_default();
                let author = acting.check(conn, &[])?;
                let mut role = lock(conn, &name, managed)?;
                require_administrator(conn, &author)?;
                let now = database.now(conn)?;
                if expected.is_some_and(|expected| expected != role.version) {
                    return Err(RoleError::VersionMismatch(role.version));
                }
                let before = role.clone();
                change.apply(&mut role)?;
                let changes = history::changes(&as_details(&before), &as_details(&role));
                if changes.is_empty() {
                    return Ok(role);
                }
                role.start_next_version(now);
                role.store(conn, None, &author)?;
                let event = event("role.updated", &role, Value::Object(changes));
                history::record(conn, now, &author, event)?;
                Ok(role)
            })
            .await
    }

    /// Deletes a role; with `expected`, only if that is still its version.
    ///
    /// # Errors
    /// `InUse` says what uses it.
    pub async fn delete_role(
        &self,
        name: &str,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Role, RoleError> {
        let (name, checked_at) = (name.to_owned(), self.clock.now());
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let author = acting.check(conn, &[])?;
                let mut role = lock(conn, &name, &[])?;
                require_administrator(conn, &author)?;
                let now = database.now(conn)?;
                if expected.is_some_and(|expected| expected != role.version) {
                    return Err(RoleError::VersionMismatch(role.version));
                }
                if role.is_built_in() {
                    return Err(RoleError::BuiltIn);
                }
                let needed = find_use(conn, &name, checked_at)?;
                if needed != RoleUse::default() {
                    return Err(RoleError::InUse(needed));
                }
                role.start_next_version(now);
                role.store(conn, Some(role.as_of), &author)?;
                let event = event("role.deleted", &role, json!({})).with_reason(reason.as_deref());
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
    let (earlier, others) = lock_including_deleted(conn, name, managed)?;
    others?;
    require_administrator(conn, author)?;
    let now = database.now(conn)?;
    let mut role = Role {
        name: name.to_owned(),
        description: String::new(),
        manages_roles: Vec::new(),
        manages_assignments_on: Vec::new(),
        version: 1,
        as_of: now,
    };
    match earlier {
        Some((_, true)) => return Err(RoleError::Exists),
        Some((deleted, false)) => {
            (role.version, role.as_of) = (deleted.version, deleted.as_of);
            role.start_next_version(now);
        }
        None => {}
    }
    change.apply(&mut role)?;
    role.store(conn, None, author)?;
    history::record(
        conn,
        now,
        author,
        event("role.created", &role, as_details(&role)),
    )?;
    Ok(role)
}

/// Locks the rows of a role and of the roles that it is to manage until the transaction ends, in order of name, as everywhere.
/// Returns the role.
fn lock(conn: &mut Connection, name: &str, managed: &[String]) -> Result<Role, RoleError> {
    match lock_including_deleted(conn, name, managed)? {
        (Some((role, true)), managed) => managed.map(|()| role),
        _ => Err(RoleError::Unknown),
    }
}

/// Like [`lock`], for a role that may not exist. Returns its row, if there ever was one, with whether the role exists; and
/// whether the roles that it is to manage exist.
#[expect(clippy::type_complexity, reason = "used twice, above and in `create`")]
fn lock_including_deleted(
    conn: &mut Connection,
    name: &str,
    managed: &[String],
) -> db::Result<(Option<(Role, bool)>, Result<(), RoleError>)> {
    let names: BTreeSet<&str> = managed.iter().map(String::as_str).chain([name]).collect();
    let (mut earlier, mut others) = (None, Ok(()));
    for row in names {
        let found = queries::lock_role(conn, row)?;
        if row == name {
            earlier = found;
        } else if others.is_ok() && !found.is_some_and(|(_, exists)| exists) {
            others = Err(RoleError::UnknownRole(row.to_owned()));
        }
    }
    Ok((earlier, others))
}

fn find_use(conn: &mut Connection, name: &str, now: Timestamp) -> db::Result<RoleUse> {
    Ok(RoleUse {
        holders: queries::count_holders(conn, name)?,
        invitations: queries::count_pending_with_role(conn, name, now)?,
        managed_by: queries::list_managers(conn, name)?,
    })
}

impl RoleChange {
    /// Sorts the lists, removes duplicates and limits the length, because each managed role is a row to lock.
    fn normalized(self) -> Result<Self, RoleError> {
        let sorted = |field, list: Option<Vec<String>>| {
            let list = list.map(|list| list.into_iter().collect::<BTreeSet<_>>());
            match list {
                Some(list) if list.len() > MAX_MANAGED => Err(RoleError::TooMany(field)),
                list => Ok(list.map(|list| list.into_iter().collect())),
            }
        };
        Ok(Self {
            description: self.description,
            manages_roles: sorted("manages_roles", self.manages_roles)?,
            manages_assignments_on: sorted("manages_assignments_on", self.manages_assignments_on)?,
        })
    }

    fn apply(self, role: &mut Role) -> Result<(), RoleError> {
        if let Some(description) = self.description {
            description.as_str().clone_into(&mut role.description);
        }
        if let Some(managed) = self.manages_roles {
            role.manages_roles = managed;
        }
        if let Some(types) = self.manages_assignments_on {
            role.manages_assignments_on = types;
        }
        let manages_something =
            !role.manages_roles.is_empty() || !role.manages_assignments_on.is_empty();
        if role.is_built_in() && manages_something {
            return Err(RoleError::BuiltIn);
        }
        if role.manages_roles.iter().any(|name| name == ADMINISTRATOR) {
            return Err(RoleError::ManagesAdministrators);
        }
        Ok(())
    }
}

/// The fields of a role, for the audit event.
fn as_details(role: &Role) -> Value {
    json!({
        "description": role.description,
        "manages_roles": role.manages_roles,
        "manages_assignments_on": role.manages_assignments_on,
    })
}

fn event(action: &'static str, role: &Role, mut details: Value) -> Event {
    if let Some(members) = details.as_object_mut() {
        members.insert("role".to_owned(), json!(role.name));
    }
    Event::done(action).details(details)
}
