//! The one message that finds out whether a relay is back.

use std::sync::Arc;
use std::time::Instant;

use crate::channels::email::relays::Relay;

/// Goes with the message. Where it ends without a word from the relay (its reader left in time,
/// it could not be made out), another message may find out.
pub(in super::super) struct Probe(Arc<Relay>);

impl Probe {
    /// The probe that is due, if one is; none is any more.
    pub(super) fn take(is_due: &mut bool, relay: &Arc<Relay>) -> Option<Self> {
        std::mem::take(is_due).then(|| Self(relay.clone()))
    }
}

impl Drop for Probe {
    /// After a word from the relay this changes nothing.
    fn drop(&mut self) {
        self.0.probe_unused(Instant::now());
    }
}
