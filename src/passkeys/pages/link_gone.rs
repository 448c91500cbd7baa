//! The page of a set-up or invitation link that no longer works.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use askama::Template;

use super::continue_parameter::ContinueParameter;
use crate::base::text_enum::text_enum;
use crate::sessions::SignedIn;
use crate::users::{JoinError, SetUpError};
use crate::web::{Answer, Frame, Problem, Web, page_with_status};

/// Why a link doesn't work; the middle part of the page's text keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkGoneReason {
    SetUpUsed,
    SetUpExpired,
    InvitationUsed,
    InvitationExpired,
    Unknown,
}

text_enum!(LinkGoneReason {
    SetUpUsed = "setup_used",
    SetUpExpired = "setup_expired",
    InvitationUsed = "invitation_used",
    InvitationExpired = "invitation_expired",
    Unknown = "unknown",
});

impl TryFrom<SetUpError> for LinkGoneReason {
    type Error = Problem;

    fn try_from(error: SetUpError) -> Result<Self, Problem> {
        match error {
            SetUpError::Completed => Ok(Self::SetUpUsed),
            // Expired, or replaced by a newer one: in both cases, a new link is printed on the server.
            SetUpError::LinkInvalid => Ok(Self::SetUpExpired),
            SetUpError::UsernameTaken | SetUpError::Database(_) => Err(error.into()),
        }
    }
}

impl TryFrom<JoinError> for LinkGoneReason {
    type Error = Problem;

    fn try_from(error: JoinError) -> Result<Self, Problem> {
        match error {
            JoinError::Unknown => Ok(Self::Unknown),
            JoinError::Used => Ok(Self::InvitationUsed),
            // A link doesn't reveal that its user is suspended.
            JoinError::Expired | JoinError::NotActive | JoinError::InviterNotAllowed => {
                Ok(Self::InvitationExpired)
            }
            JoinError::UsernameTaken | JoinError::UsernameMissing | JoinError::Database(_) => {
                Err(error.into())
            }
        }
    }
}

#[derive(Template)]
#[template(path = "link_gone.html")]
struct LinkGonePage {
    frame: Frame,
    reason: &'static str,
    login_path: String,
    /// For users who come from a client: where to enter another link.
    another_path: Option<String>,
}

pub(super) fn show(
    web: &Web,
    request: &HttpRequest,
    signed_in: Option<&SignedIn>,
    reason: LinkGoneReason,
) -> Answer {
    tracing::info!(reason = reason.as_str(), "link is invalid, used or expired");
    let continuation = Query::<ContinueParameter>::from_query(request.query_string());
    let continuation = continuation.map(Query::into_inner).unwrap_or_default();
    let template = LinkGonePage {
        login_path: continuation.to("/login"),
        another_path: continuation.id().map(|_| continuation.to("/join")),
        frame: Frame::new(web, request, signed_in.map(SignedIn::visitor)),
        reason: reason.as_str(),
    };
    let status = match reason {
        LinkGoneReason::Unknown => StatusCode::NOT_FOUND,
        _ => StatusCode::GONE,
    };
    page_with_status(status, &template)
}
