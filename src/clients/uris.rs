//! Validates URIs in client metadata other than redirect URIs: pages, endpoints that Doorward calls, origins, resource servers.

use url::{Host, Url};

use crate::base::uri::parse_exact;

/// Maximum length of a URI in bytes; URIs are ASCII.
pub(super) const MAX_LEN: usize = 2_000;

/// Parses an absolute URI that is in normal form and has no username or password.
pub(super) fn parse_uri(text: &str) -> Option<Url> {
    let is_plain = text.len() <= MAX_LEN
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
    let url = parse_exact(text).filter(|_| is_plain)?;
    (url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Whether browsers may be sent to the URI: `https`, or `http` on this machine, so no scheme that could run scripts.
pub(super) fn is_page(text: &str) -> bool {
    parse_uri(text).is_some_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    })
}

/// Whether the host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the URI is a valid endpoint. Whether Doorward may call it is checked when it does.
pub(super) fn is_endpoint(text: &str) -> bool {
    let is_http = |url: Url| matches!(url.scheme(), "https" | "http");
    // OpenID Connect Back-Channel Logout §2.2: absolute, without fragment.
    !text.contains('#') && parse_uri(text).is_some_and(is_http)
}

/// Whether the text is a web origin (RFC 6454 §6.2) as browsers and native shells send it. `http` is accepted only for this
/// machine; local files and generated documents have no origin that belongs to one app.
pub(super) fn is_origin(text: &str) -> bool {
    const OPAQUE_ORIGIN_SCHEMES: [&str; 6] =
        ["about", "blob", "data", "file", "filesystem", "javascript"];
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let is_bare = !authority.is_empty() && !authority.contains(['/', '?', '#', '@', '*']);
    let Some(url) = parse_uri(text).filter(|_| is_bare && !OPAQUE_ORIGIN_SCHEMES.contains(&scheme))
    else {
        return false;
    };
    match scheme {
        "https" => url.origin().ascii_serialization() == text,
        "ws" | "wss" | "ftp" => false,
        "http" => is_loopback(&url) && url.origin().ascii_serialization() == text,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for good in [
            "https://app.example",
            "https://app.example:8443",
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example",
            "https://app.example/",
            "https://app.example/x",
            "https://app.example?x",
            "https://app.example#x",
            "https://app.example:443",
            "https://App.example",
            "https://me@app.example",
            "https://*.example",
            "https://",
            "https:app.example",
            "http://app.example",
            "ws://localhost",
            "file://",
            "file://localhost",
            "blob://x",
            "data://x",
            "javascript://x",
            "capacitor://",
            "capacitor://local host",
            "CAPACITOR://localhost",
            "https://a.example, https://b.example",
        ] {
            assert!(!is_origin(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_page_url_must_be_https() {
        for good in [
            "https://app.example/a?b#c",
            "http://localhost:3000/",
            "http://127.0.0.1",
        ] {
            assert!(is_page(good), "{good}");
        }
        for bad in [
            "",
            "/about",
            "http://app.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "HTTPS:app.example",
            "https:app.example",
            "https:/app.example",
            "https:///app.example",
            "https://App.example/",
            " https://app.example/",
            "https://me:secret@app.example/",
            "https://app.example/ x",
            "https://app.example/\u{202E}",
        ] {
            assert!(!is_page(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_endpoint_url_is_http_or_https_in_normal_form() {
        for good in [
            "https://app.example/logout?a=b",
            "http://10.0.0.7:8080/logout",
        ] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in [
            "/logout",
            "ftp://app.example/",
            "https://app.example/#x",
            "https://",
            "https://u@x/",
            "https:/app.example/logout",
            "https://app.example:443/logout",
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }
}
