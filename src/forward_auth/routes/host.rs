//! A protected host: its name as browsers send it, and its scheme.

use crate::base::config::Origin;

/// Host, with the port if it isn't the scheme's default, as browsers write it in `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHost {
    authority: String,
    is_https: bool,
}

impl AppHost {
    /// Parses a configured host. It uses https, except for `localhost` and names below it if Doorward's own URL is
    /// on `http://localhost`.
    pub fn parse(text: &str, public_url: &Origin) -> Result<Self, &'static str> {
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        if !is_name(name) {
            return Err("must be a host name in lower case, such as shop.example.com");
        }
        let is_local = name == "localhost" || name.ends_with(".localhost");
        let is_https = public_url.is_https() || !is_local;
        let own = if is_https { "443" } else { "80" };
        let is_port = |port: &str| {
            port.parse::<u16>()
                .is_ok_and(|number| number > 0 && number.to_string() == port)
        };
        match port {
            Some(port) if port == own => {
                return Err("must not contain the scheme's default port");
            }
            Some(port) if !is_port(port) => return Err("has an invalid port"),
            Some(_) | None => {}
        }
        // Cookies ignore ports: an application at another port of Doorward's host could set Doorward's cookies.
        let is_own_name = is_https && name == public_url.host();
        if is_own_name || text == public_url.authority() {
            return Err("is Doorward's own host");
        }
        Ok(Self {
            authority: text.to_owned(),
            is_https,
        })
    }

    /// The host without its port, which is all that cookies and many proxies distinguish.
    pub fn name(&self) -> &str {
        let (name, _) = self
            .authority
            .split_once(':')
            .unwrap_or((&self.authority, ""));
        name
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether the host uses https. Only names on the local machine may use http.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// The origin as browsers write it in `Origin`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// The URL of a path, which must begin with `/`.
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}

/// Whether the text is a host name in lower case (RFC 1123 §2.1).
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_normalized_as_browsers_do() {
        let public_url = Origin::parse("https://id.example.com").expect("an origin");
        for good in [
            "shop.example.com",
            "shop.example.com:8443",
            "a.localhost",
            "x-1",
            "192.0.2.1",
            "shop.example.com:80",
        ] {
            let host = AppHost::parse(good, &public_url).expect(good);
            assert_eq!(host.origin(), format!("https://{good}"));
        }
        for bad in [
            "",
            "Shop.example.com",
            "shop.example.com:443",
            "shop.example.com:",
            "shop.example.com:0",
            "a:65536",
            "a:080",
            "a..b",
            ".a",
            "a.",
            "-a",
            "a-",
            "a/b",
            "a b",
            "ä",
            "*",
            "[::1]",
            "user@a",
            "https://a",
            "id.example.com",
            "id.example.com:8443",
            "a:1:2",
        ] {
            assert!(AppHost::parse(bad, &public_url).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_names_are_allowed_without_tls() {
        let public_url = Origin::parse("http://localhost:8080").expect("an origin");
        let origin = |text| AppHost::parse(text, &public_url).expect("a host").origin();
        assert_eq!(origin("localhost:9000"), "http://localhost:9000");
        assert_eq!(origin("shop.localhost:9000"), "http://shop.localhost:9000");
        assert_eq!(origin("shop.example.com"), "https://shop.example.com");
        assert_eq!(origin("evil-localhost"), "https://evil-localhost");
        assert!(AppHost::parse("localhost:8080", &public_url).is_err());
        assert!(AppHost::parse("localhost:80", &public_url).is_err());
    }
}
