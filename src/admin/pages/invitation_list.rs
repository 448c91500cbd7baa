//! `/admin/invitations`: lists invitations, and revokes them before use.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::confirm::{Confirmed, ConfirmedAction, Sent, Target};
use super::visitor::{AnyRight, Manager};
use super::{Pager, given};
use crate::base::ids::InvitationId;
use crate::users::{InvitationError, InvitationFilter, InvitationState, InvitationView, User};
use crate::web::{Answer, Frame, Problem, cursor, page, redirect};

/// Invitations per page.
const PAGE: usize = 50;
const URL: &str = "/admin/invitations";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    /// Only invitations in this state; empty for all.
    state: String,
    /// Cursor: lists the invitations after this one.
    after: String,
}

fn is_open(view: &InvitationView) -> bool {
    view.state == InvitationState::Open
}

/// Text key of an invitation's state. An open link does not work if its creator may no longer invite.
fn state_key(view: &InvitationView) -> String {
    let state = if is_open(view) && !view.usable {
        "lapsed"
    } else {
        view.state.as_str()
    };
    format!("admin_invitations.state.{state}")
}

#[derive(Template)]
#[template(path = "admin_invitations.html")]
struct AdminInvitationsPage {
    frame: Frame,
    /// Only invitations in this state; empty for all.
    state: String,
    /// Each with the user it is for, if they exist and the visitor may see them.
    invitations: Vec<(InvitationView, Option<User>)>,
    pages: Pager,
}

pub(super) async fn show_invitations(manager: Manager, listing: web::Query<ListQuery>) -> Answer {
    if manager.rights.manages_no_users() {
        return Ok(redirect("/admin/resources"));
    }
    let filter = InvitationFilter {
        state: InvitationState::parse(&listing.state),
        created_by: manager.actor.delegate(),
        after: cursor(given(&listing.after), InvitationId::parse)?,
    };
    let found = manager.users.list_invitations(filter, PAGE).await?;
    let ids = found
        .items
        .iter()
        .filter_map(|view| view.invitation.user_id);
    let ids = ids.map(|id| id.to_string()).collect();
    let known = manager.find_users(ids).await?;
    let with_user = |view: InvitationView| {
        let mut known = known.iter();
        let user = known.find(|user| Some(user.id) == view.invitation.user_id);
        (view, user.cloned())
    };
    let (filter, next) = ([("state", listing.state.as_str())], found.next.as_deref());
    page(&AdminInvitationsPage {
        frame: manager.frame(),
        pages: Pager::new(URL, &filter, &listing.after, next),
        state: listing.state.clone(),
        invitations: found.items.into_iter().map(with_user).collect(),
    })
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

    async fn effects(&self, _: &Manager) -> Result<Vec<String>, Problem> {
        if self.0.state == InvitationState::Used {
            return Err(InvitationError::Used.into());
        }
        Ok(Vec::new())
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let id = self.0.invitation.id.to_string();
        visitor
            .revoke_invitation(&id, confirmed.reason, confirmed.permit)
            .await?;
        Ok(redirect(&format!("{URL}?notice=revoked")))
    }
}
