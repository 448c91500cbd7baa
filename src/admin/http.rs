//! `/v1/users/{user}/…`, `/v1/invitations`, `/v1/roles`, `/v1/clients`, `/v1/grants`, `/v1/resources`, `/v1/audit-events`.

pub mod audit;
pub mod clients;
pub mod grants;
pub mod history;
pub mod invitations;
pub mod passkeys;
pub(super) mod reach;
pub mod resources;
pub mod roles;
pub mod roles_held;
pub mod sessions;
pub mod users;

use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::base::ids::UserId;
use crate::base::letters::is_unprintable;
use crate::clients::Scope;
use crate::sessions::Caller;
use crate::users::http::{delegate, find_for, own_id, readable};
use crate::users::{Authority, Users};
use crate::web::Problem;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(roles_held::routes)
        .configure(users::routes)
        .configure(passkeys::routes)
        .configure(sessions::routes)
        .configure(invitations::routes)
        .configure(roles::routes)
        .configure(clients::routes)
        .configure(grants::routes)
        .configure(resources::routes)
        .configure(history::routes)
        .configure(audit::routes);
}

/// Why somebody does what they do.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For the audit log; at most 200 characters.
    reason: Option<String>,
}

impl Reason {
    fn parse(self) -> Result<Option<String>, Problem> {
        parse_reason(self.reason.as_deref().unwrap_or_default())
    }
}

/// Trims a reason; `None` where there is none.
pub(super) fn parse_reason(text: &str) -> Result<Option<String>, Problem> {
    let reason = text.trim();
    if reason.chars().count() > 200 || reason.chars().any(is_unprintable) {
        return Err(Problem::invalid_field(
            "reason",
            "at most 200 printable characters",
        ));
    }
    Ok(Some(reason.to_owned()).filter(|reason| !reason.is_empty()))
}

/// By what right a caller touches somebody.
fn authority(caller: &Caller) -> Authority {
    match caller {
        Caller::Person(person) => Authority::Delegate(person.session.user),
        // An app that holds a person's token is an app: what it could make of their rights would outlive the token.
        Caller::Client(_) | Caller::Bearer(_) => Authority::Service,
    }
}

/// Whom a path names, for a caller who may change them: an administrator or whoever manages them, with a recent sign-in, or a client
/// with the scope. Who may not learns nothing of who there is. The verbs judge it again, under their lock.
async fn find_changeable(
    caller: &Caller,
    users: &Users,
    name: &str,
    scope: Scope,
) -> Result<UserId, Problem> {
    let manager = delegate(caller);
    if manager.is_none() {
        caller.require(scope)?;
        caller.require_fresh()?;
        return Ok(users.resolve(name).await?);
    }
    let person = find_for(users, manager, name).await?;
    caller.require_fresh()?;
    Ok(person.id)
}

/// Whom a path names, for a caller who may read them: themself, an administrator or whoever manages them, a client with the scope.
async fn find_readable(
    caller: &Caller,
    users: &Users,
    name: &str,
    scope: Scope,
) -> Result<UserId, Problem> {
    if let Some(id) = own_id(caller, name, scope) {
        return Ok(id);
    }
    Ok(readable(users, caller, name, scope).await?.id)
}
