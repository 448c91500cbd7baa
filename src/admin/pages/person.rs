//! `GET /admin/users/{user}`: one person on one screen.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::events::{EventView, views};
use super::manager::Manager;
use crate::base::ids::UserId;
use crate::db::Database;
use crate::history::{self, EventFilter};
use crate::passkeys::{PasskeyEntry, Passkeys};
use crate::sessions::{SessionEntry, Sessions};
use crate::users::Users;
use crate::web::{Answer, Frame, Moment, only, page};

/// Events on this page; the audit page has the rest.
const EVENTS: i64 = 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}")
            .route(web::get().to(show_person))
            .default_service(only("GET")),
    );
}

#[derive(Deserialize)]
struct Person {
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "console_user.html")]
struct ConsoleUserPage {
    frame: Frame,
    notice: Option<String>,
    id: UserId,
    username: String,
    display_name: String,
    email: Option<String>,
    is_email_verified: bool,
    status: &'static str,
    is_last_administrator: bool,
    created: Moment,
    roles: Vec<String>,
    passkeys: Vec<PasskeyEntry>,
    sessions: Vec<SessionEntry>,
    events: Vec<EventView>,
}

async fn show_person(
    manager: Manager,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<Person>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let user = person.id;
    let this = manager.visitor.session().id;
    let filter = EventFilter {
        person: Some(user),
        ..EventFilter::default()
    };
    // Who may not read the audit log sees none of it here.
    let events = match manager.delegate() {
        Some(_) => Vec::new(),
        None => {
            database
                .read(move |conn| history::list(conn, &filter, EVENTS))
                .await?
        }
    };
    let frame = manager.visitor.frame;
    page(&ConsoleUserPage {
        notice: frame.notice("console.notice", query.notice.as_deref()),
        id: user,
        is_last_administrator: users.is_last_administrator(user).await?,
        passkeys: passkeys.list_entries(user, true).await?,
        sessions: sessions.list_entries(user, this).await?,
        events: views(&frame, &users, &passkeys, &database, events).await?,
        username: person.username,
        display_name: person.display_name,
        email: person.email,
        is_email_verified: person.email_verified,
        status: person.status.as_str(),
        created: person.created_at.into(),
        roles: person.roles,
        frame,
    })
}
