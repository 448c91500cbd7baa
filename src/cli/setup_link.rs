//! `doorward setup-link`.

use clap::Args;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::users::{NewInvitation, Permit};

/// Prints a one-time link.
#[derive(Debug, Args)]
pub(super) struct SetupLink {
    /// Create a recovery link for this administrator (ID or username) instead. Their sessions end when it is used.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl SetupLink {
    /// Whether the link is for the first administrator. That one may be created before the service has run.
    pub(super) fn is_for_first_administrator(&self) -> bool {
        self.user.is_none()
    }

    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let Some(name) = self.user else {
            let link = app.users.create_set_up_link().await?;
            output.show(&link, &link.url);
            return Ok(());
        };
        let user = app.users.find(&name).await?;
        if !user.is_administrator() {
            return Err(Failure::Refused(format!(
                "{} is not an administrator. Use `doorward user invite --user {}` instead",
                user.username, user.username
            )));
        }
        let new = NewInvitation {
            user: Some(user.id.to_string()),
            lifetime: Some(std::time::Duration::from_secs(3600)),
            ..NewInvitation::default()
        };
        let link = app.users.invite(new, Permit::command()).await?;
        output.show(&link, &link.url);
        Ok(())
    }
}
