//! Doorward's two cookies at a protected host: the forward-auth session and the browser cookie.

use std::time::Duration;

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, CookieBuilder, SameSite};
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::base::secrets::{Token, TokenHash};
use crate::forward_auth::ForwardAuthSessionKey;
use crate::sessions::BrowserCookie;

/// Lifetime of the browser cookie; longer than any sign-in takes.
const BROWSER_COOKIE_LIFETIME: CookieDuration = CookieDuration::days(1);

/// Creates the cookies at protected hosts. `__Host-` binds them to the host (RFC 6265bis §4.1.3.2); local hosts without
/// TLS can't use it.
#[derive(Clone, Copy, Debug)]
pub struct ForwardAuthCookies {
    lifetime: CookieDuration,
}

fn session_cookie_name(is_https: bool) -> &'static str {
    if is_https {
        "__Host-doorward-forward-auth"
    } else {
        "doorward-forward-auth"
    }
}

fn browser_cookie_name(is_https: bool) -> &'static str {
    if is_https {
        "__Host-doorward-forward-auth-browser"
    } else {
        "doorward-forward-auth-browser"
    }
}

impl ForwardAuthCookies {
    /// Creates the cookies' settings. The cookie of a forward-auth session lives as long as a session may.
    pub fn new(absolute_lifetime: Duration) -> Self {
        let lifetime = CookieDuration::try_from(absolute_lifetime);
        Self {
            lifetime: lifetime.unwrap_or(CookieDuration::days(30)),
        }
    }

    /// Returns the session key in the request's cookie. If there are two cookies of that name, neither is used, because it's
    /// unknown which one the host set.
    pub fn session_key_of(is_https: bool, headers: &HeaderMap) -> Option<ForwardAuthSessionKey> {
        ForwardAuthSessionKey::parse(only(headers, session_cookie_name(is_https))?)
    }

    /// Returns the hash of the request's browser cookie.
    pub fn browser_hash_of(is_https: bool, headers: &HeaderMap) -> Option<TokenHash> {
        Some(Token::parse(only(headers, browser_cookie_name(is_https))?)?.hash())
    }

    /// Returns the request's cookies without Doorward's own, as the application may see them.
    pub fn without_ours(headers: &HeaderMap) -> HeaderValue {
        let mut left: Vec<u8> = Vec::new();
        let values = headers.get_all(header::COOKIE).map(HeaderValue::as_bytes);
        let pairs = values.flat_map(|value| value.split(|byte| *byte == b';'));
        for pair in pairs.map(<[u8]>::trim_ascii) {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            let name = name.trim_ascii();
            let bare = name.strip_prefix(b"__Host-").unwrap_or(name);
            if pair.is_empty() || bare.starts_with(b"doorward-") {
                continue;
            }
            if !left.is_empty() {
                left.extend_from_slice(b"; ");
            }
            left.extend_from_slice(pair);
        }
        // Some of the parts of a valid header value are a valid header value.
        HeaderValue::from_bytes(&left).unwrap_or(HeaderValue::from_static(""))
    }

    pub fn session(self, is_https: bool, key: &ForwardAuthSessionKey) -> Cookie<'static> {
        cookie(is_https, session_cookie_name(is_https), key.expose())
            .max_age(self.lifetime)
            .finish()
    }

    pub fn browser(is_https: bool, browser_cookie: &BrowserCookie) -> Cookie<'static> {
        cookie(
            is_https,
            browser_cookie_name(is_https),
            browser_cookie.expose().to_owned(),
        )
        .max_age(BROWSER_COOKIE_LIFETIME)
        .finish()
    }

    /// Returns a cookie that removes the forward-auth session's cookie.
    pub fn session_removal(is_https: bool) -> Cookie<'static> {
        let mut cookie = cookie(is_https, session_cookie_name(is_https), String::new()).finish();
        cookie.make_removal();
        cookie
    }
}

fn cookie(is_https: bool, name: &'static str, value: String) -> CookieBuilder<'static> {
    Cookie::build(name, value)
        .secure(is_https)
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
}

/// Returns the value of the only cookie of this name (RFC 6265 §4.2.1); `None` if there are several. Non-ASCII bytes in other
/// cookies don't affect the result.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers
        .get_all(header::COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at_checked(at)?;
        (key == name.as_bytes()).then_some(value.get(1..)?)
    });
    let value = values.next()?;
    let value = values.next().is_none().then_some(value)?;
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{SessionId, UserId};

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).expect("a value");
            headers.append(header::COOKIE, value);
        }
        headers
    }

    #[test]
    fn duplicate_cookies_are_ignored() {
        let key = ForwardAuthSessionKey::generate(UserId::random(), SessionId::random());
        let text = format!("__Host-doorward-forward-auth={}", key.expose());
        let shown = |values: &[&str]| ForwardAuthCookies::session_key_of(true, &headers(values));
        assert_eq!(shown(&["a=b; x", &text]), Some(key.clone()));
        assert_eq!(shown(&[&format!("{text}; {text}")]), None);
        assert_eq!(shown(&[&text, &text]), None);
        assert_eq!(shown(&[&text.replace("__Host-", "")]), None);
        assert_eq!(shown(&[]), None);
        let mut strange = headers(&[]);
        let value = format!("theme=\u{e9}; {text}");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        strange.append(header::COOKIE, value);
        assert_eq!(
            ForwardAuthCookies::session_key_of(true, &strange),
            Some(key.clone())
        );
        assert_eq!(
            ForwardAuthCookies::session_key_of(false, &headers(&[&text])),
            None
        );
    }

    #[test]
    fn the_application_sees_only_its_own_cookies() {
        for (values, left) in [
            (
                &["a=b; __Host-doorward-forward-auth=x; c=d"][..],
                "a=b; c=d",
            ),
            (&["doorward-session=x;doorward-browser=y ; a=b"], "a=b"),
            (
                &[
                    "__Host-doorward-session=x",
                    "a=b; doorward-forward-auth-browser",
                    "c=d",
                ],
                "a=b; c=d",
            ),
            (
                &["x-doorward-forward-auth=1; my__Host-doorward-forward-auth=2"],
                "x-doorward-forward-auth=1; my__Host-doorward-forward-auth=2",
            ),
            (&["doorward-forward-auth=x"], ""),
            (&[], ""),
        ] {
            assert_eq!(
                ForwardAuthCookies::without_ours(&headers(values)),
                left,
                "{values:?}"
            );
        }
    }
}
