//! Browser cookie: a random value to which ceremonies are bound. It authorizes nothing.

use std::future::{Ready, ready};

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::cookies::{BrowserCookie, Cookies};
use crate::base::secrets::TokenHash;
use crate::web::Problem;

/// Extractor of the browser cookie. Generates a new value if the request has none.
#[derive(Clone, Debug)]
pub struct Browser {
    browser_cookie: BrowserCookie,
    new_cookie: Option<Cookie<'static>>,
}

impl Browser {
    /// Hash of the cookie's value; ceremonies are bound to it.
    pub fn hash(&self) -> TokenHash {
        self.browser_cookie.hash()
    }

    /// As [`Self::hash`]; `None` if the browser sent no cookie.
    pub(super) fn known(&self) -> Option<TokenHash> {
        self.new_cookie.is_none().then(|| self.hash())
    }

    /// Sets the browser cookie on a response if the browser has none yet.
    #[must_use]
    pub fn set_cookie(&self, mut response: HttpResponse) -> HttpResponse {
        if let Some(cookie) = &self.new_cookie {
            // Fails only if the cookie is not a valid header value; ours is base64url.
            response.add_cookie(cookie).ok();
        }
        response
    }
}

impl FromRequest for Browser {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(cookies) = request.app_data::<web::Data<Cookies>>() else {
            return ready(Err(Problem::internal()));
        };
        let known = request
            .cookie(&cookies.names.browser)
            .and_then(|cookie| BrowserCookie::parse(cookie.value()));
        ready(Ok(match known {
            Some(browser_cookie) => Self {
                browser_cookie,
                new_cookie: None,
            },
            None => {
                let browser_cookie = BrowserCookie::generate();
                let new_cookie = Some(cookies.browser_cookie(&browser_cookie));
                Self {
                    browser_cookie,
                    new_cookie,
                }
            }
        }))
    }
}
