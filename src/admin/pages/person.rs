//! `GET /admin/users/{user}`: one person on one screen.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::events::{EventView, views};
use super::grants::{GrantRow, first_of};
use super::manager::Manager;
use crate::access::Access;
use crate::base::ids::UserId;
use crate::db::Database;
use crate::history::{self, EventFilter};
use crate::passkeys::{PasskeyEntry, Passkeys};
use crate::sessions::{SessionEntry, Sessions};
use crate::users::{UsernameView, Users};
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
    /// Since when the address is verified; `None`: it is not.
    email_verified: Option<Moment>,
    /// The username of the administrator who vouched for it, for administrators.
    email_verified_by: Option<String>,
    /// Former names, for administrators.
    former_names: Vec<UsernameView>,
    status: &'static str,
    is_last_administrator: bool,
    created: Moment,
    roles: Vec<String>,
    passkeys: Vec<PasskeyEntry>,
    grants: Vec<GrantRow>,
    /// The text key of the first column.
    grants_of: &'static str,
    has_more_grants: bool,
    sessions: Vec<SessionEntry>,
    events: Vec<EventView>,
}

async fn show_person(
    manager: Manager,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    access: web::Data<Access>,
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
    let (grants, has_more_grants) = match manager.delegate() {
        Some(_) => (Vec::new(), false),
        None => first_of(&access, user).await?,
    };
    let is_verified = person.is_email_verified();
    let email_verified_by = match person.email_verified_by {
        Some(by) if manager.delegate().is_none() => {
            Some(users.find(&by.to_string()).await?.username)
        }
        Some(_) | None => None,
    };
    let former_names = match manager.delegate() {
        Some(_) => Vec::new(),
        None => {
            let mut names = users.list_usernames(user).await?;
            names.retain(|name| !name.is_current);
            names
        }
    };
    let frame = manager.visitor.frame;
    page(&ConsoleUserPage {
        notice: frame.notice("console.notice", query.notice.as_deref()),
        id: user,
        is_last_administrator: users.is_last_administrator(user).await?,
        passkeys: passkeys.list_entries(user, true).await?,
        grants,
        grants_of: "console_grants.thing",
        has_more_grants,
        sessions: sessions.list_entries(user, this).await?,
        events: views(&frame, &users, &passkeys, &database, events).await?,
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
