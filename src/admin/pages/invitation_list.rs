//! `/admin/invitations`: lists invitation links, and revokes them before use.

use std::collections::HashMap;

use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::act::ReasonForm;
use super::address;
use super::manager::Manager;
use crate::base::ids::{InvitationId, UserId};
use crate::users::{
    InvitationError, InvitationFilter, InvitationState, InvitationView, User, Users,
};
use crate::web::{
    Answer, ConfirmPage, Frame, Moment, Page, Problem, StepUpPage, only, page, redirect,
};

/// Invitations on one page.
const PAGE: usize = 50;
const URL: &str = "/admin/invitations";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/invitations/{invitation}/revoke")
            .route(web::get().to(ask))
            .route(web::post().to(revoke))
            .default_service(only("GET, POST")),
    );
}

#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// Only invitations in this state; empty for all.
    #[serde(default)]
    state: String,
    /// The cursor.
    #[serde(default)]
    after: String,
    notice: Option<String>,
}

/// An invitation as a row of the page.
struct InvitationRow {
    id: InvitationId,
    /// The user it is for, if they exist and the visitor may see them.
    user: Option<(UserId, String)>,
    /// The display name that the link suggests to a new user.
    label: Option<String>,
    /// The email address that a new user will have.
    email: Option<String>,
    is_email_verified: bool,
    /// A text key.
    purpose: String,
    /// A text key.
    state: String,
    roles: String,
    is_usable: bool,
    is_open: bool,
    created: Moment,
    expires: Moment,
}

impl InvitationRow {
    fn of(invitation: InvitationView, users: &HashMap<UserId, User>) -> Self {
        let user = invitation.user_id.and_then(|id| users.get(&id));
        let is_open = invitation.state == InvitationState::Open;
        // An open link does not work if its creator may no longer invite.
        let state = if is_open && !invitation.usable {
            "lapsed"
        } else {
            invitation.state.as_str()
        };
        Self {
            id: invitation.id,
            user: user.map(|user| (user.id, user.display_name.clone())),
            label: invitation.display_name,
            email: invitation.email,
            is_email_verified: invitation.email_verified,
            purpose: format!("console_invitations.purpose.{}", invitation.purpose),
            state: format!("console_invitations.state.{state}"),
            roles: invitation.roles.join(", "),
            is_usable: invitation.usable,
            is_open,
            created: invitation.created_at.into(),
            expires: invitation.expires_at.into(),
        }
    }
}

/// An option of the state filter.
struct StateChoice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "console_invitations.html")]
struct ConsoleInvitationsPage {
    frame: Frame,
    notice: Option<String>,
    states: Vec<StateChoice>,
    invitations: Vec<InvitationRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

pub(super) async fn show_invitations(
    manager: Manager,
    users: web::Data<Users>,
    listing: web::Query<Listing>,
) -> Answer {
    if manager.rights.manages_nobody() {
        return Ok(redirect("/admin/resources"));
    }
    let no_cursor = || Problem::invalid_parameter("after", "not a cursor of this list");
    let after = match listing.after.as_str() {
        "" => None,
        after => Some(InvitationId::parse(after).ok_or_else(no_cursor)?),
    };
    let filter = InvitationFilter {
        state: InvitationState::parse(&listing.state),
        made_by: manager.delegate(),
        after,
    };
    let fetch = Page::<InvitationView>::fetch(PAGE);
    let found = match users.list_invitations(filter, fetch).await {
        Err(InvitationError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let found = Page::cut(found, PAGE, |invitation| invitation.id.to_string());
    let known = find_users(&users, &manager, &found.items).await?;
    let frame = manager.visitor.frame;
    let state = listing.state.as_str();
    page(&ConsoleInvitationsPage {
        notice: frame.notice("console_invitations.notice", listing.notice.as_deref()),
        states: states(&frame, state),
        first_url: after.map(|_| address(URL, &[("state", state)])),
        next_url: found
            .next
            .map(|next| address(URL, &[("state", state), ("after", &next)])),
        invitations: found
            .items
            .into_iter()
            .map(|invitation| InvitationRow::of(invitation, &known))
            .collect(),
        frame,
    })
}

fn states(frame: &Frame, chosen: &str) -> Vec<StateChoice> {
    ["", "open", "used", "expired", "revoked"]
        .into_iter()
        .map(|value| {
            let key = if value.is_empty() { "any" } else { value };
            StateChoice {
                value,
                label: frame
                    .text(&format!("console_invitations.state.{key}"))
                    .to_owned(),
                is_chosen: value == chosen,
            }
        })
        .collect()
}

/// The users that the invitations are for, as far as the visitor may see them.
async fn find_users(
    users: &Users,
    manager: &Manager,
    invitations: &[InvitationView],
) -> Result<HashMap<UserId, User>, Problem> {
    let ids: Vec<String> = invitations
        .iter()
        .filter_map(|invitation| invitation.user_id.map(|id| id.to_string()))
        .collect();
    let found = match manager.delegate() {
        Some(delegate) => users.find_managed_many(delegate, ids).await?,
        None => users.find_many(ids).await?,
    };
    Ok(found.into_iter().map(|user| (user.id, user)).collect())
}

/// The invitation in the path, if the visitor may see it.
async fn find(users: &Users, manager: &Manager, id: &str) -> Result<InvitationView, Problem> {
    let id = InvitationId::parse(id).ok_or_else(Problem::not_found)?;
    let found = users.read_invitation(id).await?;
    match manager.delegate() {
        Some(user) if found.by_user != Some(user) => Err(Problem::not_found()),
        _ => Ok(found),
    }
}

async fn ask(manager: Manager, users: web::Data<Users>, id: web::Path<String>) -> Answer {
    let invitation = find(&users, &manager, &id).await?;
    if invitation.state == InvitationState::Used {
        return Err(InvitationError::Used.into());
    }
    let frame = manager.visitor.frame;
    page(&ConfirmPage {
        title: frame.text("confirm.revoke_invitation.title").to_owned(),
        what: frame.text("confirm.revoke_invitation.what").to_owned(),
        effects: Vec::new(),
        undo: Some(frame.text("confirm.revoke_invitation.undo").to_owned()),
        action: frame.path.clone(),
        hidden: Vec::new(),
        // A link has no versions: revoking it either succeeds, or fails because it was used.
        version: None,
        asks_reason: true,
        option: None,
        confirm_label: frame.text("confirm.revoke_invitation.button").to_owned(),
        is_destructive: true,
        cancel_url: URL.to_owned(),
        frame,
    })
}

async fn revoke(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    id: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let invitation = find(&users, &manager, &id).await?;
    let reason = form.parse()?;
    if !manager.is_fresh() {
        let frame = manager.visitor.frame;
        return page(&StepUpPage {
            what: frame.text("step_up.act.revoke_invitation").to_owned(),
            action: frame.path.clone(),
            cancel_url: URL.to_owned(),
            frame,
        });
    }
    let acting = manager.acting(&request);
    users
        .revoke_invitation(invitation.id, reason, manager.authority(), acting)
        .await?;
    Ok(redirect(&format!("{URL}?notice=revoked")))
}
