//! Creates forward-auth sessions by following the redirects that a browser follows.

use crate::fixture::PROTECTED_HOST;
use crate::support::http::{TestBrowser, form_encoded};

/// Name of the session cookie on the protected host.
pub const SESSION_COOKIE: &str = "__Host-doorward-forward-auth";

/// Signs a browser with an active session in at the protected host, and returns the value of that host's session cookie.
pub fn create(browser: &TestBrowser, path: &str) -> String {
    let host_browser = browser.without_cookies();
    let redirect_from_host = |path: &str| {
        let response = host_browser
            .request("GET", path)
            .without_same_origin()
            .header("Host", PROTECTED_HOST)
            .header("X-Forwarded-Host", PROTECTED_HOST)
            .header("X-Forwarded-Proto", "https")
            .header("Accept", "text/html")
            .send();
        let location = response.header("location").map(str::to_owned);
        location.unwrap_or_else(|| panic!("no redirect: {response:?}"))
    };
    // 1. The protected host redirects to Doorward.
    let start = redirect_from_host(&format!("/.doorward/login?to={}", form_encoded(path)));
    let start = start
        .strip_prefix(browser.origin())
        .expect("a redirect to Doorward");
    // 2. Doorward redirects to the host with a hand-off code.
    let response = browser.get(start);
    let callback = response
        .header("location")
        .expect("a redirect with a hand-off code");
    let callback = callback.strip_prefix(&format!("https://{PROTECTED_HOST}"));
    // 3. The host sets its cookie and redirects to the requested path.
    let destination = redirect_from_host(callback.expect("a redirect to the protected host"));
    assert_eq!(destination, path);
    host_browser
        .cookie(SESSION_COOKIE)
        .expect("the cookie of a forward-auth session")
}
