//! No address that leads inside passes the guard of everything fetched, however it is written.
#![no_main]

use courant::net::Guard;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let Ok(url) = Url::parse(text) else { return };
    if Guard::new(&[]).check(&url).is_err() {
        return;
    }
    assert!(matches!(url.scheme(), "http" | "https"));
    assert!(url.username().is_empty() && url.password().is_none());
    match url.host() {
        Some(Host::Ipv4(ip)) => {
            assert!(!ip.is_private() && !ip.is_loopback() && !ip.is_link_local());
            assert!(!ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast());
        }
        Some(Host::Ipv6(ip)) => {
            assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast());
            let inner = ip.to_ipv4_mapped();
            assert!(inner.is_none_or(|ip| !ip.is_private() && !ip.is_loopback()));
        }
        Some(Host::Domain(name)) => assert!(name != "localhost" && !name.ends_with(".localhost")),
        None => panic!("an address without a host passed"),
    }
});
