//! The extractor of a signed-in person, and the two ends of being one.

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

/// A person with a good session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: LiveSession,
    /// The person, as of this request.
    pub standing: Standing,
    /// The session's key, for verbs that keep it.
    pub key: SessionKey,
    is_fresh: bool,
}

/// The session in which a request was made, noted on the request for middleware.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedIn {
    /// The user.
    pub(super) user: UserId,
    /// The session.
    pub(super) session: SessionId,
}

/// Why a request has no signed-in person.
#[derive(Debug, thiserror::Error)]
pub enum SignedInError {
    /// No cookie, an unknown one, or a session that is over; with a reason code for the log.
    #[error("not signed in: {0}")]
    Nobody(&'static str),
    /// The page that the request comes from was rendered for another user.
    #[error("the page was opened by another user")]
    OtherUser(OtherUser),
    /// A store is away: nobody knows.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The live copy could not be read.
    #[error("the session store is unavailable")]
    Away,
    /// The route was declared without sessions: a fault of ours.
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
    /// Who is signed in, for whoever must know why it is nobody.
    ///
    /// # Errors
    /// Nobody, or nobody knows.
    pub(super) async fn look(request: &HttpRequest) -> Result<Self, SignedInError> {
        // Whoever shows credentials of their own is judged by those alone; the cross-site guard relies on it.
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

    /// Who is signed in, for pages that are open to nobody too.
    ///
    /// # Errors
    /// `unavailable` when nobody knows.
    pub async fn find(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        match Self::look(request).await {
            Ok(signed_in) => Ok(Some(signed_in)),
            Err(SignedInError::Nobody(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Who is signed in, for the frame of an error page; also without a store's answer the page is shown.
    async fn note_visitor(request: &HttpRequest) {
        if let Ok(signed_in) = Self::look(request).await {
            request.extensions_mut().insert(signed_in.visitor());
        }
    }

    /// The user as the caller of an operation that changes something.
    pub fn acting(&self, request: &HttpRequest, permission: Permission) -> ActingAs {
        let author = author(request, Actor::Person(self.session.user));
        self.acting_by(author, permission)
    }

    /// As [`SignedIn::acting`], for a known author.
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

    /// What a page's frame shows of them.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            user: self.standing.user_id,
            display_name: self.standing.display_name.clone(),
            username: self.standing.username.clone(),
            is_administrator: self.standing.is_administrator(),
            // What their roles let them do is asked where it matters.
            manages_people: false,
            manages_grants: false,
        }
    }

    /// Whether the last ceremony is recent.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Requires a recent sign-in.
    pub fn require_fresh(&self) -> Result<(), StepUpRequired> {
        self.is_fresh.then_some(()).ok_or(StepUpRequired::Session)
    }
}

/// Answers every path that no route has.
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
                // RFC 9110 §11.6.1 asks for a challenge; a Basic one would open a dialog in browsers.
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
    /// The gate for cookies: the session exists, has not expired, and its standing is good.
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

    /// Judges once more a session whose epoch is behind: it may be the one that "end all others" kept, read a moment before it
    /// moved on.
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

    /// The gate, for a session and for what it lent.
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

/// Gives the browser the key of an opened session. The old key, if there was one, is forgotten.
///
/// # Errors
/// `internal` when the middleware is missing on the route.
pub fn sign_in(session: &Session, begun: &Begun) -> Result<(), Problem> {
    issue_key(session, &begun.key).map_err(|error| {
        tracing::error!(%error, "can't hand out a session");
        Problem::internal()
    })
}

/// Takes the session's cookie away and gives the browser a new mark.
#[must_use]
pub fn sign_out(session: &Session, cookies: &Cookies, response: HttpResponse) -> HttpResponse {
    let mark = cookies.browser_cookie(&BrowserMark::generate());
    with_cookie(end_in_browser(session, cookies, response), &mark)
}

/// Takes the session's cookie away. The browser keeps its mark, and whoever sits there goes on with what they began.
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
    // Fails only for a cookie that is no header value; ours are.
    response.add_cookie(cookie).ok();
    response
}
