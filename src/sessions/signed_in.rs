//! Extractor of the signed-in user, and the cookies of sign-in and sign-out.

use actix_session::Session;
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

use super::cookies::{BrowserCookie, Cookies};
use super::key::SessionKey;
use super::live::LiveSession;
use super::new_session::NewSession;
use super::state::SessionState;
use super::store::issue_key;
use super::{Sessions, queries};
use crate::account_state::{AccountState, CheckResult, EPOCH_RAISED, SessionRef, Unavailable};
use crate::base::ids::{SessionId, UserId};
use crate::clients::{ActingAs, Credential, Permission};
use crate::history::{Actor, Author};
use crate::web::{
    Answer, IdentifiedCaller, Problem, RenderedForCheck, Visitor, author, rendered_for_check,
};

/// User with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: LiveSession,
    /// Account state of the user, read for this request.
    pub account_state: AccountState,
    /// Key of the session, for operations that move the session to another epoch.
    pub key: SessionKey,
    pub(super) is_fresh: bool,
}

/// Session of a request, stored in the request's extensions for middleware.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestSession {
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

/// Why a request has no signed-in user.
#[derive(Debug, thiserror::Error)]
pub enum SignedInError {
    /// There is no cookie, no session for it, or the session is no longer valid; with a reason code for the log.
    #[error("not signed in: {0}")]
    NotSignedIn(&'static str),
    #[error("the page was opened by another user")]
    OtherUser(OtherUser),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the session store is unavailable")]
    StoreUnavailable,
    /// The route is registered without sessions: a bug in Doorward.
    #[error("this route has no session middleware")]
    NoSessionMiddleware,
}

/// The user for whom a page was rendered, and the user who is signed in now.
#[derive(Clone, Debug)]
pub struct OtherUser {
    /// Display name of the user for whom the page was rendered; `None` if the request doesn't contain it.
    pub rendered_for: Option<String>,
    pub signed_in: String,
}

impl OtherUser {
    fn problem(self) -> Problem {
        let detail = match self.rendered_for.as_deref() {
            Some(name) if !name.is_empty() => format!(
                "You're now signed in as {}. This page was opened by {name}. Nothing was changed.",
                self.signed_in
            ),
            _ => format!(
                "You're now signed in as {}. This page was not opened by that account. Nothing was changed. Reload the page.",
                self.signed_in
            ),
        };
        Problem::new(
            StatusCode::CONFLICT,
            "other-user",
            "Another user is signed in",
            detail,
        )
        .with("rendered_for", self.rendered_for.unwrap_or_default())
    }
}

/// Refuses requests from a page that was rendered for another user.
fn check_page(request: &HttpRequest, account_state: &AccountState) -> Result<(), SignedInError> {
    let other = |rendered_for| OtherUser {
        rendered_for,
        signed_in: account_state.display_name.clone(),
    };
    match rendered_for_check(request) {
        RenderedForCheck::NotRequired => Ok(()),
        RenderedForCheck::For(rendered_for) if rendered_for.user == account_state.user_id => Ok(()),
        RenderedForCheck::For(rendered_for) => {
            Err(SignedInError::OtherUser(other(Some(rendered_for.name))))
        }
        RenderedForCheck::MissingUser => Err(SignedInError::OtherUser(other(None))),
    }
}

impl SignedIn {
    /// Returns the signed-in user of a request, or why there is none.
    pub(super) async fn authenticate(request: &HttpRequest) -> Result<Self, SignedInError> {
        // A request with `Authorization` is authenticated by that header alone; the cross-site guard relies on it.
        if request.headers().contains_key(header::AUTHORIZATION) {
            return Err(SignedInError::NotSignedIn("own-credentials"));
        }
        let sessions = request
            .app_data::<web::Data<Sessions>>()
            .ok_or(SignedInError::NoSessionMiddleware)?;
        let state = sessions.state_of(request).await;
        let signed_in = sessions.check(&state).await?;
        request.extensions_mut().insert(RequestSession {
            user: signed_in.session.user,
            session: signed_in.session.id,
        });
        if let Err(other) = check_page(request, &signed_in.account_state) {
            // The error page shows who is signed in.
            request.extensions_mut().insert(signed_in.visitor());
            return Err(other);
        }
        tracing::Span::current().record("user_id", tracing::field::display(signed_in.session.user));
        IdentifiedCaller::Authenticated(Actor::User(signed_in.session.user)).note(request);
        Ok(signed_in)
    }

    /// Returns the signed-in user, for pages that are also open to anonymous visitors.
    pub async fn find(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        match Self::authenticate(request).await {
            Ok(signed_in) => Ok(Some(signed_in)),
            Err(SignedInError::NotSignedIn(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the signed-in user for the frame of an error page. If a store is unavailable, the page is
    /// rendered without the user.
    async fn note_visitor(request: &HttpRequest) {
        if let Ok(signed_in) = Self::authenticate(request).await {
            request.extensions_mut().insert(signed_in.visitor());
        }
    }

    /// Returns the user as the caller of an operation that changes something.
    pub fn acting(&self, request: &HttpRequest, permission: Permission) -> ActingAs {
        let author = author(request, Actor::User(self.session.user));
        self.acting_by(author, permission)
    }

    /// As [`SignedIn::acting`], for a given author.
    pub(super) fn acting_by(&self, author: Author, permission: Permission) -> ActingAs {
        let session = &self.session;
        let credential = Credential::Session {
            session: session.id,
            epoch: session.epoch,
            passkeys: session.passkeys.clone(),
            is_open: queries::is_open,
        };
        ActingAs::new(author, credential, permission)
    }

    /// Returns what a page's frame shows of the user.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            user: self.account_state.user_id,
            display_name: self.account_state.display_name.clone(),
            username: self.account_state.username.clone(),
            is_administrator: self.account_state.is_administrator(),
            // Permissions from roles are read only where the page needs them.
            manages_users: false,
            manages_assignments: false,
        }
    }
}

/// Responds with 404 to paths that have no route.
pub async fn not_found(request: HttpRequest) -> Answer {
    SignedIn::note_visitor(&request).await;
    Err(Problem::not_found())
}

impl From<SignedInError> for Problem {
    fn from(error: SignedInError) -> Self {
        match error {
            SignedInError::NotSignedIn(reason) => {
                tracing::debug!(reason, "not signed in");
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "signed-out",
                    "Not signed in",
                    "Sign in at /login, then repeat the request.",
                )
                // RFC 9110 §11.6.1 requires a challenge; a Basic challenge would open a dialog in browsers.
                .header(header::WWW_AUTHENTICATE, "Doorward realm=\"session\"")
            }
            SignedInError::OtherUser(other) => {
                tracing::info!(reason = "other-user", "refused");
                other.problem()
            }
            SignedInError::Unavailable(error) => error.into(),
            SignedInError::StoreUnavailable => Self::unavailable(),
            SignedInError::NoSessionMiddleware => {
                tracing::error!("this route has no session middleware");
                Self::internal()
            }
        }
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self::authenticate(&request).await?) })
    }
}

impl Sessions {
    /// Checks a request's session: it exists, has not expired, and the account state accepts it.
    async fn check(&self, state: &SessionState) -> Result<SignedIn, SignedInError> {
        let stored = match state {
            SessionState::Stored(stored) => stored,
            SessionState::Absent => return Err(SignedInError::NotSignedIn("no-session")),
            SessionState::Unavailable => return Err(SignedInError::StoreUnavailable),
        };
        let key = stored.key.clone();
        let live: LiveSession = serde_json::from_str(&stored.live)
            .map_err(|_| SignedInError::NotSignedIn("unreadable"))?;
        let now = self.clock.now();
        if live.user != key.user() || live.is_over(now, self.idle_timeout) {
            return Err(SignedInError::NotSignedIn("expired"));
        }
        let (live, account_state) = match self
            .check_account(live.user, &live.session_ref(), stored.account_record())
            .await
        {
            Err(SignedInError::NotSignedIn(EPOCH_RAISED)) => {
                self.recheck_live_session(&key, &live).await?
            }
            checked => (live, checked?),
        };
        self.touch(&key, &live, &stored.live);
        Ok(SignedIn {
            is_fresh: self.is_fresh(live.auth_time),
            session: live,
            account_state,
            key,
        })
    }

    /// Checks a session with an outdated epoch once more. It may be the one that was kept when all others were ended, read a
    /// moment before it moved to the new epoch.
    async fn recheck_live_session(
        &self,
        key: &SessionKey,
        read: &LiveSession,
    ) -> Result<(LiveSession, AccountState), SignedInError> {
        let over = || SignedInError::NotSignedIn(EPOCH_RAISED);
        let store_key = key.store_key();
        let live = self.ephemeral.get_json(&store_key).await;
        let live: Option<LiveSession> = live.map_err(Unavailable::from)?;
        let live = live.ok_or_else(over)?;
        if live.id != read.id || live.epoch <= read.epoch {
            return Err(over());
        }
        let account_state = self
            .check_account(live.user, &live.session_ref(), None)
            .await?;
        Ok((live, account_state))
    }

    /// Checks a session, or the parent of a derived session, against the account state.
    pub(super) async fn check_account(
        &self,
        user: UserId,
        session_ref: &SessionRef<'_>,
        record: Option<&str>,
    ) -> Result<AccountState, SignedInError> {
        let nobody = || SignedInError::NotSignedIn("no-account-state");
        let account_state = self.account_states.find_with_cached(user, record).await?;
        let account_state = account_state.ok_or_else(nobody)?;
        let checked = self
            .account_states
            .check(account_state, |record| record.check_session(session_ref));
        let (account_state, result) = checked.await?.ok_or_else(nobody)?;
        match result {
            CheckResult::Valid => Ok(account_state),
            CheckResult::ReadRow => {
                let (session, auth_time) = (session_ref.session, session_ref.auth_time);
                let asked = self
                    .database
                    .read(move |conn| queries::is_current(conn, session, auth_time))
                    .await;
                if asked.map_err(Unavailable::from)? {
                    return Ok(account_state);
                }
                Err(SignedInError::NotSignedIn("session-ended"))
            }
            CheckResult::StateIsOutdated => Err(SignedInError::NotSignedIn("unknown-epoch")),
            CheckResult::Refused(reason) => Err(SignedInError::NotSignedIn(reason)),
        }
    }
}

/// Sets the session cookie to the key of a session whose live copy is stored. Deletes the live copy under the old key,
/// if there is one.
pub fn sign_in(session: &Session, new_session: &NewSession) -> Result<(), Problem> {
    issue_key(session, &new_session.key).map_err(|error| {
        tracing::error!(%error, "can't hand out a session");
        Problem::internal()
    })
}

/// Removes the session cookie and sets a new browser cookie.
#[must_use]
pub fn sign_out(session: &Session, cookies: &Cookies, response: HttpResponse) -> HttpResponse {
    let browser_cookie = cookies.browser_cookie(&BrowserCookie::generate());
    with_cookie(
        remove_session_cookie(session, cookies, response),
        &browser_cookie,
    )
}

/// Removes the session cookie. The browser cookie stays, so that the browser can finish the ceremonies and forms that it began.
#[must_use]
pub fn remove_session_cookie(
    session: &Session,
    cookies: &Cookies,
    response: HttpResponse,
) -> HttpResponse {
    session.purge();
    with_cookie(response, &cookies.no_session_cookie())
}

fn with_cookie(mut response: HttpResponse, cookie: &Cookie<'_>) -> HttpResponse {
    // Fails only if the cookie is not a valid header value; these are.
    response.add_cookie(cookie).ok();
    response
}
