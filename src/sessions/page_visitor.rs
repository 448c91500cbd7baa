//! The extractor of pages that need somebody: who is signed in, or the way to the sign-in page and back.

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::future::LocalBoxFuture;

use super::signed_in::{SignedIn, SignedInError};
use super::{Continuation, LiveSession, Sessions};
use crate::base::ids::UserId;
use crate::clients::{ActingAs, Permission};
use crate::web::{Frame, Limits, Problem, Web, redirect};

/// Where a form goes whose sender is not signed in any more: what it carried is lost, so the page says why.
const SESSION_ENDED: &str = "/login?notice=session_ended";

/// A person who looks at a page.
#[derive(Clone, Debug)]
pub struct PageVisitor {
    /// Who.
    pub signed_in: SignedIn,
    /// The frame of the page that they will see.
    pub frame: Frame,
}

/// Why somebody does not see the page that they asked for.
#[derive(Debug, thiserror::Error)]
pub enum TurnedAway {
    /// They sign in first.
    #[error("nobody is signed in")]
    SignInFirst {
        /// The sign-in page, which knows where they wanted to go.
        path: String,
    },
    /// They may not, or nobody knows whether they may.
    #[error("{0}")]
    Refused(Problem),
}

impl From<Problem> for TurnedAway {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl ResponseError for TurnedAway {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::Refused(problem) => problem.status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignInFirst { path } => redirect(path),
            Self::Refused(problem) => problem.error_response(),
        }
    }
}

impl PageVisitor {
    /// Their id.
    pub fn user(&self) -> UserId {
        self.signed_in.session.user
    }

    /// Their session.
    pub fn session(&self) -> &LiveSession {
        &self.signed_in.session
    }

    /// The user as the caller of an operation that changes their own account.
    pub fn acting(&self, request: &HttpRequest) -> ActingAs {
        self.signed_in.acting(request, Permission::OwnAccount)
    }
}

impl FromRequest for PageVisitor {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match SignedIn::look(&request).await {
                Ok(signed_in) => {
                    let web = request
                        .app_data::<web::Data<Web>>()
                        .ok_or_else(Problem::internal)?;
                    let visitor = signed_in.visitor();
                    // Should the request be refused, its page still shows who looks at it.
                    request.extensions_mut().insert(visitor.clone());
                    let frame = Frame::new(web, &request, Some(visitor));
                    Ok(Self { signed_in, frame })
                }
                Err(SignedInError::Nobody(reason)) => {
                    tracing::debug!(reason, "to the sign-in page");
                    let path = sign_in_path(&request).await?;
                    Err(TurnedAway::SignInFirst { path })
                }
                // A store that is away says nothing about who is signed in: never a redirect.
                Err(error) => Err(TurnedAway::Refused(error.into())),
            }
        })
    }
}

/// The sign-in page, with the id under which this request's address is kept. A stranger makes it be kept, so it is counted.
async fn sign_in_path(request: &HttpRequest) -> Result<String, Problem> {
    if *request.method() != Method::GET {
        return Ok(SESSION_ENDED.to_owned());
    }
    let limits = request.app_data::<web::Data<Limits>>();
    limits.ok_or_else(Problem::internal)?.admit(request).await?;
    let sessions = request.app_data::<web::Data<Sessions>>();
    let target = request.uri().path_and_query();
    let id = sessions
        .ok_or_else(Problem::internal)?
        .put_continuation(&Continuation::to(
            target.map_or("/", |target| target.as_str()),
        ))
        .await?;
    Ok(format!("/login?continue={}", id.expose()))
}
