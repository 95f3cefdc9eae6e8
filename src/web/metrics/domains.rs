//! Domain groups of relays, in `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Gauges, whole};
use crate::channels::email::Relays;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDomain {
    relay: String,
    domain: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByQueue {
    relay: String,
    domain: String,
    state: &'static str,
}

/// The limits of each group, and what is on its way to it.
pub(super) fn domains(registry: &mut Registry, known: &Relays) {
    let queue = Gauges::<ByQueue>::default();
    let connections = Gauges::<ByDomain>::default();
    let rate = Family::<ByDomain, Gauge<f64, AtomicU64>>::default();
    for relay in known.status() {
        for group in relay.groups {
            let (relay, domain) = (relay.id.clone(), group.domain);
            let (waiting, carried) = group.queue;
            for (state, count) in [("waiting", waiting), ("carried", carried)] {
                let (relay, domain) = (relay.clone(), domain.clone());
                let label = ByQueue {
                    relay,
                    domain,
                    state,
                };
                queue.get_or_create(&label).set(whole(count));
            }
            let label = ByDomain { relay, domain };
            if let Some(most) = group.connections {
                connections.get_or_create(&label).set(i64::from(most));
            }
            if let Some(per_second) = group.rate_per_s {
                rate.get_or_create(&label).set(per_second);
            }
        }
    }
    let help =
        "Mails for a group of domains that wait for a connection, and that connections carry";
    registry.register("smtp_domain_queue_depth", help, queue);
    let help = "Connections that may carry a group's mail at a time; absent without a limit";
    registry.register("smtp_domain_connections_limit", help, connections);
    let help = "Messages a second that a group is given at most; absent without a limit";
    registry.register("smtp_domain_rate_limit", help, rate);
}
