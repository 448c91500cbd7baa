//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, web};

use super::Web;
use crate::base::config::Network;
use crate::history::{Actor, Author};

/// The visitor's address. Behind a trusted proxy it is the last entry of X-Forwarded-For that is no trusted proxy itself:
/// everything before that is the visitor's own word.
pub fn client_address(request: &HttpRequest) -> IpAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip())
        .to_canonical();
    let Some(web) = request.app_data::<web::Data<Web>>() else {
        return peer;
    };
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect::<Vec<_>>();
    behind_proxies(peer, &forwarded, &web.trusted_proxies)
}

/// Whether a request came from a proxy whose word is believed.
pub fn is_from_trusted_proxy(request: &HttpRequest) -> bool {
    let web = request.app_data::<web::Data<Web>>();
    web.zip(request.peer_addr()).is_some_and(|(web, peer)| {
        let address = peer.ip().to_canonical();
        web.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    })
}

fn behind_proxies(peer: IpAddr, forwarded: &[&str], trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer;
    for entry in forwarded.iter().rev() {
        if !is_trusted(address) {
            break;
        }
        match entry.parse::<IpAddr>() {
            Ok(next) => address = next.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// To whom a request's changes are attributed.
pub fn author(request: &HttpRequest, actor: Actor) -> Author {
    const LONGEST: usize = 300;
    let user_agent = request
        .headers()
        .get(actix_web::http::header::USER_AGENT)
        .map(|agent| String::from_utf8_lossy(agent.as_bytes()))
        .map(|agent| {
            agent
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST)
                .collect()
        });
    Author {
        actor,
        address: Some(client_address(request).to_string()),
        user_agent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = [Network::parse("10.0.0.0/8").expect("a network")];
        let stranger = address("203.0.113.9");
        let proxy = address("10.0.0.1");
        // A stranger who sends the header is still the stranger.
        assert_eq!(
            behind_proxies(stranger, &["198.51.100.1"], &trusted),
            stranger
        );
        // The proxy's own entry counts, what the visitor wrote before it does not.
        assert_eq!(
            behind_proxies(proxy, &["1.1.1.1", "203.0.113.9"], &trusted),
            stranger
        );
        // Two proxies in a row.
        assert_eq!(
            behind_proxies(proxy, &["203.0.113.9", "10.0.0.2"], &trusted),
            stranger
        );
        // Rubbish ends the walk at the last address that is known.
        assert_eq!(behind_proxies(proxy, &["rubbish"], &trusted), proxy);
        assert_eq!(behind_proxies(proxy, &[], &trusted), proxy);
    }
}
