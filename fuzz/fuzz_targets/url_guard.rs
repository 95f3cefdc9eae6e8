//! No address that leads inside passes the guard of everything fetched, however it is written:
//! as a source's address, as a redirect's, or as an IP address that a name resolved to.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use courant::net::Guard;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let guard = Guard::new(&[]);
    let page = Url::parse("https://news.example.org/2026/").expect("it is an address");
    for url in [Url::parse(text), page.join(text)].into_iter().flatten() {
        if guard.check(&url).is_ok() {
            passed(&guard, &url);
        }
    }
    if let Ok(ip) = text.parse::<IpAddr>()
        && guard.judge(ip).is_ok()
    {
        assert!(is_public(ip), "{ip}");
    }
});

/// What is true of every address that may be asked.
fn passed(guard: &Guard, url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    assert!(
        matches!(url.port_or_known_default(), Some(80 | 443)),
        "{url}"
    );
    match url.host().expect("an address that passed has a host") {
        Host::Ipv4(ip) => assert!(is_public(ip.into()), "{url}"),
        Host::Ipv6(ip) => assert!(is_public(ip.into()), "{url}"),
        Host::Domain(name) => {
            assert!(name.parse::<IpAddr>().is_err(), "{url}");
            let name = name.trim_end_matches('.');
            assert_ne!(name, "localhost");
            for end in [".localhost", ".local", ".internal", ".home.arpa"] {
                assert!(!name.ends_with(end), "{url}");
            }
        }
    }
    // What is fetched and what may be shown to the world agree.
    let is_plain_name = url.domain().is_some_and(|name| !name.contains('.'));
    assert!(guard.is_reachable(url) || is_plain_name, "{url}");
}

/// Says it in other words than the guard: by the names that the standard library has for
/// networks, and by looking for an IPv4 address wherever one can be hidden.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let [b0, b1, b2, b3, b4, b5, ..] = ip.octets();
            let head = u128::from(ip) >> 32;
            let last = Ipv4Addr::from_bits(u128::from(ip) as u32);
            let nat64 =
                head == 0x64_ff9b << 64 || (b0, b1, b2, b3, b4, b5) == (0, 0x64, 0xff, 0x9b, 0, 1);
            let is_hidden = ip.to_ipv4().is_some() || nat64 || head == 0xffff_0000;
            if is_hidden {
                return is_public_v4(last);
            }
            if (b0, b1) == (0x20, 0x02) {
                return is_public_v4(Ipv4Addr::new(b2, b3, b4, b5));
            }
            is_public_v6(ip)
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_unspecified();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_reserved = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0);
    let is_bench = a == 198 && matches!(b, 18 | 19);
    !(is_special || is_shared || is_reserved || is_bench)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let is_special = ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local();
    let [first, second, ..] = ip.segments();
    let is_doc = first == 0x2001 && second == 0xdb8;
    let is_teredo = first == 0x2001 && second == 0;
    !(is_special || is_doc || is_teredo)
}
