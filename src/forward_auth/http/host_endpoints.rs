//! The endpoints `/.doorward/{login,callback,logout}` at the protected hosts. The proxy forwards them with the host that the
//! browser requested.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::cookies::ForwardAuthCookies;
use super::protected_host_page::{ProtectedHostPage, refused};
use super::response::step_up_required;
use super::{
    fetch_metadata, is_navigation, not_permitted, one, own_host, read_forwarded_headers, reject,
    require_trusted_proxy, signed_out,
};
use crate::forward_auth::routes::AppHost;
use crate::forward_auth::{
    CheckOutcome, CheckRequest, Denial, FetchMetadata, FlowError, ForwardAuth, Target,
};
use crate::policies::StepUpRequirement;
use crate::sessions::BrowserCookie;
use crate::web::{Answer, Problem, RateLimits, app_data, read_style, redirect};

crate::web::routes! {
    "/.doorward/login" => get login;
    "/.doorward/callback" => get callback;
    "/.doorward/logout" => get confirm_logout, post logout;
    "/.doorward/style.css" => get read_style;
}

/// Returns the protected host that a request was sent to.
fn host_of(http: &HttpRequest, forward_auth: &ForwardAuth) -> Result<AppHost, Problem> {
    require_trusted_proxy(http)?;
    let host = forward_auth.routes.host(own_host(http)?);
    let host = host.ok_or_else(Problem::not_found)?;
    let forwarded = read_forwarded_headers(http.headers())?;
    forwarded
        .check_consistent(host, None, None)
        .map_err(reject)?;
    Ok(host.clone())
}

/// Query of the sign-in: `to` is a path at the same host to return to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInQuery {
    to: Option<String>,
    /// Present with any value if the user wants to use another account.
    switch: Option<String>,
}

/// `GET /.doorward/login?to=/path`. nginx sends the address in headers instead of `to`.
pub async fn login(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<SignInQuery>,
) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let (target, method) = read_target(&http, &forward_auth, &host, query.to.as_deref())?;
    let forward_auth_session = ForwardAuthCookies::session_key_of(host.is_https(), http.headers());
    let check = CheckRequest {
        target: &target,
        method: &method,
        forward_auth_session: forward_auth_session.as_ref(),
        // nginx forwards the denied request with its method. Anything else is a link, a GET request that any page may send.
        fetch_metadata: if method == "GET" {
            FetchMetadata::default()
        } else {
            fetch_metadata(http.headers())
        },
        preflight: None,
    };
    let outcome = forward_auth.check_request(check).await?;
    let can_redirect = is_navigation(http.headers(), &method);
    let is_switching = can_redirect && query.switch.is_some();
    match outcome {
        CheckOutcome::Allowed { .. }
        | CheckOutcome::Refused(Denial::NotPermitted | Denial::StepUpInsufficient)
            if is_switching =>
        {
            start_sign_in(&http, &forward_auth, &target, SignInReason::Switch).await
        }
        // A signed-in user who is allowed returns directly.
        CheckOutcome::Allowed {
            person: Some(_), ..
        } => Ok(redirect(target.path_and_query())),
        CheckOutcome::Refused(
            Denial::NoRoute
            | Denial::NotPermitted
            | Denial::StepUpInsufficient
            | Denial::CrossOrigin,
        ) => {
            if can_redirect {
                refused(&http, &target)
            } else {
                Err(not_permitted())
            }
        }
        CheckOutcome::StepUp(step_up) if !can_redirect => Err(step_up_required(&step_up)),
        CheckOutcome::SignIn
        | CheckOutcome::Allowed { .. }
        | CheckOutcome::Refused(Denial::SignedOut)
            if !can_redirect =>
        {
            Err(signed_out())
        }
        CheckOutcome::StepUp(step_up) => {
            start_sign_in(&http, &forward_auth, &target, SignInReason::StepUp(step_up)).await
        }
        CheckOutcome::SignIn
        | CheckOutcome::Allowed { .. }
        | CheckOutcome::Refused(Denial::SignedOut) => {
            start_sign_in(&http, &forward_auth, &target, SignInReason::SignIn).await
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
        (Some(url), None) => Target::of_url(url, &forward_auth.routes),
        (None, to) => Target::at(host, to.unwrap_or("/")),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid_parameter(
                "to",
                "the proxy already sends the client address",
            ));
        }
    };
    let target = target.map_err(|fault| reject(fault.into()))?;
    if target.host != *host {
        return Err(not_permitted());
    }
    let method = one(http.headers(), "x-original-method")?.filter(|_| url.is_some());
    Ok((target, method.unwrap_or("GET").to_owned()))
}

enum SignInReason {
    /// The user isn't signed in at this host.
    SignIn,
    /// A policy requires a more recent or stronger sign-in.
    StepUp(StepUpRequirement),
    /// The user wants to use another account.
    Switch,
}

/// Sets the cookie that identifies the browser at this host, and redirects to the sign-in. Signed-out visitors can cause the
/// pending sign-in to be stored, so this is rate-limited.
async fn start_sign_in(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    target: &Target,
    reason: SignInReason,
) -> Answer {
    app_data::<RateLimits>(http)?.check(http).await?;
    let is_https = target.host.is_https();
    let shown = ForwardAuthCookies::browser_hash_of(is_https, http.headers());
    let new = shown.is_none().then(BrowserCookie::generate);
    let Some(browser) = shown.or_else(|| new.as_ref().map(BrowserCookie::hash)) else {
        return Err(Problem::internal());
    };
    let (step_up, is_switching) = match reason {
        SignInReason::SignIn => (None, false),
        SignInReason::StepUp(step_up) => (Some(step_up), false),
        SignInReason::Switch => (None, true),
    };
    let mut address = forward_auth.begin(target, browser, step_up).await?;
    if is_switching {
        address.push_str("&switch=1");
    }
    let mut response = redirect(&address);
    if let Some(mark) = new {
        // Fails only for a cookie that isn't a valid header value; this one is base64url.
        let cookie = ForwardAuthCookies::browser(is_https, &mark);
        response.add_cookie(&cookie).ok();
    }
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackQuery {
    code: String,
}

/// `GET /.doorward/callback?code=…`: creates the forward-auth session and continues to the requested path.
pub async fn callback(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<CallbackQuery>,
) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let is_https = host.is_https();
    let browser = ForwardAuthCookies::browser_hash_of(is_https, http.headers());
    let redeemed = forward_auth.redeem(&host, &query.code, browser).await;
    let (key, path) = match redeemed {
        Ok(redeemed) => redeemed,
        Err(FlowError::Gone(reason)) => return code_gone(&http, &host, reason),
        Err(FlowError::Unavailable(error)) => return Err(error.into()),
    };
    // The previous forward-auth session is no longer needed. If it can't be deleted, it ends with its parent session.
    if let Some(old) = ForwardAuthCookies::session_key_of(is_https, http.headers())
        && let Err(error) = forward_auth.end_session(&old).await
    {
        tracing::warn!(%error, "can't delete an old forward-auth session; it will expire");
    }
    let mut response = redirect(&path);
    let cookie = app_data::<ForwardAuthCookies>(&http)?.session(is_https, &key);
    response.add_cookie(&cookie).ok();
    Ok(response)
}

/// Responds to an invalid handoff code. The user has to start again.
fn code_gone(http: &HttpRequest, host: &AppHost, reason: &'static str) -> Answer {
    tracing::info!(reason, "handoff code rejected");
    if !is_navigation(http.headers(), "GET") {
        return Err(Problem::new(
            StatusCode::GONE,
            "handoff-code-gone",
            "Sign-in expired",
            "This sign-in was already used, took too long, or started in another browser. Open the page you wanted, and start again.",
        ));
    }
    let mut page = ProtectedHostPage::new(http, host.authority(), "protected_host.gone")?;
    let label = page.frame.text("protected_host.gone.again").to_owned();
    page.links.push((label, "/".into()));
    page.show(StatusCode::GONE)
}

/// `GET /.doorward/logout`: asks for confirmation.
pub async fn confirm_logout(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let mut page = ProtectedHostPage::new(&http, host.authority(), "protected_host.logout")?;
    let label = page.frame.text("protected_host.logout.button").to_owned();
    page.button = Some((label, "/.doorward/logout".into()));
    page.show(StatusCode::OK)
}

/// `POST /.doorward/logout`, accepted only from this host's own pages: ends the forward-auth session, and links to the
/// sign-out everywhere.
pub async fn logout(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    let host = host_of(&http, &forward_auth)?;
    let is_https = host.is_https();
    check_origin(&http, &host)?;
    if let Some(key) = ForwardAuthCookies::session_key_of(is_https, http.headers()) {
        forward_auth.end_session(&key).await?;
    }
    let mut page = ProtectedHostPage::new(&http, host.authority(), "protected_host.logged_out")?;
    let public_url = &forward_auth.public_url;
    let label = page.frame.text_with(
        "protected_host.logged_out.everywhere",
        &[("place", page.frame.installation_name.as_str())],
    );
    page.links
        .push((label, public_url.with_path("/oauth2/logout")));
    let mut response: HttpResponse = page.show(StatusCode::OK)?;
    let cookie = ForwardAuthCookies::session_removal(is_https);
    response.add_cookie(&cookie).ok();
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
