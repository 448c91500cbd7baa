//! `doorward invitation …`.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::InvitationId;
use crate::users::{InvitationFilter, InvitationState, Permit};

#[derive(Debug, Subcommand)]
pub(super) enum Invitation {
    /// List invitations and recovery links, newest first.
    List {
        /// Only invitations in this state.
        #[arg(long, value_parser = ["open", "used", "expired", "revoked"])]
        state: Option<String>,
        /// Maximum number of invitations.
        #[arg(long, default_value_t = 50)]
        limit: u16,
        /// Continue after this invitation (ID).
        #[arg(long)]
        after: Option<InvitationId>,
    },
    /// Revoke an unused invitation: its link stops working.
    Revoke {
        /// The invitation's ID.
        invitation: InvitationId,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Invitation {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List {
                state,
                limit,
                after,
            } => {
                let filter = InvitationFilter {
                    state: state.as_deref().and_then(InvitationState::parse),
                    created_by: None,
                    after,
                };
                list(app, filter, usize::from(limit), output).await
            }
            Self::Revoke { invitation, reason } => {
                app.users
                    .revoke_invitation(invitation, reason, Permit::command())
                    .await?;
                output.show(&json!({ "revoked": invitation }), "revoked");
                Ok(())
            }
        }
    }
}

async fn list(
    app: &App,
    filter: InvitationFilter,
    limit: usize,
    output: &Output,
) -> Result<(), Failure> {
    let items = app.users.list_invitations(filter, limit).await?.items;
    let heading = [
        "ID", "PURPOSE", "STATE", "USABLE", "FOR", "ROLES", "EXPIRES",
    ];
    output.list(&items, heading, |view| {
        let invitation = &view.invitation;
        let user = invitation.user_id.map(|user| user.to_string());
        [
            invitation.id.to_string(),
            invitation.purpose.as_str().to_owned(),
            view.state.as_str().to_owned(),
            if view.usable { "yes" } else { "no" }.to_owned(),
            user.or_else(|| invitation.email.clone())
                .unwrap_or_default(),
            invitation.roles.join(","),
            invitation.expires_at.to_rfc3339(),
        ]
    });
    Ok(())
}
