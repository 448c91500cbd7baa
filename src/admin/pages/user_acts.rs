//! Actions on one user, below `/admin/users/{user}`.

use actix_web::HttpResponse;

use super::confirm::{Confirmed, ConfirmedAction, DonePage, Sent, Target, user_url};
use super::invitations::show_link;
use super::visitor::{Administration, Administrator, AnyRight, Manager};
use crate::account_state::UserStatus;
use crate::base::ids::{PasskeyId, SessionId};
use crate::passkeys::{ManageError, PasskeyEntry, PasskeyFilter};
use crate::users::{
    InviteError, LastAdministrator, NewInvitation, UpdateError, User, UserChange, Username,
};
use crate::web::{Answer, Problem, page, redirect};

/// Reports what was actually revoked or ended: the passkey of the action, and the number of sessions.
fn done(visitor: &Manager, user: &User, target: &Target, sessions: usize) -> Answer {
    let frame = visitor.frame();
    let mut cut = Vec::new();
    if target.key == RevokePasskey::KEY {
        cut.push(target.text(&frame, "admin_done.passkey"));
    }
    if sessions > 0 {
        cut.push(frame.text_counted("admin_done.sessions", sessions));
    }
    page(&DonePage {
        title: target.text(&frame, &format!("admin_done.{}.title", target.key)),
        cut,
        user_url: user_url(user),
        user_name: user.display_name.clone(),
        frame,
    })
}

/// Redirects to the user's page with a notice.
fn back(user: &User, notice: &str) -> HttpResponse {
    redirect(&format!("{}?notice={notice}", user_url(user)))
}

/// `…/suspend`: suspends the user.
pub(super) struct Suspend(User);

impl ConfirmedAction for Suspend {
    type Needs = AnyRight;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.find(&sent.path.user).await?))
    }

    fn target(&self) -> Target {
        Target::user("suspend", &self.0)
    }

    async fn effects(&self, visitor: &Manager) -> Result<Vec<String>, Problem> {
        if visitor.users.is_last_administrator(self.0.id).await? {
            return Err(LastAdministrator.into());
        }
        let open = visitor.sessions.list(self.0.id).await?.len();
        let frame = visitor.frame();
        let mut effects = vec![frame.text("confirm.suspend.effect_passkeys").to_owned()];
        if open > 0 {
            effects.push(frame.text_counted("confirm.suspend.effect_sessions", open));
        }
        Ok(effects)
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let (reason, permit) = (confirmed.reason, confirmed.permit);
        let ended = visitor.users.suspend(self.0.id, reason, permit).await?;
        done(visitor, &self.0, &self.target(), ended.sessions)
    }
}

/// `…/reactivate`: reactivates the user.
pub(super) struct Reactivate(User);

impl ConfirmedAction for Reactivate {
    type Needs = AnyRight;
    const IS_DESTRUCTIVE: bool = false;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.find(&sent.path.user).await?))
    }

    fn target(&self) -> Target {
        Target::user("reactivate", &self.0)
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let (reason, permit) = (confirmed.reason, confirmed.permit);
        visitor.users.reactivate(self.0.id, reason, permit).await?;
        Ok(back(&self.0, "reactivated"))
    }
}

/// `…/recovery-link`: creates a recovery link, with which the user registers a new passkey.
pub(super) struct RecoveryLink(User);

impl ConfirmedAction for RecoveryLink {
    type Needs = AnyRight;
    const ASKS_REASON: bool = false;
    const IS_DESTRUCTIVE: bool = false;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.find(&sent.path.user).await?))
    }

    fn target(&self) -> Target {
        Target::user("recovery_link", &self.0)
    }

    async fn effects(&self, visitor: &Manager) -> Result<Vec<String>, Problem> {
        let frame = visitor.frame();
        let say = |key: &str| self.target().text(&frame, key);
        let mut effects = vec![say("confirm.recovery_link.effect_links")];
        match self.0.status {
            UserStatus::Suspended => return Err(InviteError::UserSuspended.into()),
            UserStatus::Active => effects.push(say("confirm.recovery_link.effect_sessions")),
            UserStatus::Invited => {}
        }
        Ok(effects)
    }

    async fn run(self, visitor: &Manager, Confirmed { permit, .. }: Confirmed) -> Answer {
        let new = NewInvitation {
            user: Some(self.0.id.to_string()),
            ..NewInvitation::default()
        };
        let (link, url) = (visitor.users.invite(new, permit).await?, user_url(&self.0));
        show_link(visitor.frame(), link, Some(self.0.display_name), Some(url))
    }
}

/// `…/passkeys/{passkey}/revoke`: revokes a passkey of the user.
pub(super) struct RevokePasskey {
    user: User,
    passkey: PasskeyEntry,
}

impl RevokePasskey {
    const KEY: &'static str = "revoke_passkey";
}

impl ConfirmedAction for RevokePasskey {
    type Needs = AnyRight;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        let user = visitor.find(&sent.path.user).await?;
        // Revoked ones too, so that a repeated request is safe.
        let passkeys = visitor
            .passkeys
            .list_entries(user.id, PasskeyFilter::All)
            .await?;
        let id = PasskeyId::parse(&sent.path.passkey);
        let passkey = passkeys.into_iter().find(|entry| Some(entry.id) == id);
        let passkey = passkey.ok_or_else(Problem::not_found)?;
        Ok(Self { user, passkey })
    }

    fn target(&self) -> Target {
        Target::user(Self::KEY, &self.user).with("passkey", &self.passkey.name)
    }

    async fn effects(&self, visitor: &Manager) -> Result<Vec<String>, Problem> {
        let (user, id) = (self.user.id, self.passkey.id);
        let live = visitor
            .passkeys
            .list_entries(user, PasskeyFilter::Valid)
            .await?;
        if live.iter().all(|entry| entry.id != id) {
            return Err(Problem::not_found());
        }
        let is_last = live.len() == 1;
        if is_last && user == visitor.user {
            return Err(ManageError::LastPasskey.into());
        }
        if is_last && visitor.users.is_last_administrator(user).await? {
            return Err(LastAdministrator.into());
        }
        let open = visitor.sessions.list(user).await?;
        let resting = open.iter().filter(|session| session.passkeys.contains(&id));
        let resting = resting.count();
        let frame = visitor.frame();
        let effect = frame.text("confirm.revoke_passkey.effect_passkey");
        let mut effects = vec![effect.to_owned()];
        if resting > 0 {
            effects.push(frame.text_counted("confirm.revoke_passkey.effect_sessions", resting));
        }
        if is_last {
            effects.push(frame.text("confirm.revoke_passkey.effect_last").to_owned());
        }
        Ok(effects)
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let (user, id) = (self.user.id, self.passkey.id);
        let revoked = visitor
            .revoke_passkey(user, id, confirmed.reason, confirmed.permit)
            .await?;
        done(visitor, &self.user, &self.target(), revoked.sessions)
    }
}

/// `…/sessions/end-all`: ends all sessions of the user.
pub(super) struct EndAllSessions(User);

impl ConfirmedAction for EndAllSessions {
    type Needs = AnyRight;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.find(&sent.path.user).await?))
    }

    fn target(&self) -> Target {
        Target::user("end_all_sessions", &self.0)
    }

    async fn effects(&self, visitor: &Manager) -> Result<Vec<String>, Problem> {
        let open = visitor.sessions.list(self.0.id).await?.len();
        let frame = visitor.frame();
        let offline = "confirm.end_all_sessions.effect_offline";
        Ok(vec![
            frame.text_counted("confirm.end_all_sessions.effect", open),
            self.target().text(&frame, offline),
        ])
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let (reason, permit) = (confirmed.reason, confirmed.permit);
        let ended = visitor.users.end_sessions(self.0.id, None, reason, permit);
        done(visitor, &self.0, &self.target(), ended.await?.sessions)
    }
}

/// `…/sessions/{session}/end`: ends one session of the user.
pub(super) struct EndSession {
    user: User,
    session: SessionId,
}

impl ConfirmedAction for EndSession {
    type Needs = AnyRight;

    async fn find(visitor: &Manager, sent: &Sent) -> Result<Self, Problem> {
        let user = visitor.find(&sent.path.user).await?;
        let session = SessionId::parse(&sent.path.session);
        let session = session.ok_or_else(Problem::not_found)?;
        Ok(Self { user, session })
    }

    fn target(&self) -> Target {
        Target::user("end_session", &self.user)
    }

    async fn effects(&self, visitor: &Manager) -> Result<Vec<String>, Problem> {
        let open = visitor.sessions.list_entries(self.user.id, visitor.session);
        let open = open.await?;
        let session = open.iter().find(|session| session.id == self.session);
        let session = session.ok_or_else(Problem::not_found)?;
        let target = self
            .target()
            .with("browser", &session.browser)
            .with("address", &session.address);
        let frame = visitor.frame();
        Ok(vec![
            target.text(&frame, "confirm.end_session.effect"),
            target.text(&frame, "confirm.end_session.effect_offline"),
        ])
    }

    async fn run(self, visitor: &Manager, confirmed: Confirmed) -> Answer {
        let (user, session) = (self.user.id, Some(self.session));
        let (reason, permit) = (confirmed.reason, confirmed.permit);
        let ended = visitor.users.end_sessions(user, session, reason, permit);
        done(visitor, &self.user, &self.target(), ended.await?.sessions)
    }
}

/// `…/verify-email`: an administrator confirms the user's email address.
pub(super) struct VerifyEmail {
    user: User,
    email: String,
}

impl ConfirmedAction for VerifyEmail {
    type Needs = Administration;
    const ASKS_REASON: bool = false;
    const IS_DESTRUCTIVE: bool = false;

    async fn find(visitor: &Administrator, sent: &Sent) -> Result<Self, Problem> {
        let user = visitor.find(&sent.path.user).await?;
        let email = user.email.clone().ok_or(UpdateError::EmailMissing)?;
        Ok(Self { user, email })
    }

    fn target(&self) -> Target {
        Target::user("verify_email", &self.user).with("email", &self.email)
    }

    async fn run(self, visitor: &Administrator, Confirmed { permit, .. }: Confirmed) -> Answer {
        let (user, expected) = (self.user.id, Some(self.user.version));
        let change = UserChange {
            email_verified: Some(true),
            ..UserChange::default()
        };
        let update = visitor.users.update(user, change, expected, permit);
        update.await?;
        Ok(back(&self.user, "email_verified"))
    }
}

/// `…/usernames/{username}/release`: releases a former username that was never used to sign in.
pub(super) struct ReleaseUsername {
    user: User,
    name: Username,
}

impl ConfirmedAction for ReleaseUsername {
    type Needs = Administration;
    const ASKS_REASON: bool = false;
    const IS_DESTRUCTIVE: bool = false;

    async fn find(visitor: &Administrator, sent: &Sent) -> Result<Self, Problem> {
        let user = visitor.find(&sent.path.user).await?;
        let names = visitor.users.list_usernames(user.id).await?;
        let mut names = names.iter().filter(|name| name.is_releasable());
        let name = names.find(|name| name.username == sent.path.username);
        let name = name.and_then(|name| Username::parse(&name.username).ok());
        let name = name.ok_or_else(Problem::not_found)?;
        Ok(Self { user, name })
    }

    fn target(&self) -> Target {
        Target::user("release_username", &self.user).with("username", self.name.as_str())
    }

    async fn run(self, visitor: &Administrator, Confirmed { permit, .. }: Confirmed) -> Answer {
        visitor.users.release_username(self.name, permit).await?;
        Ok(back(&self.user, "username_released"))
    }
}
