//! `doorward passkey …`.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::{Output, counted};
use crate::app::App;
use crate::base::ids::PasskeyId;
use crate::clients::ActingAs;
use crate::passkeys::{PasskeyFilter, PasskeyView, RevokeAs};
use crate::users::Permissions;

#[derive(Debug, Subcommand)]
pub(super) enum Passkey {
    /// List the passkeys of a user, including revoked ones.
    List {
        /// ID or username.
        user: String,
    },
    /// Revoke a passkey and end all sessions started with it.
    Revoke {
        /// ID of the passkey.
        passkey: PasskeyId,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Passkey {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List { user } => list(app, &user, output).await,
            Self::Revoke { passkey, reason } => revoke(app, passkey, reason, output).await,
        }
    }
}

async fn list(app: &App, user: &str, output: &Output) -> Result<(), Failure> {
    let id = app.users.find(user).await?.id;
    let found = app.passkeys.list(id, PasskeyFilter::All).await?;
    let items: Vec<PasskeyView> = found.into_iter().map(PasskeyView::from).collect();
    let heading = ["ID", "NAME", "KIND", "LAST USED", "STATE"];
    output.list(&items, heading, |passkey| {
        let kind = if passkey.synced {
            "synced"
        } else {
            "one device"
        };
        let last_used = passkey.last_used_at.map(|at| at.to_rfc3339());
        let revoked = passkey.revoked_at.map(|at| format!("revoked {at}"));
        [
            passkey.id.to_string(),
            passkey.name.clone(),
            kind.to_owned(),
            last_used.unwrap_or_else(|| "never used".into()),
            revoked.unwrap_or_else(|| "live".into()),
        ]
    });
    Ok(())
}

async fn revoke(
    app: &App,
    passkey: PasskeyId,
    reason: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    let owner = app.passkeys.find_owner(passkey).await?;
    let owner = owner.ok_or_else(|| Failure::NotFound("unknown passkey".into()))?;
    let revoke_as = RevokeAs::Manager(Permissions::Unrestricted);
    let revoked = app
        .passkeys
        .revoke(owner, passkey, reason, revoke_as, ActingAs::command())
        .await?;
    let sessions = counted(revoked.sessions, "session");
    let text = format!("revoked; {sessions} ended");
    let document = json!({ "revoked": passkey, "sessions_ended": revoked.sessions });
    output.show(&document, &text);
    Ok(())
}
