//! Classifies IP addresses as public, or as a named kind of special address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

type Range4 = (Ipv4Addr, u32, &'static str);
type Range6 = (Ipv6Addr, u32, &'static str);

/// The IPv4 ranges that the IANA registry of special-purpose addresses (RFC 6890) lists as not public, and multicast.
const SPECIAL4: [Range4; 15] = [
    (Ipv4Addr::UNSPECIFIED, 8, "an address of this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        "a cloud provider's internal address",
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "a documentation address"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay's address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "a benchmarking address"),
    (
        Ipv4Addr::new(198, 51, 100, 0),
        24,
        "a documentation address",
    ),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "a documentation address"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
];

/// The special IPv6 ranges that have a name of their own; no address outside of [`GLOBAL6`] is public.
const SPECIAL6: [Range6; 11] = [
    (Ipv6Addr::LOCALHOST, 128, "a loopback address"),
    (Ipv6Addr::UNSPECIFIED, 96, "an IPv4-compatible address"),
    (v6(0x0064, 0xff9b, 1), 48, "a NAT64 internal address"),
    // Teredo, benchmarking, ORCHID and the other protocol assignments.
    (v6(0x2001, 0, 0), 23, "a protocol assignment address"),
    (v6(0x2001, 0x0db8, 0), 32, "a documentation address"),
    (v6(0x2002, 0, 0), 16, "a 6to4 address"),
    (v6(0x3fff, 0, 0), 20, "a documentation address"),
    (v6(0xfc00, 0, 0), 7, "a private address"),
    (v6(0xfe80, 0, 0), 10, "a link-local address"),
    (v6(0xfec0, 0, 0), 10, "a site-local address"),
    (v6(0xff00, 0, 0), 8, "a multicast address"),
];

/// Global unicast: the range from which public addresses are allocated (RFC 4291 §2.4).
const GLOBAL6: (Ipv6Addr, u32) = (v6(0x2000, 0, 0), 3);

/// The NAT64 prefix: a translator sends these to the IPv4 address in the last 32 bits (RFC 6052 §2.1).
const TRANSLATED: (Ipv6Addr, u32) = (v6(0x0064, 0xff9b, 0), 96);

const fn v6(first: u16, second: u16, third: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0)
}

/// Returns the address that a packet to `address` finally reaches: the IPv4 address within a mapped or translated one.
pub(super) fn destination(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if contains6(TRANSLATED, address) => {
            let [.., a, b, c, d] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        address => address,
    }
}

/// Returns the kind of an address that is not public; `None` for a public one.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match destination(address) {
        IpAddr::V4(address) => {
            let mut ranges = SPECIAL4.iter();
            let range = ranges.find(|(network, prefix, _)| contains4((*network, *prefix), address));
            range.map(|(.., name)| *name)
        }
        IpAddr::V6(address) => {
            let mut ranges = SPECIAL6.iter();
            let range = ranges.find(|(network, prefix, _)| contains6((*network, *prefix), address));
            let name = range.map(|(.., name)| *name);
            name.or_else(|| (!contains6(GLOBAL6, address)).then_some("a reserved address"))
        }
    }
}

fn contains4((network, prefix): (Ipv4Addr, u32), address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

fn contains6((network, prefix): (Ipv6Addr, u32), address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> Option<&'static str> {
        special(text.parse().expect("an address"))
    }

    #[test]
    fn addresses_outside_special_ranges_are_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:200::1",
            "2001:db9::1",
            "2003::1",
            "3ffe:ffff::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert_eq!(what(address), None, "{address}");
        }
    }

    #[test]
    fn all_other_addresses_are_not_public() {
        for (address, name) in [
            ("0.0.0.0", "an address of this network"),
            ("0.255.255.255", "an address of this network"),
            ("10.0.0.0", "a private address"),
            ("10.255.255.255", "a private address"),
            ("100.64.0.0", "a cloud provider's internal address"),
            ("100.127.255.255", "a cloud provider's internal address"),
            ("127.0.0.1", "a loopback address"),
            ("127.255.255.254", "a loopback address"),
            ("169.254.169.254", "a link-local address"),
            ("172.16.0.1", "a private address"),
            ("172.31.255.255", "a private address"),
            ("192.0.0.170", "a reserved address"),
            ("192.0.2.1", "a documentation address"),
            ("192.88.99.1", "a 6to4 relay's address"),
            ("192.168.1.1", "a private address"),
            ("198.18.0.1", "a benchmarking address"),
            ("198.19.255.255", "a benchmarking address"),
            ("198.51.100.1", "a documentation address"),
            ("203.0.113.1", "a documentation address"),
            ("224.0.0.1", "a multicast address"),
            ("239.255.255.255", "a multicast address"),
            ("240.0.0.1", "a reserved address"),
            ("255.255.255.255", "a reserved address"),
            ("::", "an IPv4-compatible address"),
            ("::1", "a loopback address"),
            ("::1.1.1.1", "an IPv4-compatible address"),
            ("::ffff:127.0.0.1", "a loopback address"),
            ("::ffff:169.254.169.254", "a link-local address"),
            ("64:ff9b::10.0.0.1", "a private address"),
            ("64:ff9b::127.0.0.1", "a loopback address"),
            ("64:ff9b:1::1.1.1.1", "a NAT64 internal address"),
            ("64:ff9b:0:0:0:1:101:101", "a reserved address"),
            ("100::1", "a reserved address"),
            ("2001::1", "a protocol assignment address"),
            ("2001:0:53aa:64c::1", "a protocol assignment address"),
            ("2001:2::1", "a protocol assignment address"),
            ("2001:db8::1", "a documentation address"),
            ("2002:7f00:1::1", "a 6to4 address"),
            ("3fff::1", "a documentation address"),
            ("5f00::1", "a reserved address"),
            ("fc00::1", "a private address"),
            ("fd12:3456::1", "a private address"),
            ("fe80::1", "a link-local address"),
            ("fec0::1", "a site-local address"),
            ("ff02::1", "a multicast address"),
        ] {
            assert_eq!(what(address), Some(name), "{address}");
        }
    }
}
