//! `doorward session …`.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::{Output, counted};
use crate::app::App;
use crate::base::ids::SessionId;
use crate::clients::ActingAs;

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// List the open sessions of a user.
    List {
        /// ID or username.
        user: String,
    },
    /// End one session of a user, or all of them, with the access that apps got in it, including offline access.
    Revoke {
        /// ID or username.
        user: String,
        /// ID of the session. Default: all sessions.
        session: Option<SessionId>,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Session {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List { user } => list(app, &user, output).await,
            Self::Revoke {
                user,
                session,
                reason,
            } => revoke(app, &user, session, reason, output).await,
        }
    }
}

async fn list(app: &App, user: &str, output: &Output) -> Result<(), Failure> {
    let id = app.users.find(user).await?.id;
    let items = app.sessions.list(id).await?;
    let heading = ["ID", "SINCE", "LAST SEEN", "ADDRESS", "BROWSER"];
    output.list(&items, heading, |session| {
        [
            session.id.to_string(),
            session.created_at.to_rfc3339(),
            session.last_seen_at.to_rfc3339(),
            session.address.clone().unwrap_or_default(),
            session.user_agent.clone().unwrap_or_default(),
        ]
    });
    Ok(())
}

async fn revoke(
    app: &App,
    user: &str,
    session: Option<SessionId>,
    reason: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    let user = app.users.resolve(user).await?;
    let acting = ActingAs::command();
    let ended = match session {
        Some(session) => app.sessions.end_one(user, session, reason, acting).await?,
        None => app.sessions.end_all(user, reason, acting).await?,
    };
    let text = match ended.sessions {
        0 => "no sessions were open".to_owned(),
        sessions => format!("{} ended", counted(sessions, "session")),
    };
    output.show(&json!({ "sessions_ended": ended.sessions }), &text);
    Ok(())
}
