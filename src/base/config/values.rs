//! Types of configuration values, and their parsers.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use serde::Deserialize;
use tracing_appender::rolling::Rotation;
use url::{Host, Url};

use crate::base::uri::parse_exact;

/// A web origin, `scheme://host[:port]`, stored in the exact form that browsers send.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    url: Url,
}

impl Origin {
    /// Parses an origin: https, or http only on `localhost`; no user, path, query or fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let repaired = Url::parse(text).map_err(|fault| format!("not a URL: {fault}"))?;
        let url = parse_exact(text)
            .ok_or_else(|| format!("is not in its normal form: write {repaired}"))?;
        let Some(Host::Domain(host)) = url.host() else {
            return Err("needs a host name (an address can't carry passkeys)".into());
        };
        match url.scheme() {
            "https" => {}
            "http" if host == "localhost" => {}
            _ => return Err("must be https (http only for localhost)".into()),
        }
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err("must be scheme, host and port only, without a path".into());
        }
        let text = url.origin().ascii_serialization();
        Ok(Self { text, url })
    }

    /// Returns the form that browsers write in `Origin` and in client data.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host name.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns the host, with the port unless it is the scheme's default, as in the `Host` header.
    pub fn authority(&self) -> &str {
        self.text
            .split_once("://")
            .map_or(self.text.as_str(), |(_, authority)| authority)
    }

    /// Whether the scheme is https, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the origin as a URL with the path `/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL of a path on this origin; `path` begins with `/`.
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

/// Parses a domain name, in lower case and without a port.
pub(super) fn parse_domain(text: &str) -> Result<String, String> {
    match Host::parse(text) {
        Ok(Host::Domain(domain)) if domain == text => Ok(domain),
        _ => Err("must be a domain name in lower case, such as example.com".into()),
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// An IP address, or a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Parses `10.0.0.0/8`, `::1/128` or a single address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("{text:?} is not an address or network"))?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= longest)
                .ok_or_else(|| format!("{text:?} must have a prefix length of 0 to {longest}"))?,
        };
        Ok(Self { address, prefix })
    }

    /// Whether the network contains `address`; an IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Returns the unit that a provider assigns to one subscriber: an IPv4 address, or the /64 of an IPv6 address.
    pub fn of_subscriber(address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        }
    }
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Parses how often a new log file is started: `minutely`, `hourly`, `daily` or `never`.
pub(super) fn parse_rotation(text: &str) -> Result<Rotation, String> {
    match text {
        "minutely" => Ok(Rotation::MINUTELY),
        "hourly" => Ok(Rotation::HOURLY),
        "daily" => Ok(Rotation::DAILY),
        "never" => Ok(Rotation::NEVER),
        _ => Err("must be minutely, hourly, daily or never".into()),
    }
}

/// How search responses identify users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectId {
    /// By user ID.
    Id,
    /// By username.
    Username,
}

/// Checks a log filter: the minimum level, and filters of single modules.
pub(super) fn parse_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|fault| format!("must be a log filter: {fault}"))
}

/// Parses `500ms`, `30s`, `15m`, `12h`, `30d`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let fault = || format!("{text:?} is not a duration such as 30s, 15m, 12h or 30d");
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .ok_or_else(fault)?;
    let (amount, unit) = text.split_at(digits);
    let amount: u64 = amount.parse().map_err(|_| fault())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(fault()),
    };
    match amount.checked_mul(milliseconds) {
        Some(0) => Err("must be longer than 0".into()),
        Some(total) if total <= 400 * 86_400_000 => Ok(Duration::from_millis(total)),
        Some(_) | None => Err("must be at most 400 days".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_or_localhost_and_nothing_more() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443",
            "http://localhost:8080",
            "https://id.example.com/",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "https://id.example.com/login",
            "https://user@id.example.com",
            "https://192.0.2.1",
            "https://[::1]",
            "http://127.0.0.1:8080",
            "id.example.com",
            "ftp://localhost",
            "https://id.example.com?x",
            "https:/id.example.com",
            "https:id.example.com",
            "https:///id.example.com",
            "https://ID.example.com/",
            "https://id.example.com:443",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        let origin = Origin::parse("https://id.example.com/").expect("good");
        assert_eq!(origin.as_str(), "https://id.example.com");
        assert_eq!(origin.authority(), "id.example.com");
    }

    #[test]
    fn a_network_contains_its_addresses() {
        let network = Network::parse("10.1.0.0/16").expect("good");
        assert!(network.contains("10.1.200.3".parse().expect("address")));
        assert!(network.contains("::ffff:10.1.0.9".parse().expect("address")));
        assert!(!network.contains("10.2.0.1".parse().expect("address")));
        assert!(!network.contains("2001:db8::1".parse().expect("address")));
        let all = Network::parse("0.0.0.0/0").expect("good");
        assert!(all.contains(IpAddr::from([127, 0, 0, 1])));
        assert!(Network::parse("10.0.0.0/33").is_err());
        assert!(Network::parse("proxy").is_err());
    }

    #[test]
    fn durations_have_a_unit_and_a_limit() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in [
            "",
            "15",
            "m",
            "0s",
            "1y",
            "9999999999d",
            "-5s",
            "401d",
            "1.5h",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
