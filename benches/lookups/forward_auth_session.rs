//! The way through the door of the protected host, as a browser goes it.

use crate::fixture::HOST;
use crate::support::http::{TestBrowser, form_encoded};

/// The cookie of the protected host's own.
pub const SESSION_COOKIE: &str = "__Host-doorward-forward-auth";

/// From the protected host to Doorward, where the person is signed in, and back: the value of the host's cookie.
pub fn enter(browser: &TestBrowser, path: &str) -> String {
    let shop = browser.without_cookies();
    let at_the_host = |path: &str| {
        let request = shop.request("GET", path).without_same_origin();
        let request = request
            .header("Host", HOST)
            .header("X-Forwarded-Host", HOST);
        let answer = request
            .header("X-Forwarded-Proto", "https")
            .header("Accept", "text/html")
            .send();
        let location = answer.header("location").map(str::to_owned);
        location.unwrap_or_else(|| panic!("no way in: {answer:?}"))
    };
    let begun = at_the_host(&format!("/.doorward/login?to={}", form_encoded(path)));
    let onward = begun.strip_prefix(browser.origin()).expect("to Doorward");
    let answer = browser.get(onward);
    let ticket = answer.header("location").expect("a ticket");
    let back = ticket.strip_prefix(&format!("https://{HOST}"));
    assert_eq!(at_the_host(back.expect("to the host")), path);
    shop.cookie(SESSION_COOKIE).expect("a door")
}
