//! `/admin/invitations`: lists invitations, and revokes them before use.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::confirm::{Confirmed, ConfirmedAction, Sent, Target};
use super::visitor::{AnyRight, Manager};
use super::{given, pager};
use crate::base::ids::{InvitationId, UserId};
use crate::users::{InvitationError, InvitationFilter, InvitationState, InvitationView, User};
use crate::web::{
    Answer, ConfirmPage, DisplayTime, Frame, Page, Problem, cursor, no_cursor, page, redirect,
};

/// Invitations per page.
const PAGE: usize = 50;
const URL: &str = "/admin/invitations";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    /// Only invitations in this state; empty for all.
    state: String,
    /// Cursor: lists the invitations after this one.
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
    /// Text key of the purpose.
    purpose: String,
    /// Text key of the state.
    state: String,
    roles: String,
    is_usable: bool,
    is_open: bool,
    created: DisplayTime,
    expires: DisplayTime,
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
            purpose: format!("admin_invitations.purpose.{}", invitation.purpose),
            state: format!("admin_invitations.state.{state}"),
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
#[template(path = "admin_invitations.html")]
struct AdminInvitationsPage {
    frame: Frame,
    notice: Option<String>,
    states: Vec<StateChoice>,
    invitations: Vec<InvitationRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

pub(super) async fn show_invitations(manager: Manager, listing: web::Query<Listing>) -> Answer {
    if manager.rights.manages_no_users() {
        return Ok(redirect("/admin/resources"));
    }
    let filter = InvitationFilter {
        state: InvitationState::parse(&listing.state),
        created_by: manager.actor.manager(),
        after: cursor(given(&listing.after), InvitationId::parse)?,
    };
    let fetch = Page::<InvitationView>::fetch(PAGE);
    let found = match manager.users.list_invitations(filter, fetch).await {
        Err(InvitationError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let found = Page::cut(found, PAGE, |invitation| invitation.id.to_string());
    let ids = found
        .items
        .iter()
        .filter_map(|invitation| invitation.user_id);
    let known = manager
        .find_users(ids.map(|id| id.to_string()).collect())
        .await?;
    let known = known.into_iter().map(|user| (user.id, user)).collect();
    let frame = manager.frame();
    let state = listing.state.as_str();
    let next = found.next.as_deref();
    let (first_url, next_url) = pager(URL, &[("state", state)], &listing.after, next);
    page(&AdminInvitationsPage {
        notice: frame.notice("admin_invitations.notice", listing.notice.as_deref()),
        states: states(&frame, state),
        first_url,
        next_url,
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
                    .text(&format!("admin_invitations.state.{key}"))
                    .to_owned(),
                is_chosen: value == chosen,
            }
        })
        .collect()
}

/// Revokes an invitation.
pub(super) struct Revoke(InvitationView);

impl ConfirmedAction for Revoke {
    type Needs = AnyRight;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.find_invitation(&sent.path.invitation).await?))
    }

    fn target(&self) -> Target {
        Target {
            key: "revoke_invitation",
            values: Vec::new(),
            // A link has no versions: revoking it either succeeds, or fails because it was used.
            version: None,
            url: URL.to_owned(),
        }
    }

    async fn ask(&self, visitor: &Manager) -> Result<ConfirmPage, Problem> {
        if self.0.state == InvitationState::Used {
            return Err(InvitationError::Used.into());
        }
        Ok(self.question(visitor.frame()))
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let id = self.0.id.to_string();
        visitor
            .revoke_invitation(&id, confirmed.reason, confirmed.permit)
            .await?;
        Ok(redirect(&format!("{URL}?notice=revoked")))
    }
}
