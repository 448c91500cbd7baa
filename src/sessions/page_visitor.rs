//! Extractor for pages that require a signed-in user. Redirects anonymous visitors to the sign-in page and back.

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use url::form_urlencoded;

use super::saved_form::SavedForm;
use super::signed_in::{SignedIn, SignedInError};
use super::stored_responses::Reader;
use super::{Browser, Continuation, LiveSession, Sessions, StoredResponses, saved_form};
use crate::base::ids::UserId;
use crate::clients::{ActingAs, Permission};
use crate::web::{Frame, Problem, RateLimits, RestoredForm, Web, app_data, redirect};

/// Where to redirect a form whose sender is no longer signed in.
const SESSION_ENDED: &str = "/login?notice=session_ended";

/// Signed-in user who requests a page.
#[derive(Clone, Debug)]
pub struct PageVisitor {
    pub signed_in: SignedIn,
    pub frame: Frame,
}

/// Why a page is not served.
#[derive(Debug, thiserror::Error)]
pub enum PageAccessError {
    #[error("not signed in")]
    SignInRequired {
        /// Path of the sign-in page, with the ID of a continuation.
        path: String,
        /// Browser that a saved form is bound to.
        browser: Browser,
    },
    /// The request is refused, or a store is unavailable.
    #[error("{0}")]
    Refused(Problem),
}

impl From<Problem> for PageAccessError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl ResponseError for PageAccessError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInRequired { .. } => StatusCode::SEE_OTHER,
            Self::Refused(problem) => problem.status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignInRequired { path, browser } => browser.set_cookie(redirect(path)),
            Self::Refused(problem) => problem.error_response(),
        }
    }
}

impl PageVisitor {
    pub fn user(&self) -> UserId {
        self.signed_in.session.user
    }

    /// The user's session.
    pub fn session(&self) -> &LiveSession {
        &self.signed_in.session
    }

    /// The user as the caller of an operation that changes their own account.
    pub fn acting(&self, request: &HttpRequest) -> ActingAs {
        self.signed_in.acting(request, Permission::OwnAccount)
    }
}

impl FromRequest for PageVisitor {
    type Error = PageAccessError;
    type Future = LocalBoxFuture<'static, Result<Self, PageAccessError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let browser = Browser::extract(&request).await?;
            match SignedIn::authenticate(&request).await {
                Ok(signed_in) => {
                    let web = app_data::<Web>(&request)?;
                    let visitor = signed_in.visitor();
                    // If the request is refused, the error page still shows who is signed in.
                    request.extensions_mut().insert(visitor.clone());
                    let mut frame = Frame::new(web, &request, Some(visitor));
                    frame.restored = find_restored(&request, &signed_in, &browser, &frame).await?;
                    Ok(Self { signed_in, frame })
                }
                Err(SignedInError::NotSignedIn(reason)) => {
                    tracing::debug!(reason, "redirecting to the sign-in page");
                    let path = sign_in_path(&request, &browser).await?;
                    Err(PageAccessError::SignInRequired { path, browser })
                }
                Err(SignedInError::OtherUser(other)) => {
                    let kept = saved_form::save(&request, &browser).await?;
                    let mut problem = Problem::from(SignedInError::OtherUser(other));
                    if let Some(id) = kept {
                        let path = format!("/login?switch=1&continue={}", id.expose());
                        problem = problem.with("sign_in", path);
                    }
                    Err(PageAccessError::Refused(problem))
                }
                // An unavailable store doesn't say who is signed in, so it never causes a redirect.
                Err(error) => Err(PageAccessError::Refused(error.into())),
            }
        })
    }
}

/// Returns the saved form that the URL names, if it belongs to this user and browser.
async fn find_restored(
    request: &HttpRequest,
    signed_in: &SignedIn,
    browser: &Browser,
    frame: &Frame,
) -> Result<Option<RestoredForm>, Problem> {
    let mut parameters = form_urlencoded::parse(request.query_string().as_bytes());
    let id = parameters.find(|(name, _)| name == saved_form::PARAMETER);
    let Some((_, id)) = id.filter(|_| request.method() == Method::GET) else {
        return Ok(None);
    };
    let readers = [Reader::Form(signed_in.session.user, browser.hash())];
    let kept: Option<SavedForm> = app_data::<StoredResponses>(request)?
        .find(saved_form::KIND, &id, &readers)
        .await?;
    Ok(kept.map(|kept| RestoredForm {
        action: kept.action,
        fields: kept.fields,
        notice: frame.find_text("frame.restored").unwrap_or_default(),
    }))
}

/// Returns the path of the sign-in page, with the ID of a continuation to the URL of this request, or to the page with the form.
/// Anonymous clients cause it to be stored, so the request counts towards the rate limit.
pub(super) async fn sign_in_path(
    request: &HttpRequest,
    browser: &Browser,
) -> Result<String, Problem> {
    if *request.method() != Method::GET {
        return Ok(match saved_form::save(request, browser).await? {
            Some(id) => format!("{SESSION_ENDED}&continue={}", id.expose()),
            None => SESSION_ENDED.to_owned(),
        });
    }
    app_data::<RateLimits>(request)?.check(request).await?;
    let target = request.uri().path_and_query();
    let id = app_data::<Sessions>(request)?
        .put_continuation(&Continuation::to(
            target.map_or("/", |target| target.as_str()),
        ))
        .await?;
    Ok(format!("/login?continue={}", id.expose()))
}
