//! Names and attributes of the cookies.

use std::time::Duration;

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, Key, SameSite};

use super::Sessions;
use super::store::Store;
use crate::base::secrets::{MasterKey, Token, TokenHash};

/// Names of the cookies. `__Host-` binds a cookie to this host, HTTPS and the path `/` (RFC 6265bis §4.1.3.2); `http://localhost`
/// can't use it.
#[derive(Clone, Debug)]
pub struct CookieNames {
    /// Cookie with the session's key.
    pub session: String,
    pub browser: String,
}

#[derive(Clone, Debug)]
pub struct BrowserCookie(Token);

impl BrowserCookie {
    /// Generates a new value, for a browser that has none and after every sign-out.
    pub fn generate() -> Self {
        Self(Token::generate())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Token::parse(text).map(Self)
    }

    /// Hash that ceremonies are bound to.
    pub fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[derive(Clone, Debug)]
pub struct Cookies {
    pub names: CookieNames,
    is_https: bool,
    lifetime: CookieDuration,
}

impl Cookies {
    /// Creates the settings for a public URL that is HTTPS, or HTTP on localhost. The session cookie lives as long
    /// as a session may.
    pub fn new(is_https: bool, absolute_lifetime: Duration) -> Self {
        let prefix = if is_https { "__Host-" } else { "" };
        Self {
            names: CookieNames {
                session: format!("{prefix}doorward-session"),
                browser: format!("{prefix}doorward-browser"),
            },
            is_https,
            lifetime: CookieDuration::try_from(absolute_lifetime)
                .unwrap_or(CookieDuration::days(30)),
        }
    }

    /// Derives the key that signs session cookies.
    pub fn signing_key(master_key: &MasterKey) -> Key {
        Key::from(&master_key.derive::<64>("session-cookie"))
    }

    /// Creates actix-session's middleware with this module's store and cookie.
    pub fn middleware(&self, sessions: &Sessions, key: Key) -> SessionMiddleware<Store> {
        SessionMiddleware::builder(Store::new(sessions.clone()), key)
            .cookie_name(self.names.session.clone())
            .cookie_secure(self.is_https)
            .cookie_http_only(true)
            .cookie_same_site(SameSite::Lax)
            .cookie_path("/".into())
            .cookie_content_security(CookieContentSecurity::Signed)
            .session_lifecycle(
                PersistentSession::default()
                    .session_ttl(self.lifetime)
                    .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
            )
            .build()
    }

    pub fn browser_cookie(&self, browser_cookie: &BrowserCookie) -> Cookie<'static> {
        self.cookie(
            self.names.browser.clone(),
            browser_cookie.expose().to_owned(),
        )
        .max_age(CookieDuration::days(400))
        .finish()
    }

    /// Returns a cookie that removes the session cookie.
    pub fn no_session_cookie(&self) -> Cookie<'static> {
        let mut cookie = self
            .cookie(self.names.session.clone(), String::new())
            .finish();
        cookie.make_removal();
        cookie
    }

    /// Returns a session cookie with a value that is signed already.
    pub(super) fn session_cookie(&self, signed: String) -> Cookie<'static> {
        self.cookie(self.names.session.clone(), signed)
            .max_age(self.lifetime)
            .finish()
    }

    fn cookie(&self, name: String, value: String) -> actix_web::cookie::CookieBuilder<'static> {
        Cookie::build(name, value)
            .secure(self.is_https)
            .http_only(true)
            .same_site(SameSite::Lax)
            .path("/")
    }
}
