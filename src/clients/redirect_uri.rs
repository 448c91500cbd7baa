//! Redirect URIs: how they are validated at registration and compared with the URIs in requests.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::ApplicationType;
use super::invalid_field::FieldErrorKind;
use super::uris::is_loopback;
use crate::base::uri::parse_exact;

/// A registered redirection URI (RFC 6749 §3.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Parses a redirect URI and checks that it may be registered.
    pub fn parse(text: &str) -> Result<Self, FieldErrorKind> {
        if text.len() > 2_000 {
            return Err(FieldErrorKind::RedirectTooLong);
        }
        // RFC 6749 §3.1.2: no fragment.
        if text.contains('#') {
            return Err(FieldErrorKind::RedirectFragment);
        }
        if text.contains('*') {
            return Err(FieldErrorKind::RedirectWildcard);
        }
        let is_plain = !text.contains(['\\', '"', '<', '>']);
        let url = parse_exact(text).filter(|_| is_plain);
        let url = url.ok_or(FieldErrorKind::RedirectNotAbsolute)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FieldErrorKind::RedirectUserInfo);
        }
        let is_safe = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => is_loopback(&url),
            // RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it has a dot.
            scheme => scheme.contains('.'),
        };
        if is_safe {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldErrorKind::RedirectScheme)
        }
    }

    /// The URI as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the presented URI is exactly this one (so `https://app.example` and `https://app.example/` differ). For a native
    /// app's loopback URI, any port matches (RFC 8252 §7.3), and an empty path equals the path `/` (RFC 3986 §6.2.3).
    pub fn matches(&self, presented: &str, application: ApplicationType) -> bool {
        if Self::parse(&self.0).is_err() {
            return false;
        }
        if self.0 == presented {
            return true;
        }
        application == ApplicationType::Native
            && matches!(
                (without_loopback_port(&self.0), without_loopback_port(presented)),
                (Some(ours), Some(theirs)) if ours == theirs
            )
    }

    /// Whether this is an `http` URI on a loopback address, where only programs on the user's own device can listen.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
    }

    /// The web origin of the page that the URI leads to; `None` for a private-use scheme.
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        let origin = url.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

/// Splits an `http` loopback URI into its host and its path without the port and the first slash, otherwise byte for byte;
/// `None` for every other URI.
fn without_loopback_port(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let host = ["127.0.0.1", "[::1]", "localhost"]
        .into_iter()
        .find(|host| authority.starts_with(host))?;
    let port = authority.strip_prefix(host)?;
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
    is_port.then_some((host, path.strip_prefix('/').unwrap_or(path)))
}

/// Deserialises a stored URI without validation. A URI that could no longer be registered is still read, so that its client can be
/// listed and updated, but it matches nothing.
impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_redirect_uris_can_be_registered() {
        for good in [
            "https://app.example.com/callback",
            "https://app.example.com/callback?tenant=1",
            "http://localhost:3000/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:8/callback",
            "com.example.app:/callback",
            "https://app.example.com",
            "https://app.example.com?tenant=1",
        ] {
            assert!(RedirectUri::parse(good).is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("/callback", FieldErrorKind::RedirectNotAbsolute),
            ("https:/cb", FieldErrorKind::RedirectNotAbsolute),
            ("https:cb/x", FieldErrorKind::RedirectNotAbsolute),
            ("https:///cb", FieldErrorKind::RedirectNotAbsolute),
            (
                "https://App.example.com/",
                FieldErrorKind::RedirectNotAbsolute,
            ),
            ("http:/localhost/cb", FieldErrorKind::RedirectNotAbsolute),
            ("https://*.example.com/", FieldErrorKind::RedirectWildcard),
            (
                "https://app.example.com/*",
                FieldErrorKind::RedirectWildcard,
            ),
            (
                "https://app.example.com/#x",
                FieldErrorKind::RedirectFragment,
            ),
            (
                "https://me@app.example.com/",
                FieldErrorKind::RedirectUserInfo,
            ),
            ("http://app.example.com/", FieldErrorKind::RedirectScheme),
            (
                "http://localhost.example.com/",
                FieldErrorKind::RedirectScheme,
            ),
            ("javascript:alert(1)", FieldErrorKind::RedirectScheme),
            ("data:text/html,x", FieldErrorKind::RedirectScheme),
            ("myapp:/callback", FieldErrorKind::RedirectScheme),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn redirect_uris_are_compared_exactly() {
        let web = RedirectUri::parse("https://app.example.com/callback").expect("an address");
        assert!(web.matches("https://app.example.com/callback", ApplicationType::Web));
        for other in [
            "https://app.example.com/callback/",
            "https://app.example.com/callback?x",
            "https://app.example.com/Callback",
            "https://app.example.com:443/callback",
            "https://app.example.com/callback#",
            "https://app.example.com.evil.example/callback",
        ] {
            assert!(!web.matches(other, ApplicationType::Web), "{other}");
        }
    }

    #[test]
    fn a_stored_uri_that_could_no_longer_be_registered_matches_nothing() {
        let stored: RedirectUri = serde_json::from_str("\"https:/cb\"").expect("a text");
        assert_eq!(stored.as_str(), "https:/cb");
        assert!(!stored.matches("https:/cb", ApplicationType::Web));
    }

    #[test]
    fn a_uri_without_a_path_differs_from_one_with_the_path_slash() {
        let bare = RedirectUri::parse("https://app.example.com").expect("an address");
        assert!(bare.matches("https://app.example.com", ApplicationType::Web));
        assert!(!bare.matches("https://app.example.com/", ApplicationType::Web));
    }

    #[test]
    fn a_native_apps_loopback_uri_may_differ_only_in_the_port() {
        let native = RedirectUri::parse("http://127.0.0.1/callback").expect("an address");
        assert!(native.matches("http://127.0.0.1:49152/callback", ApplicationType::Native));
        assert!(!native.matches("http://127.0.0.1:49152/callback", ApplicationType::Web));
        for other in [
            "http://127.0.0.1:49152/other",
            "http://127.0.0.1:49152//callback",
            "http://127.0.0.1:49152?callback",
            "http://127.0.0.1:49152@evil.example/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost:49152/callback",
            "https://127.0.0.1:49152/callback",
        ] {
            assert!(!native.matches(other, ApplicationType::Native), "{other}");
        }
    }

    #[test]
    fn an_empty_loopback_path_equals_the_path_slash() {
        for registered in [
            "http://localhost",
            "http://localhost/",
            "http://localhost:8080",
        ] {
            let native = RedirectUri::parse(registered).expect("an address");
            for presented in [
                "http://localhost",
                "http://localhost:4000",
                "http://localhost:4000/",
            ] {
                assert!(
                    native.matches(presented, ApplicationType::Native),
                    "{registered} {presented}"
                );
            }
            for other in [
                "http://localhost:4000/x",
                "http://localhost:4000//",
                "http://localhost:4000?x",
                "http://127.0.0.1:4000/",
            ] {
                assert!(
                    !native.matches(other, ApplicationType::Native),
                    "{registered} {other}"
                );
            }
        }
        let web = RedirectUri::parse("http://localhost").expect("an address");
        assert!(!web.matches("http://localhost/", ApplicationType::Web));
    }
}
