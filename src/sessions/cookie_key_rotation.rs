//! Keeps sessions across a change of the master key: cookies that are signed with the previous key are signed again with the
//! current one, in the request and in the response.

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, CookieJar, Key};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;

use super::cookies::Cookies;

/// Middleware that accepts session cookies signed with the previous key. It must run outside the session middleware.
pub async fn accept_previous_key<B: MessageBody>(
    cookies: Cookies,
    keys: Option<(Key, Key)>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let presented = presented_cookies(&request);
    let signed_anew = keys.and_then(|(key, previous)| {
        let session = presented
            .iter()
            .find(|cookie| cookie.name() == cookies.names.session)?;
        sign_again(&cookies.names.session, session, &key, &previous)
    });
    let Some(value) = signed_anew else {
        return next.call(request).await;
    };
    replace_cookie(&mut request, presented, &cookies.names.session, &value);
    let mut response = next.call(request).await?;
    let name = cookies.names.session.clone();
    if !response.response().cookies().any(|set| set.name() == name) {
        let cookie = cookies.session_cookie(value);
        response.response_mut().add_cookie(&cookie).ok();
    }
    Ok(response)
}

/// Signs the cookie's value with the current key if it was signed with the previous one.
fn sign_again(name: &str, presented: &Cookie<'_>, key: &Key, previous: &Key) -> Option<String> {
    let mut jar = CookieJar::new();
    jar.add_original(presented.clone().into_owned());
    let content = jar.signed(previous).get(name)?;
    let mut jar = CookieJar::new();
    jar.signed_mut(key)
        .add(Cookie::new(name.to_owned(), content.value().to_owned()));
    jar.get(name).map(|cookie| cookie.value().to_owned())
}

/// Parses the header itself, because actix caches the parsed cookies and would not see the replaced one.
fn presented_cookies(request: &ServiceRequest) -> Vec<Cookie<'static>> {
    request
        .headers()
        .get_all(header::COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair.trim_ascii()).ok())
        .filter_map(|pair| Cookie::parse_encoded(pair.to_owned()).ok())
        .collect()
}

fn replace_cookie(
    request: &mut ServiceRequest,
    presented: Vec<Cookie<'static>>,
    name: &str,
    value: &str,
) {
    let pairs: Vec<String> = presented
        .into_iter()
        .filter(|cookie| cookie.name() != name)
        .chain([Cookie::new(name.to_owned(), value.to_owned())])
        .map(|cookie| cookie.stripped().encoded().to_string())
        .collect();
    if let Ok(header) = HeaderValue::from_str(&pairs.join("; ")) {
        request.headers_mut().insert(header::COOKIE, header);
    }
}
