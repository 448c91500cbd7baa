//! Extractor of the signed-in user, and the cookies of sign-in and sign-out.

use actix_session::Session;
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

use super::begin::Begun;
use super::cookies::{BrowserMark, Cookies};
use super::freshness::{FRESH, StepUpRequired};
use super::key::SessionKey;
use super::live::LiveSession;
use super::state::SessionState;
use super::store::issue_key;
use super::{Sessions, queries};
use crate::base::ids::{SessionId, UserId};
use crate::clients::{ActingAs, Credential, Permission};
use crate::history::{Actor, Author};
use crate::standing::{Claim, EPOCH_RAISED, Standing, Unavailable, Verdict};
use crate::web::{Answer, KnownCaller, PageOrigin, Problem, Visitor, author, origin_of};

/// User with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Session of the user.
    pub session: LiveSession,
    /// Account state of the user, read for this request.
    pub standing: Standing,
    /// Key of the session, for operations that move the session to another epoch.
    pub key: SessionKey,
    is_fresh: bool,
}

/// Session of a request, stored in the request's extensions for middleware.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedIn {
    /// ID of the user.
    pub(super) user: UserId,
    /// ID of the session.
    pub(super) session: SessionId,
}

/// Why a request has no signed-in user.
#[derive(Debug, thiserror::Error)]
pub enum SignedInError {
    /// There is no cookie, no session for it, or the session is no longer valid; with a reason code for the log.
    #[error("not signed in: {0}")]
    Nobody(&'static str),
    /// The page that sent the request was rendered for another user.
    #[error("the page was opened by another user")]
    OtherUser(OtherUser),
    /// A store is unavailable, so the session can't be checked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The live copy could not be read because the ephemeral store is unavailable.
    #[error("the session store is unavailable")]
    Away,
    /// The route is registered without sessions: a bug in Doorward.
    #[error("this route has no session middleware")]
    Misplaced,
}

/// The user for whom a page was rendered, and the user who is signed in now.
#[derive(Clone, Debug)]
pub struct OtherUser {
    /// Display name of the user for whom the page was rendered; `None` if the request doesn't contain it.
    pub opened_by: Option<String>,
    /// Display name of the user who is signed in.
    pub signed_in: String,
}

impl OtherUser {
    fn problem(self) -> Problem {
        let detail = match self.opened_by.as_deref() {
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
        .with("opened_by", self.opened_by.unwrap_or_default())
    }
}

/// Refuses requests from a page that was rendered for another user.
fn check_page(request: &HttpRequest, standing: &Standing) -> Result<(), SignedInError> {
    let other = |opened_by| OtherUser {
        opened_by,
        signed_in: standing.display_name.clone(),
    };
    match origin_of(request) {
        PageOrigin::Any => Ok(()),
        PageOrigin::PageOf(opened_by) if opened_by.user == standing.user_id => Ok(()),
        PageOrigin::PageOf(opened_by) => Err(SignedInError::OtherUser(other(Some(opened_by.name)))),
        PageOrigin::Unnamed => Err(SignedInError::OtherUser(other(None))),
    }
}

impl SignedIn {
    /// Returns the signed-in user of a request, or why there is none.
    ///
    /// # Errors
    /// No user is signed in, the page was rendered for another user, or a store is unavailable.
    pub(super) async fn look(request: &HttpRequest) -> Result<Self, SignedInError> {
        // A request with `Authorization` is authenticated by that header alone; the cross-site guard relies on it.
        if request.headers().contains_key(header::AUTHORIZATION) {
            return Err(SignedInError::Nobody("own-credentials"));
        }
        let sessions = request
            .app_data::<web::Data<Sessions>>()
            .ok_or(SignedInError::Misplaced)?;
        let state = sessions.state_of(request).await;
        let signed_in = sessions.check(&state).await?;
        request.extensions_mut().insert(AskedIn {
            user: signed_in.session.user,
            session: signed_in.session.id,
        });
        if let Err(other) = check_page(request, &signed_in.standing) {
            // The error page shows who is signed in.
            request.extensions_mut().insert(signed_in.visitor());
            return Err(other);
        }
        tracing::Span::current().record("user_id", tracing::field::display(signed_in.session.user));
        KnownCaller::Proven(Actor::Person(signed_in.session.user)).note(request);
        Ok(signed_in)
    }

    /// Returns the signed-in user, for pages that are also open to anonymous visitors.
    ///
    /// # Errors
    /// `other-user`, or `unavailable` if a store is unavailable.
    pub async fn find(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        match Self::look(request).await {
            Ok(signed_in) => Ok(Some(signed_in)),
            Err(SignedInError::Nobody(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the signed-in user for the frame of an error page. If a store is unavailable, the page is
    /// rendered without the user.
    async fn note_visitor(request: &HttpRequest) {
        if let Ok(signed_in) = Self::look(request).await {
            request.extensions_mut().insert(signed_in.visitor());
        }
    }

    /// Returns the user as the caller of an operation that changes something.
    pub fn acting(&self, request: &HttpRequest, permission: Permission) -> ActingAs {
        let author = author(request, Actor::Person(self.session.user));
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
            user: self.standing.user_id,
            display_name: self.standing.display_name.clone(),
            username: self.standing.username.clone(),
            is_administrator: self.standing.is_administrator(),
            // Permissions from roles are read only where the page needs them.
            manages_people: false,
            manages_grants: false,
        }
    }

    /// Returns whether the last ceremony is recent.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Requires a recent sign-in of the user.
    pub fn require_fresh(&self) -> Result<(), StepUpRequired> {
        self.is_fresh.then_some(()).ok_or(StepUpRequired::Session)
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
            SignedInError::Nobody(reason) => {
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
            SignedInError::Away => Self::unavailable(),
            SignedInError::Misplaced => {
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
        Box::pin(async move { Ok(Self::look(&request).await?) })
    }
}

impl Sessions {
    /// Checks a request's session: it exists, has not expired, and the account state accepts it.
    async fn check(&self, state: &SessionState) -> Result<SignedIn, SignedInError> {
        let stored = match state {
            SessionState::Stored(stored) => stored,
            SessionState::Absent => return Err(SignedInError::Nobody("no-session")),
            SessionState::Unavailable => return Err(SignedInError::Away),
        };
        let key = stored.key.clone();
        let live: LiveSession =
            serde_json::from_str(&stored.live).map_err(|_| SignedInError::Nobody("unreadable"))?;
        let now = self.clock.now();
        if live.user != key.user() || live.is_over(now, self.idle_timeout) {
            return Err(SignedInError::Nobody("expired"));
        }
        let (live, standing) = match self
            .judge(live.user, &live.claim(), stored.account_record())
            .await
        {
            Err(SignedInError::Nobody(EPOCH_RAISED)) => self.judge_moved(&key, &live).await?,
            judged => (live, judged?),
        };
        self.touch(&key, &live, &stored.live);
        Ok(SignedIn {
            is_fresh: live.is_fresh(now, FRESH),
            session: live,
            standing,
            key,
        })
    }

    /// Checks a session with an outdated epoch once more. It may be the one that was kept when all others were ended, read a
    /// moment before it moved to the new epoch.
    async fn judge_moved(
        &self,
        key: &SessionKey,
        read: &LiveSession,
    ) -> Result<(LiveSession, Standing), SignedInError> {
        let over = || SignedInError::Nobody(EPOCH_RAISED);
        let store_key = key.store_key();
        let copies = self.ephemeral.get(&[&store_key]).await;
        let copies = copies.map_err(Unavailable::from)?;
        let text = copies.into_iter().next().flatten().ok_or_else(over)?;
        let live: LiveSession = serde_json::from_str(&text).map_err(|_| over())?;
        if live.id != read.id || live.epoch <= read.epoch {
            return Err(over());
        }
        let standing = self.judge(live.user, &live.claim(), None).await?;
        Ok((live, standing))
    }

    /// Checks a session, or the parent of a forward-auth session, against the account state.
    pub(super) async fn judge(
        &self,
        user: UserId,
        claim: &Claim<'_>,
        record: Option<&str>,
    ) -> Result<Standing, SignedInError> {
        let nobody = || SignedInError::Nobody("no-standing");
        let standing = self.standings.of_copy(user, record).await?;
        let standing = standing.ok_or_else(nobody)?;
        let judged = self.standings.judge(standing, |record| record.judge(claim));
        let (standing, verdict) = judged.await?.ok_or_else(nobody)?;
        match verdict {
            Verdict::Good => Ok(standing),
            Verdict::AskTheRow => {
                let (session, auth_time) = (claim.session, claim.auth_time);
                let asked = self
                    .database
                    .read(move |conn| queries::is_current(conn, session, auth_time))
                    .await;
                if asked.map_err(Unavailable::from)? {
                    return Ok(standing);
                }
                Err(SignedInError::Nobody("session-ended"))
            }
            Verdict::RecordIsOld => Err(SignedInError::Nobody("unknown-epoch")),
            Verdict::Refused(reason) => Err(SignedInError::Nobody(reason)),
        }
    }
}

/// Sets the session cookie to the key of a session whose live copy is stored. Deletes the live copy under the old key,
/// if there is one.
///
/// # Errors
/// `internal` if the key can't be put into the session middleware's state.
pub fn sign_in(session: &Session, begun: &Begun) -> Result<(), Problem> {
    issue_key(session, &begun.key).map_err(|error| {
        tracing::error!(%error, "can't hand out a session");
        Problem::internal()
    })
}

/// Removes the session cookie and sets a new browser cookie.
#[must_use]
pub fn sign_out(session: &Session, cookies: &Cookies, response: HttpResponse) -> HttpResponse {
    let mark = cookies.browser_cookie(&BrowserMark::generate());
    with_cookie(end_in_browser(session, cookies, response), &mark)
}

/// Removes the session cookie. The browser cookie stays, so that the browser can finish the ceremonies and forms that it began.
#[must_use]
pub fn end_in_browser(
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
