//! Client address of a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::{HttpRequest, web};

use super::Web;
use crate::base::config::Network;
use crate::history::{Actor, Author};

/// Returns the client's address. Behind a trusted proxy it is the last entry of `X-Forwarded-For` that is not a trusted proxy
/// itself; the client could have sent everything before that entry.
pub fn client_address(request: &HttpRequest) -> IpAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip())
        .to_canonical();
    let Some(web) = request.app_data::<web::Data<Web>>() else {
        return peer;
    };
    let lines: Vec<&[u8]> = request
        .headers()
        .get_all("x-forwarded-for")
        .map(|value| value.as_bytes())
        .collect();
    behind_proxies(peer, &lines, &web.trusted_proxies)
}

/// Returns whether a request came from a trusted proxy.
pub fn is_from_trusted_proxy(request: &HttpRequest) -> bool {
    let web = request.app_data::<web::Data<Web>>();
    web.zip(request.peer_addr()).is_some_and(|(web, peer)| {
        let address = peer.ip().to_canonical();
        web.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    })
}

/// Reads `X-Forwarded-For` from the right. An entry that is not an address ends the search, because the client may have sent
/// everything to the left of it.
fn behind_proxies(peer: IpAddr, lines: &[&[u8]], trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let entries = lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','));
    let mut address = peer;
    for entry in entries {
        if !is_trusted(address) {
            break;
        }
        match parse_entry(entry.trim_ascii()) {
            Some(next) => address = next.to_canonical(),
            None => break,
        }
    }
    address
}

/// Parses `address`, `address:port`, `[v6]` or `[v6]:port`; proxies use all of them.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        let address: Ipv6Addr = address.parse().ok()?;
        return is_whole.then_some(IpAddr::V6(address));
    }
    if let Ok(address) = entry.parse() {
        return Some(address);
    }
    let (address, port) = entry.split_once(':')?;
    let address: Ipv4Addr = address.parse().ok()?;
    is_port(port).then_some(IpAddr::V4(address))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns the author of the request's changes.
pub fn author(request: &HttpRequest, actor: Actor) -> Author {
    const MAX_USER_AGENT_LEN: usize = 300;
    let user_agent = request
        .headers()
        .get(actix_web::http::header::USER_AGENT)
        .map(|agent| String::from_utf8_lossy(agent.as_bytes()))
        .map(|agent| {
            agent
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_USER_AGENT_LEN)
                .collect()
        });
    Author {
        actor,
        address: Some(client_address(request).to_string()),
        user_agent,
        operator: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn trusted() -> [Network; 1] {
        [Network::parse("10.0.0.0/8").expect("a network")]
    }

    /// Client address behind the proxy 10.0.0.1, which sent these lines.
    fn visitor(lines: &[&[u8]]) -> IpAddr {
        behind_proxies(address("10.0.0.1"), lines, &trusted())
    }

    #[test]
    fn only_trusted_proxies_are_used() {
        let stranger = address("203.0.113.9");
        let proxy = address("10.0.0.1");
        // The header of an untrusted peer is ignored.
        let lines: [&[u8]; 1] = [b"198.51.100.1"];
        assert_eq!(behind_proxies(stranger, &lines, &trusted()), stranger);
        // The proxy's own entry counts; what the client wrote before it doesn't.
        assert_eq!(visitor(&[b"1.1.1.1, 203.0.113.9"]), stranger);
        assert_eq!(visitor(&[b"1.1.1.1", b"203.0.113.9"]), stranger);
        // Two proxies in a row.
        assert_eq!(visitor(&[b"203.0.113.9,\t10.0.0.2"]), stranger);
        assert_eq!(visitor(&[b"203.0.113.9", b"10.0.0.2"]), stranger);
        assert_eq!(visitor(&[]), proxy);
    }

    #[test]
    fn addresses_are_parsed_with_a_port_and_in_brackets() {
        for entry in ["203.0.113.9", "203.0.113.9:1", "203.0.113.9:65535"] {
            assert_eq!(
                visitor(&[entry.as_bytes()]),
                address("203.0.113.9"),
                "{entry}"
            );
        }
        for entry in ["2001:db8::9", "[2001:db8::9]", "[2001:db8::9]:443"] {
            assert_eq!(
                visitor(&[entry.as_bytes()]),
                address("2001:db8::9"),
                "{entry}"
            );
        }
        assert_eq!(
            visitor(&[b"[::ffff:203.0.113.9]:80"]),
            address("203.0.113.9")
        );
    }

    #[test]
    fn an_invalid_address_ends_the_walk_at_the_last_valid_one() {
        let unreadable: [&[u8]; 16] = [
            b"",
            b"unknown",
            b"_hidden",
            b"unix:",
            b"203.0.113.9:",
            b"203.0.113.9:x",
            b"203.0.113.9:+1",
            b"203.0.113.9:65536",
            b"[2001:db8::9",
            b"2001:db8::9]",
            b"[2001:db8::9]x",
            b"[203.0.113.9]:80",
            b"[2001:db8::9]:",
            b"fe80::1%eth0",
            b"203.0.113.9 10.0.0.2",
            b"\xff",
        ];
        for entry in unreadable {
            let line = [b"198.51.100.1, ", entry, b", 10.0.0.2"].concat();
            assert_eq!(visitor(&[&line]), address("10.0.0.2"), "{entry:?}");
            assert_eq!(
                visitor(&[b"198.51.100.1", entry]),
                address("10.0.0.1"),
                "{entry:?}"
            );
        }
        // An invalid byte from the client doesn't hide its address.
        assert_eq!(visitor(&[b"\xe4, 203.0.113.9"]), address("203.0.113.9"));
        assert_eq!(visitor(&[b"\xe4", b"203.0.113.9"]), address("203.0.113.9"));
    }

    proptest! {
        /// Whatever a client sends, the entry that the trusted proxy added counts, in any notation.
        #[test]
        fn no_header_of_a_client_changes_its_address(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4),
            seen in any::<[u8; 16]>(), is_v4: bool, port in proptest::option::of(any::<u16>()), own_line: bool,
        ) {
            let [a, b, c, d, ..] = seen;
            let seen = if is_v4 { IpAddr::from([a | 64, b, c, d]) } else { IpAddr::from(seen) };
            prop_assume!(!trusted().iter().any(|network| network.contains(seen.to_canonical())));
            let entry = match (seen, port) {
                (IpAddr::V4(seen), Some(port)) => format!("{seen}:{port}"),
                (IpAddr::V6(seen), Some(port)) => format!("[{seen}]:{port}"),
                (seen, None) => seen.to_string(),
            };
            let mut lines = sent;
            match lines.last_mut() {
                Some(last) if !own_line => {
                    last.extend_from_slice(b", ");
                    last.extend_from_slice(entry.as_bytes());
                }
                _ => lines.push(entry.into_bytes()),
            }
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(visitor(&lines), seen.to_canonical());
        }

        /// No entry causes a panic or is parsed as an address that it doesn't contain.
        #[test]
        fn an_entry_is_a_valid_address_or_ignored(entry in proptest::collection::vec(any::<u8>(), 0..50)) {
            if let Some(read) = parse_entry(&entry) {
                let text = String::from_utf8(entry).expect("an address is text");
                let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
                let bare = bare.map(str::to_owned).unwrap_or(text.clone());
                let is_same = bare.parse() == Ok(read) || text.rsplit_once(':').is_some_and(|(bare, _)| bare.parse() == Ok(read));
                prop_assert!(is_same, "{text}");
            }
        }
    }
}
