//! Whether a request that changes something was sent by the host's own pages, or by those of another origin: the door's cookie
//! comes along from every host of the same site (`SameSite=Lax`), and from all of them with a WebSocket.

use crate::access::routes::AppHost;

/// What a browser says of where a request comes from. Programs say nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'r> {
    /// `Origin` (RFC 6454 §7).
    pub origin: Option<&'r [u8]>,
    /// `Sec-Fetch-Site` (Fetch Metadata §2.3).
    pub fetch_site: Option<&'r [u8]>,
    /// Whether it opens a WebSocket, by which more is sent later (RFC 6455 §4.1).
    pub opens_socket: bool,
}

impl Sender<'_> {
    /// Whether a request may change something at the host, and another origin's page has it sent.
    pub fn is_foreign(&self, host: &AppHost, method: &str) -> bool {
        let is_safe = matches!(method, "GET" | "HEAD" | "OPTIONS") && !self.opens_socket;
        if is_safe {
            return false;
        }
        // A page with `Referrer-Policy: no-referrer` sends its own forms with the origin `null` (Fetch §3.2).
        let is_own = |origin: &[u8]| {
            origin == host.origin().as_bytes()
                || (origin == b"null" && self.fetch_site == Some(b"same-origin"))
        };
        let is_elsewhere = self.origin.is_some_and(|origin| !is_own(origin));
        // `none`: the person themself, by the address bar.
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
    fn only_the_hosts_own_pages_and_programs_change_anything() {
        let place = Origin::parse("https://id.example.com").expect("an origin");
        let host = AppHost::parse("shop.example.com", &place).expect("a host");
        let sent = |origin: &'static str, site: &'static str, method, opens_socket| {
            let said = |text: &'static str| (!text.is_empty()).then_some(text.as_bytes());
            let sender = Sender {
                origin: said(origin),
                fetch_site: said(site),
                opens_socket,
            };
            sender.is_foreign(&host, method)
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
