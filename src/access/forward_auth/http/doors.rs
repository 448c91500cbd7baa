//! The endpoints `/.doorward/{login,callback,logout}` at the protected hosts. The proxy forwards them with the host that the
//! browser requested.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::answer::step_up_needed;
use super::door_page::{DoorPage, refused};
use super::{
    is_navigation, not_permitted, one, own_host, read_forwarded, refuse_fault, sender, signed_out,
    trust,
};
use crate::access::Wanted;
use crate::access::forward_auth::{ForwardAuth, Refusal, Sender, Target, Verdict, Visit, WayError};
use crate::access::routes::AppHost;
use crate::sessions::{BrowserMark, DoorCookies};
use crate::web::{Answer, Limits, Problem, redirect};

/// Returns the protected host that a request was sent to.
fn host_of(http: &HttpRequest, forward_auth: &ForwardAuth) -> Result<AppHost, Problem> {
    trust(http)?;
    let host = forward_auth.table().host(own_host(http)?);
    let host = host.ok_or_else(Problem::not_found)?;
    let forwarded = read_forwarded(http.headers())?;
    forwarded.agree(host, None, None).map_err(refuse_fault)?;
    Ok(host.clone())
}

/// Query of the sign-in: `to` is a path at the same host to return to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    to: Option<String>,
    /// Present with any value if the user wants to use another account.
    switch: Option<String>,
}

/// `GET /.doorward/login?to=/path`. nginx sends the address in headers instead of `to`.
pub async fn begin(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<Begin>,
) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let (target, method) = read_target(&http, &forward_auth, &host, query.to.as_deref())?;
    let door = DoorCookies::shown_door(host.is_https(), http.headers());
    let visit = Visit {
        target: &target,
        method: &method,
        door: door.as_ref(),
        // nginx forwards the denied request with its method. Anything else is a link, a GET request that any page may send.
        sender: if method == "GET" {
            Sender::default()
        } else {
            sender(http.headers())
        },
        preflight: None,
    };
    let verdict = forward_auth.ask(visit).await?;
    let is_led = is_navigation(http.headers(), &method);
    let is_switching = is_led && query.switch.is_some();
    match verdict {
        Verdict::Allowed { .. }
        | Verdict::Refused(Refusal::NotPermitted | Refusal::StepUpInVain)
            if is_switching =>
        {
            send_in(&http, &forward_auth, &target, Occasion::Switch).await
        }
        // A signed-in user who is allowed returns directly.
        Verdict::Allowed {
            person: Some(_), ..
        } => Ok(redirect(target.path_and_query())),
        Verdict::Refused(
            Refusal::NoRoute | Refusal::NotPermitted | Refusal::StepUpInVain | Refusal::CrossOrigin,
        ) => {
            if is_led {
                refused(&http, &target)
            } else {
                Err(not_permitted())
            }
        }
        Verdict::StepUp(wanted) if !is_led => Err(step_up_needed(&wanted)),
        Verdict::SignIn | Verdict::Allowed { .. } | Verdict::Refused(Refusal::SignedOut)
            if !is_led =>
        {
            Err(signed_out())
        }
        Verdict::StepUp(wanted) => {
            send_in(&http, &forward_auth, &target, Occasion::StepUp(wanted)).await
        }
        Verdict::SignIn | Verdict::Allowed { .. } | Verdict::Refused(Refusal::SignedOut) => {
            send_in(&http, &forward_auth, &target, Occasion::SignIn).await
        }
    }
}

fn read_target(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    host: &AppHost,
    to: Option<&str>,
) -> Result<(Target, String), Problem> {
    let url = one(http.headers(), "x-original-url")?;
    let target = match (url, to) {
        (Some(url), None) => Target::of_url(url, forward_auth.table()),
        (None, to) => Target::at(host, to.unwrap_or("/")),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid_parameter(
                "to",
                "the proxy already sends the client address",
            ));
        }
    };
    let target = target.map_err(|fault| refuse_fault(fault.into()))?;
    if target.host != *host {
        return Err(not_permitted());
    }
    let method = one(http.headers(), "x-original-method")?.filter(|_| url.is_some());
    Ok((target, method.unwrap_or("GET").to_owned()))
}

enum Occasion {
    /// The user isn't signed in at this host.
    SignIn,
    /// A policy requires a more recent or stronger sign-in.
    StepUp(Wanted),
    /// The user wants to use another account.
    Switch,
}

/// Sets the cookie that identifies the browser at this host, and redirects to the sign-in. Signed-out visitors can cause the
/// pending sign-in to be stored, so this is rate-limited.
async fn send_in(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    target: &Target,
    occasion: Occasion,
) -> Answer {
    let limits = http.app_data::<web::Data<Limits>>();
    limits.ok_or_else(Problem::internal)?.admit(http).await?;
    let is_https = target.host.is_https();
    let shown = DoorCookies::shown_mark(is_https, http.headers());
    let new = shown.is_none().then(BrowserMark::generate);
    let Some(browser) = shown.or_else(|| new.as_ref().map(BrowserMark::hash)) else {
        return Err(Problem::internal());
    };
    let (wanted, is_switching) = match occasion {
        Occasion::SignIn => (None, false),
        Occasion::StepUp(wanted) => (Some(wanted), false),
        Occasion::Switch => (None, true),
    };
    let mut address = forward_auth.begin(target, browser, wanted).await?;
    if is_switching {
        address.push_str("&switch=1");
    }
    let mut response = redirect(&address);
    if let Some(mark) = new {
        // Fails only for a cookie that isn't a valid header value; this one is base64url.
        let cookie = cookies(http)?.mark(is_https, &mark);
        response.add_cookie(&cookie).ok();
    }
    Ok(response)
}

fn cookies(http: &HttpRequest) -> Result<DoorCookies, Problem> {
    let cookies = http.app_data::<web::Data<DoorCookies>>();
    Ok(*cookies.ok_or_else(Problem::internal)?.get_ref())
}

/// Query of the callback.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    ticket: String,
}

/// `GET /.doorward/callback?ticket=…`: creates the forward-auth session and continues to the requested path.
pub async fn finish(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<Finish>,
) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let is_https = host.is_https();
    let browser = DoorCookies::shown_mark(is_https, http.headers());
    let redeemed = forward_auth.redeem(&host, &query.ticket, browser).await;
    let (key, path) = match redeemed {
        Ok(redeemed) => redeemed,
        Err(WayError::Gone(reason)) => return gone(&http, &host, reason),
        Err(WayError::Unavailable(error)) => return Err(error.into()),
    };
    // The previous forward-auth session is no longer needed. If it can't be deleted, it ends with its parent session.
    if let Some(old) = DoorCookies::shown_door(is_https, http.headers())
        && let Err(error) = forward_auth.close(&old).await
    {
        tracing::warn!(%error, "can't delete an old forward-auth session; it will expire");
    }
    let mut response = redirect(&path);
    let cookie = cookies(&http)?.door(is_https, &key);
    response.add_cookie(&cookie).ok();
    Ok(response)
}

/// Responds to an invalid handoff code. The user has to start again.
fn gone(http: &HttpRequest, host: &AppHost, reason: &'static str) -> Answer {
    tracing::info!(reason, "ticket rejected");
    if !is_navigation(http.headers(), "GET") {
        return Err(Problem::new(
            StatusCode::GONE,
            "ticket-gone",
            "Sign-in expired",
            "This sign-in was already used, took too long, or started in another browser. Open the page you wanted, and start again.",
        ));
    }
    let mut page = DoorPage::new(http, host.authority(), "door.gone")?;
    let label = page.frame.text("door.gone.again").to_owned();
    page.links.push((label, "/".into()));
    page.show(StatusCode::GONE)
}

/// `GET /.doorward/logout`: asks for confirmation.
pub async fn ask_logout(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let mut page = DoorPage::new(&http, host.authority(), "door.logout")?;
    let label = page.frame.text("door.logout.button").to_owned();
    page.button = Some((label, "/.doorward/logout".into()));
    page.show(StatusCode::OK)
}

/// `POST /.doorward/logout`, accepted only from this host's own pages: ends the forward-auth session, and links to the
/// sign-out everywhere.
pub async fn logout(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let is_https = host.is_https();
    check_origin(&http, &host)?;
    if let Some(key) = DoorCookies::shown_door(is_https, http.headers()) {
        forward_auth.close(&key).await?;
    }
    let mut page = DoorPage::new(&http, host.authority(), "door.logged_out")?;
    let place = forward_auth.place();
    let label = page.frame.text_with(
        "door.logged_out.everywhere",
        &[("place", page.frame.place.as_str())],
    );
    page.links.push((label, place.with_path("/oauth2/logout")));
    let mut response: HttpResponse = page.show(StatusCode::OK)?;
    response.add_cookie(&cookies(&http)?.no_door(is_https)).ok();
    Ok(response)
}

/// Rejects requests from other origins or sites, as for Doorward's own pages but with the origin of this host.
fn check_origin(http: &HttpRequest, host: &AppHost) -> Result<(), Problem> {
    let origin = one(http.headers(), header::ORIGIN.as_str())?;
    let site = one(http.headers(), "sec-fetch-site")?;
    let is_own =
        origin == Some(host.origin().as_str()) && site.is_none_or(|site| site == "same-origin");
    if is_own {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross-site",
        "Cross-origin request refused",
        "Sign-out requests must come from the page /.doorward/logout of the same host.",
    ))
}
