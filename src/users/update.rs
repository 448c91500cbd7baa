//! Changes the profile and the roles of a user.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::email_state::EmailState;
use super::fields::{DisplayName, Email, Username};
use super::last_administrator::{LastAdministrator, require_another_administrator};
use super::permissions::{Permissions, Permit, are_privileged};
use super::queries::LinksToVoid;
use super::usernames::may_be_renamed;
use super::{User, Users, queries};
use crate::account_state::{self, ChangePending, UserStatus};
use crate::base::attributes;
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::ids::UserId;
use crate::clients::ActingError;
use crate::db::{self, Connection, Database};
use crate::history::{self, Author, Event};
use crate::sessions::EndError;

/// Changes of a user; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// A new, unique username. The old one stays reserved for the user.
    pub username: Option<Username>,
    /// Display name.
    pub display_name: Option<DisplayName>,
    /// A new email address; `Some(None)` removes it.
    pub email: Option<Option<Email>>,
    /// Whether the email address, as it is after this change, is confirmed. Only signed-in administrators and the command line may
    /// set it. `None`: a new address is confirmed if one of them enters it, and otherwise not.
    pub email_verified: Option<bool>,
    /// New attributes, which replace all earlier ones.
    pub attributes: Option<Map<String, Value>>,
    /// New roles, which replace all earlier ones.
    pub roles: Option<Vec<String>>,
}

/// Why a user was not changed, suspended or reactivated, or their sessions were not ended.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// No user has this ID, or the user has no such session.
    #[error("no user has this ID")]
    Unknown,
    /// The user was changed since the caller read them; their current version.
    #[error("the user was changed by another request, to version {0}")]
    VersionMismatch(i64),
    /// The username is, or was, another user's.
    #[error("the username is taken")]
    UsernameTaken,
    /// The user was renamed too often recently.
    #[error("the user was renamed too often recently; an administrator may still rename them")]
    TooManyRenames,
    /// No role has this name.
    #[error("no role is named {0}")]
    UnknownRole(String),
    /// The attributes are too large, or nested too deeply.
    #[error("attributes must have at most 16384 bytes and 16 levels")]
    TooManyAttributes,
    /// The user is the last administrator who can sign in.
    #[error(transparent)]
    LastAdministrator(#[from] LastAdministrator),
    /// The caller may not manage this user or assign these roles.
    #[error("the caller may not manage this user or these roles")]
    NotPermitted,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// Only signed-in administrators and the command line may set whether an email address is verified.
    #[error("only administrators, in their own session, may mark an email address as verified")]
    EmailVerificationNotPermitted,
    /// There is no email address to confirm.
    #[error("the user has no email address")]
    EmailMissing,
    /// The change is committed, but not in force yet.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<EndError> for UpdateError {
    fn from(error: EndError) -> Self {
        match error {
            EndError::Unknown => Self::Unknown,
            EndError::Acting(error) => Self::Acting(error),
            EndError::Pending(error) => Self::Pending(error),
            EndError::Database(error) => Self::Database(error),
        }
    }
}

impl Users {
    /// Changes a user; with `expected`, only if that is still their version.
    pub async fn update(
        &self,
        id: UserId,
        change: UserChange,
        expected: Option<i64>,
        permit: Permit,
    ) -> Result<User, UpdateError> {
        let attributes = change.attributes.as_ref();
        if attributes.is_some_and(|new| !attributes::are_within_limits(new)) {
            return Err(UpdateError::TooManyAttributes);
        }
        let (database, limits) = (self.database.clone(), self.config);
        let user = self
            .database
            .write(move |conn| {
                let (author, now, mut user) = begin_change(conn, &database, id, &permit)?;
                let permissions = permit.permissions;
                let explicit = change.email_verified;
                if expected.is_some_and(|expected| expected != user.version) {
                    return Err(UpdateError::VersionMismatch(user.version));
                }
                let before = user.clone();
                let may_confirm_email = permissions.may_confirm_email(conn, &author)?;
                if explicit.is_some() && !may_confirm_email {
                    return Err(UpdateError::EmailVerificationNotPermitted);
                }
                if !permissions.is_administrator(conn)? {
                    change.require_rename_allowed(conn, id, limits, now)?;
                }
                change.apply(conn, &mut user, permissions)?;
                // An unchanged address was entered by someone else, so it isn't confirmed implicitly.
                let wrote_address = user.email.is_some() && user.email != before.email;
                let implied = (wrote_address && may_confirm_email).then_some(true);
                if let Some(is_verified) = explicit.or(implied) {
                    user.set_email_verified(is_verified, now, &author)?;
                }
                let changes = history::changes(&as_details(&before), &as_details(&user));
                if changes.is_empty() {
                    return Ok(user);
                }
                void_links(conn, &before, &user, now)?;
                if user.is_administrator()
                    && !before.is_administrator()
                    && user.status == UserStatus::Active
                {
                    queries::close_set_up(conn, id, now)?;
                }
                user.save(conn, now, &author)?;
                let event = Event::done("user.updated").subject(id);
                let event = event.details(Value::Object(changes));
                history::record(conn, now, &author, event)?;
                Ok(user)
            })
            .await;
        // `VersionMismatch` may be the result of a retry, whose first attempt was committed without being in force yet.
        if matches!(user, Ok(_) | Err(UpdateError::VersionMismatch(_))) {
            self.account_states.publish(id).await?;
        }
        user
    }
}

/// Checks the caller, and begins a change of a user whom they may manage. Returns the author and the time of the change.
pub(super) fn begin_change(
    conn: &mut Connection,
    database: &Database,
    id: UserId,
    permit: &Permit,
) -> Result<(Author, Timestamp, User), UpdateError> {
    let author = permit.acting.check(conn, &[id])?;
    let now = account_state::begin_change(conn, database, id)?.ok_or(UpdateError::Unknown)?;
    let user = find_manageable(conn, id, permit.permissions)?;
    Ok((author, now, user))
}

/// Finds a user, and checks that the caller may manage them.
pub(super) fn find_manageable(
    conn: &mut Connection,
    id: UserId,
    permissions: Permissions,
) -> Result<User, UpdateError> {
    let user = queries::find_user(conn, id)?.ok_or(UpdateError::Unknown)?;
    if !permissions.may_manage(conn, id, &user.roles)? {
        return Err(UpdateError::NotPermitted);
    }
    Ok(user)
}

/// Voids links that are no longer allowed after a change of the user's roles.
fn void_links(
    conn: &mut Connection,
    before: &User,
    after: &User,
    now: Timestamp,
) -> db::Result<()> {
    if after.is_administrator() && !before.is_administrator() {
        // Links that others created for an ordinary user must not give access to an administrator's account.
        queries::void_links(conn, LinksToVoid::For(after.id), now)?;
    }
    let is_lost = |role: &&String| !after.roles.contains(role);
    let lost: Vec<String> = before.roles.iter().filter(is_lost).cloned().collect();
    if are_privileged(conn, &lost)? {
        // Links that the user created by means of a removed role stay void if the role is assigned again.
        queries::void_links(conn, LinksToVoid::CreatedBy(after.id), now)?;
    }
    Ok(())
}

impl UserChange {
    /// Refuses what only an administrator may do: a new username for a user who was given too many recently. A username that the
    /// user had before doesn't count.
    fn require_rename_allowed(
        &self,
        conn: &mut Connection,
        user: UserId,
        limits: config::Users,
        now: Timestamp,
    ) -> Result<(), UpdateError> {
        let is_new = match &self.username {
            Some(name) => queries::find_by_any_username(conn, name.as_str())?.is_none(),
            None => false,
        };
        if is_new && !may_be_renamed(conn, user, limits, now)? {
            return Err(UpdateError::TooManyRenames);
        }
        Ok(())
    }

    fn apply(
        self,
        conn: &mut Connection,
        user: &mut User,
        permissions: Permissions,
    ) -> Result<(), UpdateError> {
        if let Some(username) = self.username {
            let holder = queries::find_by_any_username(conn, username.as_str())?;
            if holder.is_some_and(|holder| holder != user.id) {
                return Err(UpdateError::UsernameTaken);
            }
            username.as_str().clone_into(&mut user.username);
        }
        if let Some(display_name) = self.display_name {
            display_name.as_str().clone_into(&mut user.display_name);
        }
        if let Some(email) = self.email {
            let email = email.map(|email| email.as_str().to_owned());
            // Another address starts as unverified.
            if user.email != email {
                user.reset_email_state();
            }
            user.email = email;
        }
        if let Some(attributes) = self.attributes {
            user.attributes = attributes;
        }
        if let Some(roles) = self.roles {
            set_roles(conn, user, roles, permissions)?;
        }
        Ok(())
    }
}

impl User {
    /// Sets whether the current address is verified. If it was verified already, the administrator who confirmed it
    /// first stays recorded.
    fn set_email_verified(
        &mut self,
        is_verified: bool,
        now: Timestamp,
        author: &Author,
    ) -> Result<(), UpdateError> {
        if is_verified && self.email.is_none() {
            return Err(UpdateError::EmailMissing);
        }
        match (is_verified, self.is_email_verified()) {
            (true, false) => self.confirm_email(now, author.user()),
            (false, true) => self.reset_email_state(),
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    fn reset_email_state(&mut self) {
        self.email_state = EmailState::Unverified;
        self.email_verified_at = None;
        self.email_verified_by = None;
    }
}

fn set_roles(
    conn: &mut Connection,
    user: &mut User,
    mut roles: Vec<String>,
    permissions: Permissions,
) -> Result<(), UpdateError> {
    roles.sort_unstable();
    roles.dedup();
    let (before, after) = (
        BTreeSet::from_iter(&user.roles),
        BTreeSet::from_iter(&roles),
    );
    let changed = before.symmetric_difference(&after);
    let changed: Vec<String> = changed.copied().cloned().collect();
    if let Some(role) = queries::lock_roles(conn, &changed)? {
        return Err(UpdateError::UnknownRole(role));
    }
    if !permissions.may_assign(conn, &changed)? {
        return Err(UpdateError::NotPermitted);
    }
    let was_administrator = user.is_administrator();
    user.roles = roles;
    let stops_administering = was_administrator && !user.is_administrator();
    if stops_administering && user.status == UserStatus::Active {
        require_another_administrator(conn, user.id)??;
    }
    Ok(())
}

/// The fields of a user that can be changed, for the audit event.
fn as_details(user: &User) -> Value {
    json!({
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "email_state": user.email_state,
        "attributes": user.attributes,
        "roles": user.roles,
    })
}
