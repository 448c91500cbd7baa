//! `GET /admin/users/{user}`: shows one user.

use actix_web::web;
use askama::Template;

use super::events::{EventView, views};
use super::role_assignments::{RoleAssignmentRow, first_of};
use super::visitor::Manager;
use crate::history::{self, EventFilter};
use crate::passkeys::{PasskeyEntry, PasskeyFilter};
use crate::sessions::SessionEntry;
use crate::users::{User, UsernameView};
use crate::web::{Answer, Frame, page};

/// Events on this page; the audit page has the rest.
const EVENTS: i64 = 10;

#[derive(Template)]
#[template(path = "admin_user.html")]
struct AdminUserPage {
    frame: Frame,
    user: User,
    /// Username of the administrator who confirmed the address. Only administrators see it.
    email_verified_by: Option<String>,
    /// Former usernames. Only administrators see them.
    former_names: Vec<UsernameView>,
    is_last_administrator: bool,
    passkeys: Vec<PasskeyEntry>,
    assignments: Vec<RoleAssignmentRow>,
    /// Text key of the first column's heading.
    assignments_of: &'static str,
    has_more_assignments: bool,
    sessions: Vec<SessionEntry>,
    events: Vec<EventView>,
}

pub(super) async fn show_user(manager: Manager, name: web::Path<String>) -> Answer {
    let user = manager.find(&name).await?;
    let (id, users, passkeys) = (user.id, &manager.users, &manager.passkeys);
    let (mut events, mut assignments, mut has_more_assignments) = (Vec::new(), Vec::new(), false);
    let (mut former_names, mut email_verified_by) = (Vec::new(), None);
    // Users who manage this user by a role don't see these details.
    if manager.rights.is_administrator {
        let filter = EventFilter {
            user: Some(id),
            ..EventFilter::default()
        };
        events = manager
            .database
            .read(move |conn| history::list(conn, &filter, EVENTS))
            .await?;
        (assignments, has_more_assignments) = first_of(&manager.assignments, id).await?;
        former_names = users.list_usernames(id).await?;
        former_names.retain(|name| !name.is_current);
        if let Some(by) = user.email_verified_by {
            email_verified_by = Some(users.find(&by.to_string()).await?.username);
        }
    }
    let frame = manager.frame();
    page(&AdminUserPage {
        is_last_administrator: users.is_last_administrator(id).await?,
        passkeys: passkeys.list_entries(id, PasskeyFilter::All).await?,
        assignments,
        assignments_of: "admin_role_assignments.resource",
        has_more_assignments,
        sessions: manager.sessions.list_entries(id, manager.session).await?,
        events: views(&frame, users, passkeys, &manager.database, events).await?,
        user,
        email_verified_by,
        former_names,
        frame,
    })
}
