//! Builds the response for the proxy, according to its protocol.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::cookies::ForwardAuthCookies;
use super::protected_host_page::{ProtectedHostPage, refused};
use super::{found, is_navigation, not_permitted, signed_out};
use crate::forward_auth::identity::{HEADERS, TOKEN_HEADER, values};
use crate::forward_auth::{
    CheckOutcome, CheckedForwardAuthSession, Denial, ForwardAuth, ForwardedRequest, ProxyProtocol,
    Target,
};
use crate::policies::StepUpRequirement;
use crate::tokens::keys::SignError;
use crate::web::{Answer, Problem};

/// Converts the outcome of a check to a response. Denials for programs are returned as errors.
pub async fn of(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    forwarded_request: &ForwardedRequest,
    outcome: CheckOutcome,
) -> Answer {
    // nginx accepts a 401 and redirects by its own configuration; the other proxies pass the response on.
    let can_redirect = forwarded_request.protocol != ProxyProtocol::XOriginal
        && is_navigation(http.headers(), &forwarded_request.method);
    match outcome {
        CheckOutcome::Allowed { person, jwt } => {
            let person = person.as_deref();
            let token = match person.filter(|_| jwt) {
                Some(live) => Some(
                    forward_auth
                        .sign(&forwarded_request.target.host, live)
                        .await?,
                ),
                None => None,
            };
            allowed(http, person, token.as_deref())
        }
        CheckOutcome::SignIn | CheckOutcome::StepUp(_) if can_redirect => {
            Ok(found(&sign_in_url(forwarded_request)))
        }
        CheckOutcome::SignIn => Err(signed_out()),
        CheckOutcome::StepUp(step_up) => Err(step_up_required(&step_up)),
        CheckOutcome::Refused(denial) => {
            tracing::info!(reason = %denial, "refused");
            if can_redirect && denial != Denial::NoRoute {
                return refused(http, &forwarded_request.target);
            }
            Err(not_permitted())
        }
    }
}

/// 200: the request is allowed, and the application receives the identity. Every header is set, so that none of the browser's own
/// remain. `Cookie` contains the browser's cookies without Doorward's, because not every proxy can remove single cookies itself.
fn allowed(
    http: &HttpRequest,
    person: Option<&CheckedForwardAuthSession>,
    token: Option<&str>,
) -> Answer {
    let mut response = HttpResponse::Ok();
    response.insert_header((
        header::COOKIE,
        ForwardAuthCookies::without_ours(http.headers()),
    ));
    let values = values(person.map(|live| &live.account_state));
    for (name, value) in HEADERS.into_iter().zip(values) {
        response.insert_header((HeaderName::from_static(name), header_value(&value)?));
    }
    let token = header_value(token.unwrap_or_default())?;
    response.insert_header((HeaderName::from_static(TOKEN_HEADER), token));
    Ok(response.finish())
}

fn header_value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|error| {
        tracing::error!(%error, "the identity is not a valid header value");
        Problem::internal()
    })
}

/// URL of the sign-in at the protected host, which redirects back to the request's address.
fn sign_in_url(forwarded_request: &ForwardedRequest) -> String {
    forwarded_request
        .target
        .host
        .with_path(&sign_in_path(&forwarded_request.target))
}

/// Path of the sign-in at the host of an address, which redirects back to that address.
fn sign_in_path(target: &Target) -> String {
    let to = url::form_urlencoded::byte_serialize(target.path_and_query().as_bytes());
    let to: String = to.collect();
    format!("/.doorward/login?to={to}")
}

/// States the sign-in that would be sufficient (RFC 9470 §3).
pub fn step_up_required(step_up: &StepUpRequirement) -> Problem {
    const CHALLENGE: &str = "Bearer realm=\"Doorward\", error=\"insufficient_user_authentication\", \
         error_description=\"a more recent or stronger sign-in is needed\"";
    let acr_values = match step_up.acr_values.as_slice() {
        [] => String::new(),
        values => format!(", acr_values=\"{}\"", values.join(" ")),
    };
    let max_age = step_up.max_age.map(|age| format!(", max_age={age}"));
    let challenge = format!("{CHALLENGE}{acr_values}{}", max_age.unwrap_or_default());
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "step-up-needed",
        "A recent sign-in is required",
        "A more recent or stronger sign-in is required. Open /.doorward/login at this host in a browser, then repeat the request.",
    )
    .header(header::WWW_AUTHENTICATE, &challenge)
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Unavailable(error) => error.into(),
            error @ (SignError::NoKey(_)
            | SignError::Sealed(..)
            | SignError::Unreadable(_)
            | SignError::Claims(_)
            | SignError::Refused(_)) => {
                tracing::error!(%error, "can't sign a token");
                Self::internal()
            }
        }
    }
}

impl ProtectedHostPage {
    /// The page for a denied user in a browser. It offers to use another account and return, or to sign out at the host.
    pub(super) fn denied(http: &HttpRequest, target: &Target) -> Result<Self, Problem> {
        let mut page = Self::new(http, target.host.authority(), "protected_host.refused")?;
        let label = page.frame.text("app.switch").to_owned();
        let switch = format!("{}&switch=1", sign_in_path(target));
        page.links.push((label, switch));
        let label = page.frame.text("protected_host.refused.other").to_owned();
        page.links.push((label, "/.doorward/logout".into()));
        Ok(page)
    }
}
