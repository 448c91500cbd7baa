//! Builds the response for the proxy, according to its protocol.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::door_page::{DoorPage, refused};
use super::{found, is_navigation, not_permitted, signed_out};
use crate::access::Wanted;
use crate::access::forward_auth::identity::{HEADERS, TOKEN_HEADER, values};
use crate::access::forward_auth::{Asked, Dialect, ForwardAuth, Refusal, Target, Verdict};
use crate::sessions::{DoorCookies, OpenDoor};
use crate::tokens::keys::SignError;
use crate::web::{Answer, Problem};

/// Converts the outcome of a check to a response. Denials for programs are returned as errors.
pub async fn of(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    asked: &Asked,
    verdict: Verdict,
) -> Answer {
    // nginx accepts a 401 and redirects by its own configuration; the other proxies pass the response on.
    let is_led = asked.dialect != Dialect::Original && is_navigation(http.headers(), &asked.method);
    match verdict {
        Verdict::Allowed { person, jwt } => {
            let person = person.as_deref();
            let token = match person.filter(|_| jwt) {
                Some(open) => Some(forward_auth.sign(&asked.target.host, open).await?),
                None => None,
            };
            allowed(http, person, token.as_deref())
        }
        Verdict::SignIn | Verdict::StepUp(_) if is_led => Ok(found(&way_in(asked))),
        Verdict::SignIn => Err(signed_out()),
        Verdict::StepUp(wanted) => Err(step_up_needed(&wanted)),
        Verdict::Refused(refusal) => {
            tracing::info!(reason = %refusal, "refused");
            if is_led && refusal != Refusal::NoRoute {
                return refused(http, &asked.target);
            }
            Err(not_permitted())
        }
    }
}

/// 200: the request is allowed, and the application receives the identity. Every header is set, so that none of the browser's own
/// remain. `Cookie` contains the browser's cookies without Doorward's, because not every proxy can remove single cookies itself.
fn allowed(http: &HttpRequest, person: Option<&OpenDoor>, token: Option<&str>) -> Answer {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::COOKIE, DoorCookies::others(http.headers())));
    let values = values(person.map(|open| &open.standing));
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
fn way_in(asked: &Asked) -> String {
    asked.target.host.with_path(&sign_in_path(&asked.target))
}

/// Path of the sign-in at the host of an address, which redirects back to that address.
fn sign_in_path(target: &Target) -> String {
    let to = url::form_urlencoded::byte_serialize(target.path_and_query().as_bytes());
    let to: String = to.collect();
    format!("/.doorward/login?to={to}")
}

/// States the sign-in that would be sufficient (RFC 9470 §3).
pub fn step_up_needed(wanted: &Wanted) -> Problem {
    const CHALLENGE: &str = "Bearer realm=\"Doorward\", error=\"insufficient_user_authentication\", \
         error_description=\"a more recent or stronger sign-in is needed\"";
    let acr_values = match wanted.acr_values.as_slice() {
        [] => String::new(),
        values => format!(", acr_values=\"{}\"", values.join(" ")),
    };
    let max_age = wanted.max_age.map(|age| format!(", max_age={age}"));
    let challenge = format!("{CHALLENGE}{acr_values}{}", max_age.unwrap_or_default());
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "step-up-needed",
        "A recent sign-in is required",
        "A more recent or stronger sign-in is required. Open /.doorward/login at this host in a browser, then repeat the request.",
    )
    .header_of(header::WWW_AUTHENTICATE, &challenge)
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

impl DoorPage {
    /// The page for a denied user in a browser. It offers to use another account and return, or to sign out at the host.
    pub(super) fn not_open(http: &HttpRequest, target: &Target) -> Result<Self, Problem> {
        let mut page = Self::new(http, target.host.authority(), "door.refused")?;
        let label = page.frame.text("app.switch").to_owned();
        let switch = format!("{}&switch=1", sign_in_path(target));
        page.links.push((label, switch));
        let label = page.frame.text("door.refused.other").to_owned();
        page.links.push((label, "/.doorward/logout".into()));
        Ok(page)
    }
}
