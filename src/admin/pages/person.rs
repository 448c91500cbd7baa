//! `GET /admin/users/{user}`: shows one user.

use actix_web::web;
use askama::Template;

use super::Listing;
use super::events::{EventView, views};
use super::role_assignments::{RoleAssignmentRow, first_of};
use super::visitor::Manager;
use crate::base::ids::UserId;
use crate::history::{self, EventFilter};
use crate::passkeys::PasskeyEntry;
use crate::sessions::SessionEntry;
use crate::users::UsernameView;
use crate::web::{Answer, DisplayTime, Frame, page};

/// Events on this page; the audit page has the rest.
const EVENTS: i64 = 10;

#[derive(Template)]
#[template(path = "admin_user.html")]
struct AdminUserPage {
    frame: Frame,
    notice: Option<String>,
    id: UserId,
    username: String,
    display_name: String,
    email: Option<String>,
    /// When the address was verified; `None` if it is not verified.
    email_verified: Option<DisplayTime>,
    /// Username of the administrator who confirmed the address. Only administrators see it.
    email_verified_by: Option<String>,
    /// Former usernames. Only administrators see them.
    former_names: Vec<UsernameView>,
    status: &'static str,
    is_last_administrator: bool,
    created: DisplayTime,
    roles: Vec<String>,
    passkeys: Vec<PasskeyEntry>,
    assignments: Vec<RoleAssignmentRow>,
    /// Text key of the first column's heading.
    assignments_of: &'static str,
    has_more_assignments: bool,
    sessions: Vec<SessionEntry>,
    events: Vec<EventView>,
}

pub(super) async fn show_person(
    manager: Manager,
    name: web::Path<String>,
    query: web::Query<Listing>,
) -> Answer {
    let person = manager.find(&name).await?;
    let (user, users, passkeys) = (person.id, &manager.users, &manager.passkeys);
    let (mut events, mut assignments, mut has_more_assignments) = (Vec::new(), Vec::new(), false);
    let (mut former_names, mut email_verified_by) = (Vec::new(), None);
    // Users who manage this user by a role don't see these details.
    if manager.rights.is_administrator {
        let filter = EventFilter {
            person: Some(user),
            ..EventFilter::default()
        };
        events = manager
            .database
            .read(move |conn| history::list(conn, &filter, EVENTS))
            .await?;
        (assignments, has_more_assignments) = first_of(&manager.assignments, user).await?;
        former_names = users.list_usernames(user).await?;
        former_names.retain(|name| !name.is_current);
        if let Some(by) = person.email_verified_by {
            email_verified_by = Some(users.find(&by.to_string()).await?.username);
        }
    }
    let is_verified = person.is_email_verified();
    let frame = manager.frame();
    page(&AdminUserPage {
        notice: frame.notice("admin.notice", query.notice.as_deref()),
        id: user,
        is_last_administrator: users.is_last_administrator(user).await?,
        passkeys: passkeys.list_entries(user, true).await?,
        assignments,
        assignments_of: "admin_role_assignments.resource",
        has_more_assignments,
        sessions: manager.sessions.list_entries(user, manager.session).await?,
        events: views(&frame, users, passkeys, &manager.database, events).await?,
        username: person.username,
        display_name: person.display_name,
        email: person.email,
        email_verified: is_verified
            .then(|| person.email_verified_at.unwrap_or(person.as_of).into()),
        email_verified_by,
        former_names,
        status: person.status.as_str(),
        created: person.created_at.into(),
        roles: person.roles,
        frame,
    })
}
