//! Detects cross-origin writes. Browsers send the cookie of a forward-auth session also from other hosts of the same site
//! (`SameSite=Lax`), and with WebSocket handshakes, which CORS doesn't restrict.

use super::routes::AppHost;

/// A browser's information about the origin of a request. Other programs usually send none.
#[derive(Clone, Copy, Debug, Default)]
pub struct FetchMetadata<'r> {
    /// `Origin` (RFC 6454 §7).
    pub origin: Option<&'r [u8]>,
    /// `Sec-Fetch-Site` (Fetch Metadata §2.3).
    pub fetch_site: Option<&'r [u8]>,
    /// Whether the request opens a WebSocket, over which data is sent later (RFC 6455 §4.1).
    pub opens_websocket: bool,
}

impl FetchMetadata<'_> {
    /// Whether the request may change something at the host and was sent by another origin's page.
    pub fn is_cross_origin_write(&self, host: &AppHost, method: &str) -> bool {
        let is_safe = matches!(method, "GET" | "HEAD" | "OPTIONS") && !self.opens_websocket;
        if is_safe {
            return false;
        }
        // A page with `Referrer-Policy: no-referrer` submits its own forms with the origin `null` (Fetch §3.2).
        let is_own = |origin: &[u8]| {
            origin == host.origin().as_bytes()
                || (origin == b"null" && self.fetch_site == Some(b"same-origin"))
        };
        let is_elsewhere = self.origin.is_some_and(|origin| !is_own(origin));
        // `none`: the user navigated directly, for example from the address bar.
        let is_other = self
            .fetch_site
            .is_some_and(|site| site != b"same-origin" && site != b"none");
        is_elsewhere || is_other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::Origin;

    #[test]
    fn only_same_origin_pages_and_programs_may_write() {
        let place = Origin::parse("https://id.example.com").expect("an origin");
        let host = AppHost::parse("shop.example.com", &place).expect("a host");
        let sent = |origin: &'static str, site: &'static str, method, opens_websocket| {
            let said = |text: &'static str| (!text.is_empty()).then_some(text.as_bytes());
            let fetch_metadata = FetchMetadata {
                origin: said(origin),
                fetch_site: said(site),
                opens_websocket,
            };
            fetch_metadata.is_cross_origin_write(&host, method)
        };
        let own = "https://shop.example.com";
        for (origin, site) in [
            ("", ""),
            (own, ""),
            (own, "same-origin"),
            ("", "same-origin"),
            ("", "none"),
            ("null", "same-origin"),
        ] {
            assert!(!sent(origin, site, "POST", false), "{origin} {site}");
            assert!(!sent(origin, site, "GET", true), "{origin} {site}");
        }
        for (origin, site) in [
            ("https://wiki.example.com", ""),
            ("http://shop.example.com", ""),
            ("https://shop.example.com:8443", ""),
            ("null", ""),
            ("null", "cross-site"),
            ("", "same-site"),
            ("", "cross-site"),
            (own, "same-site"),
            ("https://evil.example", "same-origin"),
            ("", "what-comes-next"),
        ] {
            for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "REPORT"] {
                assert!(
                    sent(origin, site, method, false),
                    "{origin} {site} {method}"
                );
            }
            assert!(sent(origin, site, "GET", true), "{origin} {site}");
            assert!(!sent(origin, site, "GET", false), "{origin} {site}");
        }
    }
}
