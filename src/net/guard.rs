//! Which addresses may be asked: pure rules, no network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use super::error::{FetchError, shown};

/// Ports a public address may be asked on, besides those of configured addresses.
const PORTS: [u16; 2] = [80, 443];

/// IPv4 networks that are nobody's public server (IANA special-purpose registry).
const CLOSED_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// The rules with the operator's exceptions (`[network] allow`).
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allow: Vec<IpNet>,
    /// Ports that the operator's own configuration names.
    ports: Vec<u16>,
    /// One more port that public addresses may be asked on: a test's listener has no say in
    /// its number.
    #[cfg(test)]
    pub(super) test_port: Option<u16>,
}

impl Guard {
    /// The rules with these networks allowed although they are private or local.
    #[must_use]
    pub fn new(allow: &[IpNet]) -> Self {
        Self {
            allow: allow.to_vec(),
            ..Self::default()
        }
    }

    /// The same rules with these ports open on public addresses, too.
    pub(super) fn with_ports(self, ports: Vec<u16>) -> Self {
        Self { ports, ..self }
    }

    /// Whether the operator allowed this address by name.
    #[must_use]
    pub fn is_allow_listed(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.allow.iter().any(|net| net.contains(&ip))
    }

    /// Whether `ip` may be connected to.
    ///
    /// # Errors
    /// The reason as half a sentence with what to do about it.
    pub fn judge(&self, ip: IpAddr) -> Result<(), String> {
        let ip = ip.to_canonical();
        if self.is_allow_listed(ip) {
            return Ok(());
        }
        let closed = match ip {
            IpAddr::V4(v4) => is_closed_v4(v4),
            IpAddr::V6(v6) => match embedded_v4(v6) {
                Some(inner) => return self.judge(inner.into()),
                None => is_closed_v6(v6),
            },
        };
        if closed {
            Err(format!(
                "{ip} is a private or local address; if that is meant, add `allow = [\"{}\"]` \
                 under `[network]`",
                IpNet::from(ip)
            ))
        } else {
            Ok(())
        }
    }

    /// Whether the world can reach this host, as far as its name or address says; what the
    /// operator allowed is taken for reachable by those who are to reach it.
    #[must_use]
    pub fn is_reachable(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Domain(name)) => name.contains('.') && !is_local_name(name),
            Some(Host::Ipv4(ip)) => self.judge(ip.into()).is_ok(),
            Some(Host::Ipv6(ip)) => self.judge(ip.into()).is_ok(),
            None => false,
        }
    }

    /// Whether what is sent there may be secret: it travels under TLS, or to an address of the
    /// operator's own network.
    #[must_use]
    pub fn keeps_secrets(&self, url: &Url) -> bool {
        let own = |ip: IpAddr| self.is_allow_listed(ip);
        url.scheme() == "https"
            || match url.host() {
                Some(Host::Ipv4(ip)) => own(ip.into()),
                Some(Host::Ipv6(ip)) => own(ip.into()),
                _ => false,
            }
    }

    fn is_usual(&self, port: u16) -> bool {
        #[cfg(test)]
        if self.test_port == Some(port) {
            return true;
        }
        PORTS.contains(&port) || self.ports.contains(&port)
    }

    /// Vets one hop before it is asked. `true`: its port is only for allow-listed addresses,
    /// so the connection must be made by the client that reaches nothing else.
    ///
    /// # Errors
    /// [`FetchError::Refused`] with the reason.
    pub fn check(&self, url: &Url) -> Result<bool, FetchError> {
        let refused = |reason: String| FetchError::Refused {
            url: shown(url),
            reason,
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!(
                "`{}:` is not a web address; only http and https are fetched",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "a user name or password in an address is not sent; remove it".to_owned(),
            ));
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let usual = self.is_usual(port);
        let ip = match url.host() {
            None => return Err(refused("the address names no host".to_owned())),
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain(name)) => {
                if self.allow.is_empty() && is_local_name(name) {
                    return Err(refused(format!(
                        "`{name}` is a name of this machine or network; if that is meant, put \
                         its address under `[network] allow`"
                    )));
                }
                if !usual && self.allow.is_empty() {
                    return Err(refused(odd_port(port)));
                }
                return Ok(!usual);
            }
        };
        self.judge(ip).map_err(refused)?;
        if !usual && !self.is_allow_listed(ip) {
            return Err(refused(odd_port(port)));
        }
        Ok(!usual)
    }
}

/// Why an unusual port is refused, with what to do.
pub(super) fn odd_port(port: u16) -> String {
    format!(
        "port {port} is neither 80 nor 443 nor that of a configured address; other ports are only \
         for addresses under `[network] allow`"
    )
}

/// Names that never belong to a public server (RFC 6761, RFC 6762, ICANN's `.internal`).
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || [".localhost", ".local", ".internal", ".home.arpa"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn is_closed_v4(ip: Ipv4Addr) -> bool {
    CLOSED_V4
        .iter()
        .any(|&(net, bits)| u32::from(ip) >> (32 - bits) == u32::from(net) >> (32 - bits))
}

/// Only global unicast (`2000::/3`) is open, and in it neither Teredo and its neighbours of
/// `2001::/23` nor the addresses of documentation.
fn is_closed_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    s[0] & 0xe000 != 0x2000
        || (s[0] == 0x2001 && s[1] < 0x0200)
        || (s[0] == 0x2001 && s[1] == 0x0db8)
        || (s[0] == 0x3fff && s[1] < 0x1000)
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, 6to4, NAT64 (a plain
/// refusal of `64:ff9b::/96` would cut off hosts that have nothing else), ISATAP.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let pair = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    let last = pair(s[6], s[7]);
    match s {
        // ::a.b.c.d, but `::` and `::1` are themselves.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(last),
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(last),
        [0x2002, high, low, ..] => Some(pair(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, ..] | [0x0064, 0xff9b, 1, ..] => Some(last),
        [_, _, _, _, 0 | 0x0200, 0x5efe, ..] if is_closed_v4(last) => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(ip: &str) -> bool {
        Guard::default().judge(ip.parse().unwrap()).is_ok()
    }

    #[test]
    fn private_and_special_addresses_are_closed_in_every_form() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "::ffff:169.254.169.254",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "5f00::1",
            "2a00::5efe:7f00:1",
        ] {
            assert!(!judge(ip), "{ip} was open");
        }
    }

    #[test]
    fn public_addresses_are_open_also_behind_nat64() {
        for ip in [
            "1.1.1.1",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(judge(ip), "{ip} was closed");
        }
    }

    #[test]
    fn the_allow_list_opens_what_it_names_and_the_refusal_says_how() {
        let guard = Guard::new(&["10.0.0.0/8".parse().unwrap()]);
        assert!(guard.judge("10.2.3.4".parse().unwrap()).is_ok());
        assert!(guard.judge("::ffff:10.2.3.4".parse().unwrap()).is_ok());
        let why = guard.judge("127.0.0.1".parse().unwrap()).unwrap_err();
        assert!(why.contains("allow = [\"127.0.0.1/32\"]"), "{why}");
    }

    #[test]
    fn unusual_ports_are_only_for_allow_listed_addresses() {
        let strict = Guard::default();
        let local = Guard::new(&["127.0.0.0/8".parse().unwrap()]);
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(strict.check(&url("http://1.1.1.1:22/")).is_err());
        assert!(strict.check(&url("http://example.org:6379/")).is_err());
        assert!(local.check(&url("http://1.1.1.1:22/")).is_err());
        assert!(local.check(&url("http://127.0.0.1:22/")).unwrap());
        assert!(local.check(&url("http://localhost:9999/")).unwrap());
        assert!(strict.check(&url("https://example.org:8443/")).is_err());
        let configured = strict.clone().with_ports(vec![8443]);
        assert!(!configured.check(&url("https://example.org:8443/")).unwrap());
        assert!(configured.check(&url("https://127.0.0.1:8443/")).is_err());
        assert!(!strict.check(&url("https://example.org/")).unwrap());
    }
}
