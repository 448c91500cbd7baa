//! Absolute URIs in normal form. Browsers repair malformed URIs (`https:/cb` becomes `https://cb/`), so texts that two parsers
//! could read differently are refused here.

use url::{Position, Url};

/// Schemes whose URIs have an authority (RFC 9110 §4.2, RFC 6455 §3). Browsers add it where it is missing.
const WITH_AUTHORITY: [&str; 4] = ["https", "http", "wss", "ws"];

/// Parses an absolute URI (RFC 3986 §4.3, a fragment is allowed) that needs no repair: it equals its serialization, except that
/// an empty path is serialized as `/`.
pub fn parse_exact(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let scheme = url.scheme();
    let rest = text.strip_prefix(scheme)?.strip_prefix(':')?;
    if WITH_AUTHORITY.contains(&scheme) {
        // RFC 3986 §3: an authority follows two slashes. Here it must not be empty.
        let authority = rest.strip_prefix("//")?;
        if authority.is_empty() || authority.starts_with(['/', '?', '#']) {
            return None;
        }
    }
    let is_exact = url.as_str() == text || (url.path() == "/" && without_path(&url) == text);
    is_exact.then_some(url)
}

fn without_path(url: &Url) -> String {
    let before = &url[..Position::BeforePath];
    let after = &url[Position::AfterPath..];
    format!("{before}{after}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uri_that_needs_no_normalization_is_accepted() {
        for good in [
            "https://app.example",
            "https://app.example/",
            "https://app.example?a=b",
            "https://app.example:8443/a/b?c=d#e",
            "http://localhost:3000/callback",
            "http://[::1]:8/callback",
            "com.example.app:/callback",
            "com.example.app://callback",
            "urn:example:service",
            "https://app.example/a%20b",
        ] {
            assert!(parse_exact(good).is_some(), "{good}");
        }
    }

    #[test]
    fn a_uri_that_a_parser_would_normalize_is_refused() {
        for bad in [
            "https:/cb",
            "https:cb/x",
            "https:///cb",
            "https:////cb",
            "https:",
            "https://",
            "https:///",
            "https://?x",
            "https:\\\\cb",
            "https:/\\cb",
            "http:/localhost/cb",
            "http:localhost/cb",
            "HTTPS://app.example/cb",
            "https://App.example/cb",
            "https://app.example:443/cb",
            "https://app.example:/cb",
            "https://app.example:08443/cb",
            "https://app.example/a/../b",
            "https://app.example/a/./b",
            "https://app.example/%2e%2e/b",
            "https://app.example/a b",
            "https://app.example/\u{e4}",
            "https://\u{e4}.example/",
            "https://127.1/",
            "http://0x7f.0.0.1/",
            "https://@app.example/",
            " https://app.example/",
            "https://app.example/\t",
            "https://app.exa\nmple/",
            "Com.Example.App:/callback",
            "com.example.app:/a/../b",
            "/callback",
            "//app.example/",
            "",
        ] {
            assert!(parse_exact(bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        /// An accepted URI is read the same by every parser of RFC 3986: scheme and authority are those of the text.
        #[test]
        fn an_accepted_uri_is_parsed_as_written(text in "(https?|ws|com\\.example)?:?/{0,4}[a-zA-Z0-9.@:\\[\\]%?#/\\\\ -]{0,24}") {
            if let Some(url) = parse_exact(&text) {
                let (scheme, rest) = text.split_once(':').expect("a scheme");
                prop_assert_eq!(url.scheme(), scheme);
                if WITH_AUTHORITY.contains(&scheme) {
                    let rest = rest.strip_prefix("//").expect("an authority");
                    let authority = rest.split(['/', '?', '#']).next().expect("an authority");
                    prop_assert_eq!(url.authority(), authority);
                    prop_assert!(!authority.is_empty());
                }
                // Parsing it again, or resolving it against a base URL, returns the same URI.
                let base = Url::parse("https://issuer.example/oauth2/authorize").expect("a base");
                prop_assert_eq!(base.join(&text).expect("an absolute URI"), url.clone());
                prop_assert_eq!(parse_exact(url.as_str()), Some(url));
            }
        }
    }
}
