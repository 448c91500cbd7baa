//! Authorization responses, sent by redirect or by a form that the browser posts; and errors that are not returned to the app.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::oidc::error::OAuthError;
use crate::oidc::http::{is_form, not_a_form};
use crate::oidc::pending::PendingRequestError;
use crate::oidc::request::ResponseMode;
use crate::oidc::response::AuthorizationResponse;
use crate::web::{Answer, FormActionPolicy, Frame, HiddenField, Problem, SkipRedirect, Web, page};

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage {
    frame: Frame,
    host: String,
    action: String,
    fields: Vec<HiddenField>,
}

/// Sends the browser to the app with the response.
pub fn send(web: &Web, request: &HttpRequest, response: AuthorizationResponse) -> Answer {
    match response.response_mode {
        // RFC 9700 §4.12: 303, so that the browser does not forward the form that it posted to the app.
        ResponseMode::Query | ResponseMode::Fragment => {
            Ok(HttpResponse::build(StatusCode::SEE_OTHER)
                .insert_header((header::LOCATION, response.address()))
                .finish())
        }
        ResponseMode::FormPost => {
            let mut answer = page(&FormPostPage {
                frame: Frame::new(web, request, None),
                host: host_of(&response.redirect_uri),
                fields: HiddenField::list(response.fields),
                action: response.redirect_uri.clone(),
            })?;
            // Showing the page again would send the code again.
            answer.extensions_mut().insert(SkipRedirect);
            Ok(FormActionPolicy::for_redirect_to(&response.redirect_uri).allow(answer))
        }
    }
}

/// Returns the host of an address for display; without a host, its scheme.
pub fn host_of(address: &str) -> String {
    let host = url::Url::parse(address)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| address.split(':').next().unwrap_or_default().to_owned())
}

/// The error for a request that can't be returned to the app: the user stays here, and the developer reads why (RFC 9700 §4.11).
pub fn error_page(refusal: &OAuthError) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "authorization-request",
        "This sign-in request isn't valid",
        refusal.description.clone(),
    )
    .with("error", refusal.code.as_str())
}

/// Checks that the body of a posted request is a form or empty (OpenID Connect Core §3.1.2.1).
pub fn check_form(request: &HttpRequest, body: &[u8]) -> Result<(), Problem> {
    if body.is_empty() || is_form(request) {
        Ok(())
    } else {
        Err(error_page(&not_a_form()))
    }
}

/// The error for a stored request that is no longer available.
pub fn request_gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "authorization-gone",
        "This sign-in request has expired",
        "The app's request was already completed, took too long, or started in another browser. Go back to the app and try again.",
    )
}

impl From<PendingRequestError> for Problem {
    fn from(error: PendingRequestError) -> Self {
        match error {
            PendingRequestError::Gone(reason) => {
                tracing::info!(reason, "unknown authorization request");
                request_gone()
            }
            PendingRequestError::StoreUnavailable(error) => error.into(),
        }
    }
}
