//! Who asks: the address behind the proxies, as far as it is vouched for.
//!
//! Anybody can write an `X-Forwarded-For`. Each proxy appends the address that it saw, so the list
//! is read from its end, for as long as the one who wrote is trusted: the first address that is no
//! trusted proxy's is the client's, and what stands before it is hearsay.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The end of a connection; rides on its requests as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An address.
    Tcp(IpAddr),
    /// A program of this machine. File permissions let it in, so it is a proxy of ours.
    Unix,
}

/// The client's address; `None` where nobody says it, and for this machine itself.
pub fn client_address(request: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    address_of(peer(&request.extensions)?, &request.headers, trusted)
}

/// A request that came by no connection (`courant export` makes such) has none.
fn peer(extensions: &Extensions) -> Option<Peer> {
    extensions.get().copied()
}

fn address_of(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut nearest = match peer {
        Peer::Tcp(address) => Some(address.to_canonical()),
        Peer::Unix => None,
    };
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while nearest.is_none_or(is_trusted) {
        let Some(hop) = hops.next() else { break };
        // What is no address ends the chain: nobody vouches for what stands before it.
        let Some(address) = std::str::from_utf8(hop).ok().and_then(address_in) else {
            break;
        };
        nearest = Some(address);
    }
    nearest.filter(|address| !address.is_loopback())
}

/// The address of one hop: `203.0.113.7`, `2001:db8::1`, and with a port `203.0.113.7:49152`,
/// `[2001:db8::1]:49152`, as some proxies write it.
fn address_in(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(hop).parse::<IpAddr>().ok();
    let with_port = || Some(hop.parse::<std::net::SocketAddr>().ok()?.ip());
    Some(address.or_else(with_port)?.to_canonical())
}

/// The network that an address stands for where sign-ups are counted: one customer has a whole
/// /64 of IPv6, and neighbours in an IPv4 /24 are mostly one provider's.
pub fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => Ipv4Net::new_assert(address, 24).trunc().to_string(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a request from `peer` (`unix`, or an address) with these header lines is taken for.
    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "fd00::/8"];
        let trusted = trusted.map(|net| net.parse().unwrap());
        let peer = match peer {
            "unix" => Peer::Unix,
            address => Peer::Tcp(address.parse().unwrap()),
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let address = address_of(peer, &headers, &trusted);
        address.map_or_else(|| "nobody".to_owned(), |address| address.to_string())
    }

    /// Who connects, the header's lines, and who it is then.
    const CASES: &[(&str, &[&str], &str)] = &[
        // Nobody in between, whatever is claimed.
        ("203.0.113.7", &[], "203.0.113.7"),
        ("203.0.113.7", &["8.8.8.8"], "203.0.113.7"),
        (
            "203.0.113.7",
            &["8.8.8.8, 127.0.0.1", "10.0.0.1"],
            "203.0.113.7",
        ),
        ("::ffff:203.0.113.7", &["8.8.8.8"], "203.0.113.7"),
        ("2001:db8::7", &["8.8.8.8"], "2001:db8::7"),
        // This machine itself.
        ("127.0.0.1", &[], "nobody"),
        ("::1", &[], "nobody"),
        ("::ffff:127.0.0.1", &[], "nobody"),
        ("unix", &[], "nobody"),
        ("unix", &["127.0.0.1"], "nobody"),
        // One proxy; what the client wrote itself stands before.
        ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["8.8.8.8, 203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["8.8.8.8", "203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", &["10.0.0.9, 203.0.113.7"], "203.0.113.7"),
        ("unix", &["8.8.8.8, 203.0.113.7"], "203.0.113.7"),
        ("::1", &["2001:db8::7"], "2001:db8::7"),
        (
            "10.0.0.1",
            &["8.8.8.8,  ::ffff:203.0.113.7 "],
            "203.0.113.7",
        ),
        // Several, over several lines.
        (
            "127.0.0.1",
            &["8.8.8.8, 203.0.113.7, 10.0.0.2"],
            "203.0.113.7",
        ),
        (
            "127.0.0.1",
            &["203.0.113.7", "fd00::2, 10.0.0.2"],
            "203.0.113.7",
        ),
        // Trusted all the way: somebody inside.
        ("127.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        // With ports.
        ("127.0.0.1", &["203.0.113.7:49152"], "203.0.113.7"),
        ("127.0.0.1", &["[2001:db8::7]:49152"], "2001:db8::7"),
        ("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
        // Nonsense is nobody's address, and hides what stands before it.
        ("127.0.0.1", &["unknown"], "nobody"),
        ("127.0.0.1", &["203.0.113.7, unknown"], "nobody"),
        ("127.0.0.1", &["203.0.113.7, "], "nobody"),
        ("127.0.0.1", &["203.0.113.7, 10.0.0.2, _hidden"], "nobody"),
        ("127.0.0.1", &["203.0.113.7, x, 10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", &["999.0.0.1"], "nobody"),
        ("127.0.0.1", &["203.0.113.7/24"], "nobody"),
        ("127.0.0.1", &["fe80::1%eth0"], "nobody"),
        ("127.0.0.1", &["<script>"], "nobody"),
        ("127.0.0.1", &[""], "nobody"),
        ("unix", &["unknown"], "nobody"),
    ];

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        for (peer, lines, expected) in CASES {
            assert_eq!(client(peer, lines), *expected, "{peer} {lines:?}");
        }
        let many = vec!["10.0.0.1"; 2000].join(", ");
        let spoofed = format!("8.8.8.8, 203.0.113.7, {many}");
        assert_eq!(client("127.0.0.1", &[&spoofed]), "203.0.113.7");
    }

    #[test]
    fn bytes_that_are_no_text_are_no_address() {
        let trusted = ["127.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        let odd = axum::http::HeaderValue::from_bytes(b"203.0.113.7, \xff\xfe").unwrap();
        headers.insert("x-forwarded-for", odd);
        let peer = Peer::Tcp("127.0.0.1".parse().unwrap());
        assert_eq!(address_of(peer, &headers, &trusted), None);
    }

    #[test]
    fn neighbours_are_one_network() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("203.0.113.255", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()), network);
        }
    }
}
