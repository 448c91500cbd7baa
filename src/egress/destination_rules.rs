//! The rules for outgoing calls: checks the URL, and each address of its host.

use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use super::failure::EgressError;
use super::special_addresses::{destination, special};
use crate::base::config::Network;

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Unencrypted.
    Http,
    /// Encrypted with TLS.
    Https,
}

/// `egress.allowed_networks`, and the rules for all other addresses.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    allowed: Arc<[Network]>,
}

impl Rules {
    pub(super) fn new(allowed: &[Network]) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// Parses a URL and checks everything that can be checked without resolving its host name.
    pub(super) fn check(&self, text: &str) -> Result<(Url, Scheme), EgressError> {
        let refused = |reason| Err(EgressError::Refused { reason });
        let Ok(url) = Url::parse(text) else {
            return refused("not a URL");
        };
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return refused("must be http or https"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refused("the URL contains a username");
        }
        let checked = match url.host() {
            None => Err("no host"),
            Some(Host::Ipv4(address)) => self.check_address(address.into(), scheme),
            Some(Host::Ipv6(address)) => self.check_address(address.into(), scheme),
            Some(Host::Domain(_)) if scheme == Scheme::Http && self.allowed.is_empty() => {
                Err(CLEARTEXT_NOT_ALLOWED)
            }
            Some(Host::Domain(_)) => Ok(()),
        };
        match checked {
            Ok(()) => Ok((url, scheme)),
            Err(reason) => refused(reason),
        }
    }

    /// Checks one address.
    pub(super) fn check_address(
        &self,
        address: IpAddr,
        scheme: Scheme,
    ) -> Result<(), &'static str> {
        let reached = destination(address);
        let mut allowed = self.allowed.iter();
        if allowed.any(|network| network.contains(address) || network.contains(reached)) {
            return Ok(());
        }
        match (special(address), scheme) {
            (Some(name), _) => Err(name),
            (None, Scheme::Http) => Err(CLEARTEXT_NOT_ALLOWED),
            (None, Scheme::Https) => Ok(()),
        }
    }

    /// Returns those of a host's addresses that may be called; the reason, if none may.
    pub(super) fn allowed_addresses(
        &self,
        addresses: &[IpAddr],
        scheme: Scheme,
    ) -> Result<Vec<IpAddr>, &'static str> {
        let mut allowed = Vec::new();
        let mut refusal = "the host has no address";
        for address in addresses {
            match self.check_address(*address, scheme) {
                Ok(()) => allowed.push(*address),
                Err(reason) => refusal = reason,
            }
        }
        if allowed.is_empty() {
            return Err(refusal);
        }
        Ok(allowed)
    }
}

const CLEARTEXT_NOT_ALLOWED: &str = "http is only allowed to networks in egress.allowed_networks";

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(networks: &[&str]) -> Rules {
        let parsed = networks.iter().map(|text| Network::parse(text));
        let parsed: Result<Vec<Network>, String> = parsed.collect();
        Rules::new(&parsed.expect("networks"))
    }

    fn refusal(rules: &Rules, url: &str) -> Option<&'static str> {
        match rules.check(url) {
            Ok(_) => None,
            Err(EgressError::Refused { reason }) => Some(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn invalid_urls_are_refused_before_resolution() {
        let rules = rules(&[]);
        for (url, reason) in [
            ("", "not a URL"),
            ("app.example.com/logout", "not a URL"),
            ("ftp://app.example.com/", "must be http or https"),
            ("file:///etc/passwd", "must be http or https"),
            ("javascript:alert(1)", "must be http or https"),
            (
                "https://ada@app.example.com/",
                "the URL contains a username",
            ),
            (
                "https://ada:secret@app.example.com/",
                "the URL contains a username",
            ),
            (
                "https://:secret@app.example.com/",
                "the URL contains a username",
            ),
            ("https://", "not a URL"),
            ("http://app.example.com/", CLEARTEXT_NOT_ALLOWED),
            ("http://1.1.1.1/", CLEARTEXT_NOT_ALLOWED),
            ("https://127.0.0.1/", "a loopback address"),
            // Other notations of the same address.
            ("https://2130706433/", "a loopback address"),
            ("https://0x7f.1/", "a loopback address"),
            ("https://0177.0.0.1/", "a loopback address"),
            ("https://127.0.0.1./", "a loopback address"),
            ("https://１２７.0.0.1/", "a loopback address"),
            ("https://[::1]:8443/", "a loopback address"),
            ("https://[::ffff:10.0.0.1]/", "a private address"),
            ("https://169.254.169.254/latest/", "a link-local address"),
        ] {
            assert_eq!(refusal(&rules, url), Some(reason), "{url}");
        }
        for url in [
            "https://app.example.com/logout?a=b",
            "https://app.example.com:8443/logout",
            "https://1.1.1.1/",
            // Host names are resolved and checked when the call is made.
            "https://localhost/",
        ] {
            assert_eq!(refusal(&rules, url), None, "{url}");
        }
    }

    #[test]
    fn allowed_networks_may_be_called_without_tls() {
        let rules = rules(&["10.1.0.0/16", "fd00:1::/32"]);
        for url in [
            "http://10.1.2.3/",
            "https://10.1.2.3/",
            "https://[::ffff:10.1.2.3]/",
            "https://[64:ff9b::10.1.2.3]/",
            "http://[fd00:1::5]/",
            "http://app.internal/",
            "https://1.1.1.1/",
        ] {
            assert_eq!(refusal(&rules, url), None, "{url}");
        }
        assert_eq!(
            refusal(&rules, "https://10.2.0.1/"),
            Some("a private address")
        );
        assert_eq!(
            refusal(&rules, "https://[fd00:2::5]/"),
            Some("a private address")
        );
        assert_eq!(
            refusal(&rules, "http://1.1.1.1/"),
            Some(CLEARTEXT_NOT_ALLOWED)
        );
    }

    #[test]
    fn only_allowed_addresses_of_a_name_are_called() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mixed = ["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"].map(address);
        let public = vec![address("1.1.1.1"), address("2606:4700::1")];
        assert_eq!(
            rules(&[]).allowed_addresses(&mixed, Scheme::Https),
            Ok(public)
        );
        let open = rules(&["10.0.0.0/8"]).allowed_addresses(&mixed, Scheme::Http);
        assert_eq!(open, Ok(vec![address("10.0.0.1")]));
        let none = rules(&[]).allowed_addresses(&["10.0.0.1"].map(address), Scheme::Https);
        assert_eq!(none, Err("a private address"));
        let nothing = rules(&[]).allowed_addresses(&[], Scheme::Https);
        assert_eq!(nothing, Err("the host has no address"));
    }
}
