//! `doorward user …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::output::{Output, counted};
use super::role::split;
use crate::app::App;
use crate::base::clock::Timestamp;
use crate::users::{
    self, DisplayName, Email, InviteError, NewInvitation, Permit, UserChange, UserCursor,
    UserFilter, UserListPosition, UserView, Username,
};

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Create an invitation link for a new user, or with --user a recovery link for a user who needs a new passkey.
    Invite(Invite),
    /// List users.
    List(List),
    /// Show a user.
    Show {
        /// ID or username.
        user: String,
    },
    /// Update a user.
    Update(Update),
    /// List the current and former usernames of a user.
    Names {
        /// ID or username.
        user: String,
    },
    /// Release a former username that was never used to sign in.
    ReleaseName {
        /// The username.
        name: Username,
    },
    /// Suspend a user: all sessions end, and no passkey can sign in.
    Suspend(SetStatus),
    /// Reactivate a suspended user.
    Reactivate(SetStatus),
}

#[derive(Debug, Args)]
pub(super) struct Invite {
    /// Username of the new user.
    #[arg(long, conflicts_with = "user")]
    username: Option<Username>,
    /// Email address.
    #[arg(long, conflicts_with = "user")]
    email: Option<Email>,
    /// Whether the email address is verified. Default: true.
    #[arg(long, value_name = "BOOL", requires = "email")]
    email_verified: Option<bool>,
    /// Display name.
    #[arg(long, conflicts_with = "user")]
    display_name: Option<DisplayName>,
    /// A role to assign; repeatable.
    #[arg(long = "role", value_name = "ROLE", conflicts_with = "user")]
    roles: Vec<String>,
    /// Create a recovery link for this existing user instead (ID or username).
    #[arg(long)]
    user: Option<String>,
    /// How long the link is valid, in seconds.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only users whose name or email address contains this text.
    #[arg(long)]
    search: Option<String>,
    /// Only users with this role.
    #[arg(long)]
    role: Option<String>,
    /// Maximum number of users.
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// Continue after this user (ID or username).
    #[arg(long)]
    after: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// ID or username.
    user: String,
    /// New username.
    #[arg(long)]
    username: Option<Username>,
    /// Display name.
    #[arg(long)]
    display_name: Option<DisplayName>,
    /// New email address; an empty value removes it.
    #[arg(long)]
    email: Option<String>,
    /// Whether the email address is verified. Default for a new address: true.
    #[arg(long, value_name = "BOOL")]
    email_verified: Option<bool>,
    /// All roles of the user, separated by commas. Replaces the current roles; an empty value removes all.
    #[arg(long)]
    roles: Option<String>,
    /// A role to add to those of the user; repeatable.
    #[arg(long = "add-role", value_name = "ROLE", conflicts_with = "roles")]
    added_roles: Vec<String>,
    /// A role to remove from those of the user; repeatable.
    #[arg(long = "remove-role", value_name = "ROLE", conflicts_with = "roles")]
    removed_roles: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct SetStatus {
    /// ID or username.
    user: String,
    /// Reason for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

impl User {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Invite(command) => command.run(app, output).await,
            Self::List(command) => command.run(app, output).await,
            Self::Show { user } => show(app, &user, output).await,
            Self::Update(command) => command.run(app, output).await,
            Self::Names { user } => names(app, &user, output).await,
            Self::ReleaseName { name } => release(app, name, output).await,
            Self::Suspend(act) => act.suspend(app, output).await,
            Self::Reactivate(act) => act.reactivate(app, output).await,
        }
    }
}

impl Invite {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let new = NewInvitation {
            username: self.username,
            email: self.email,
            email_verified: self.email_verified,
            display_name: self.display_name,
            roles: self.roles,
            user: self.user,
            lifetime: self.expires_in.map(std::time::Duration::from_secs),
        };
        let username = new.username.clone();
        let invited = app.users.invite(new, Permit::command());
        let link = match (invited.await, username) {
            (Err(error @ InviteError::UsernameTaken), Some(name)) => {
                let name = name.as_str();
                return Err(Failure::Refused(format!(
                    "{error}. For another passkey of that user: doorward user invite --user {name}"
                )));
            }
            (invited, _) => invited?,
        };
        output.show(&link, &link.url);
        Ok(())
    }
}

impl List {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let from = match &self.after {
            None => UserListPosition::Start,
            Some(name) => UserListPosition::After(UserCursor::of(&app.users.find(name).await?)),
        };
        let filter = UserFilter {
            search: self.search,
            role: self.role,
            from,
            ..UserFilter::default()
        };
        let found = app.users.list(filter, i64::from(self.limit)).await?;
        let row = |user: &users::User| {
            [
                user.id.to_string(),
                user.username.clone(),
                user.status.as_str().to_owned(),
                user.roles.join(","),
                user.display_name.clone(),
            ]
        };
        let rows: Vec<[String; 5]> = found.iter().map(row).collect();
        let items: Vec<UserView> = found.into_iter().map(UserView::from).collect();
        let heading = ["ID", "USERNAME", "STATUS", "ROLES", "NAME"];
        output.table(&json!({ "items": items }), heading, &rows);
        Ok(())
    }
}

async fn show(app: &App, name: &str, output: &Output) -> Result<(), Failure> {
    let user = app.users.find(name).await?;
    let text = format!(
        "{} ({})\nid       {}\nstatus   {}\nroles    {}\nemail    {}\nversion  {}",
        user.display_name,
        user.username,
        user.id,
        user.status.as_str(),
        user.roles.join(","),
        address_text(&user),
        user.version,
    );
    output.show(&UserView::from(user), &text);
    Ok(())
}

/// Formats the email address, and whether it is verified.
fn address_text(user: &users::User) -> String {
    let Some(email) = &user.email else {
        return "-".into();
    };
    let state = user.email_state.as_str();
    match (user.email_verified_at, user.email_verified_by) {
        (Some(at), Some(by)) => format!("{email} ({state} by {by}, {})", at.to_rfc3339()),
        (Some(at), None) => format!("{email} ({state} by the command line, {})", at.to_rfc3339()),
        (None, _) => format!("{email} ({state})"),
    }
}

async fn names(app: &App, name: &str, output: &Output) -> Result<(), Failure> {
    let user = app.users.find(name).await?;
    let names = app.users.list_usernames(user.id).await?;
    let instant = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), Timestamp::to_rfc3339);
    output.list(&names, ["USERNAME", "CURRENT", "RENAMED", "USED"], |name| {
        let current = if name.is_current { "current" } else { "-" };
        [
            name.username.clone(),
            current.to_owned(),
            instant(name.renamed_at),
            instant(name.used_at),
        ]
    });
    Ok(())
}

async fn release(app: &App, name: Username, output: &Output) -> Result<(), Failure> {
    let text = format!("{} is free", name.as_str());
    let released = json!({ "released": name.as_str() });
    app.users.release_username(name, Permit::command()).await?;
    output.show(&released, &text);
    Ok(())
}

impl Update {
    async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let email = match self.email.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(
                Email::parse(text).map_err(|fault| Failure::Refused(fault.to_string()))?,
            )),
        };
        let mut expected = None;
        let mut roles = self.roles.as_deref().map(split);
        if !self.added_roles.is_empty() || !self.removed_roles.is_empty() {
            let before = app.users.find(&self.user).await?;
            expected = Some(before.version);
            let all = before.roles.into_iter().chain(self.added_roles);
            roles = Some(
                all.filter(|role| !self.removed_roles.contains(role))
                    .collect(),
            );
        }
        let change = UserChange {
            username: self.username,
            display_name: self.display_name,
            email,
            email_verified: self.email_verified,
            attributes: None,
            roles,
        };
        let id = app.users.resolve(&self.user).await?;
        let updated = app.users.update(id, change, expected, Permit::command());
        let updated = updated.await?;
        let text = format!("{} is now at version {}", updated.username, updated.version);
        output.show(&UserView::from(updated), &text);
        Ok(())
    }
}

impl SetStatus {
    async fn suspend(self, app: &App, output: &Output) -> Result<(), Failure> {
        let id = app.users.resolve(&self.user).await?;
        let ended = app
            .users
            .suspend(id, self.reason, Permit::command())
            .await?;
        let sessions = counted(ended.sessions, "session");
        let text = format!("suspended; {sessions} ended");
        output.show(&json!({ "sessions_ended": ended.sessions }), &text);
        Ok(())
    }

    async fn reactivate(self, app: &App, output: &Output) -> Result<(), Failure> {
        let id = app.users.resolve(&self.user).await?;
        app.users
            .reactivate(id, self.reason, Permit::command())
            .await?;
        output.show(&json!({ "reactivated": id }), "reactivated");
        Ok(())
    }
}
