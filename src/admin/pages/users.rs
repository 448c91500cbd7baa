//! `GET /admin`: users, found by name, username, email address or passkey. Also the response to a refused invitation.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::invite_form::InviteForm;
use super::role_boxes::{RoleBox, boxes};
use super::visitor::Manager;
use super::{address, given};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::users::{User, UserCursor, UserFilter, UserListPosition};
use crate::web::{Answer, FieldProblem, Frame, Problem, page_with_status, redirect, rows_to_fetch};

/// Users per page.
const PAGE: usize = 50;

/// Which users to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    search: String,
    /// Cursor: lists the users after this one.
    after: String,
    /// Cursor: lists the users before this one.
    before: String,
}

/// A user as a row of the list.
struct UserRow {
    user: User,
    passkeys: u64,
    last_sign_in: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "admin_users.html")]
struct AdminUsersPage {
    frame: Frame,
    search: String,
    users: Vec<UserRow>,
    previous_url: Option<String>,
    next_url: Option<String>,
    may_invite: bool,
    invite: InviteForm,
    boxes: Vec<RoleBox>,
    problem: Option<FieldProblem>,
}

pub(super) async fn show_users(manager: Manager, listing: web::Query<Listing>) -> Answer {
    if manager.rights.manages_no_users() {
        // Users who only manage role assignments see only the resources.
        return Ok(redirect("/admin/resources"));
    }
    show(&manager, &listing, InviteForm::default(), None).await
}

/// Renders the page. The status is 400 if an invitation was refused, otherwise 200.
pub(super) async fn show(
    manager: &Manager,
    listing: &Listing,
    invite: InviteForm,
    problem: Option<FieldProblem>,
) -> Answer {
    let search = listing.search.trim();
    let found = find_page(manager, listing).await?;
    let status = match problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let url = |way: &str, cursor: UserCursor| {
        address("/admin", &[("search", search), (way, &cursor.to_text())])
    };
    let (frame, rights) = (manager.frame(), &manager.rights);
    let template = AdminUsersPage {
        may_invite: !rights.manages_no_users(),
        boxes: boxes(&frame, &manager.users, rights, &invite.roles).await?,
        frame,
        users: rows(manager, found.users).await?,
        previous_url: found.previous.map(|cursor| url("before", cursor)),
        next_url: found.next.map(|cursor| url("after", cursor)),
        search: search.to_owned(),
        invite,
        problem,
    };
    page_with_status(status, &template)
}

/// A page of users, and the cursors of the pages before and after it, if there are any.
struct Found {
    users: Vec<User>,
    previous: Option<UserCursor>,
    next: Option<UserCursor>,
}

impl Found {
    /// Cuts the fetched users to a page; one more than a page holds was fetched.
    fn cut(mut fetched: Vec<User>, from: &UserListPosition) -> Self {
        let has_more = fetched.len() > PAGE;
        let (has_previous, has_next) = match from {
            UserListPosition::Start => (false, has_more),
            UserListPosition::After(_) => (true, has_more),
            UserListPosition::Before(_) => (has_more, true),
        };
        match from {
            UserListPosition::Before(_) if has_more => drop(fetched.remove(0)),
            _ => fetched.truncate(PAGE),
        }
        let cursor =
            |user: Option<&User>, is_there: bool| user.filter(|_| is_there).map(UserCursor::of);
        Self {
            previous: cursor(fetched.first(), has_previous),
            next: cursor(fetched.last(), has_next),
            users: fetched,
        }
    }
}

impl Listing {
    fn position(&self) -> Result<UserListPosition, Problem> {
        let parse = |name: &'static str, text: &str| {
            let wrong = || Problem::invalid_parameter(name, "must be a cursor of this list");
            UserCursor::parse(text).ok_or_else(wrong)
        };
        match (self.after.as_str(), self.before.as_str()) {
            ("", "") => Ok(UserListPosition::Start),
            (after, "") => Ok(UserListPosition::After(parse("after", after)?)),
            (_, before) => Ok(UserListPosition::Before(parse("before", before)?)),
        }
    }
}

/// Finds a page of users: the owner of the passkey or the user with the ID that was searched, else the users whose username,
/// display name or email address contains the text. All users for an empty search.
async fn find_page(manager: &Manager, listing: &Listing) -> Result<Found, Problem> {
    let from = listing.position()?;
    let search = listing.search.trim();
    let owner = manager.passkeys.search_owner(search).await?;
    if let Some(id) = owner.or_else(|| UserId::parse(search)) {
        let users = manager.find_users(vec![id.to_string()]).await?;
        return Ok(Found::cut(users, &UserListPosition::Start));
    }
    let filter = UserFilter {
        search: given(search).map(str::to_owned),
        from: from.clone(),
        managed_by: manager.actor.delegate(),
        ..UserFilter::default()
    };
    let fetched = manager.users.list(filter, rows_to_fetch(PAGE)).await?;
    Ok(Found::cut(fetched, &from))
}

async fn rows(manager: &Manager, users: Vec<User>) -> Result<Vec<UserRow>, Problem> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let counts = manager.passkeys.count_live(ids.clone()).await?;
    let last_sign_ins = manager.sessions.last_sign_ins(ids).await?;
    let row = |user: User| UserRow {
        passkeys: counts.get(&user.id).copied().unwrap_or_default(),
        last_sign_in: last_sign_ins.get(&user.id).copied(),
        user,
    };
    Ok(users.into_iter().map(row).collect())
}
