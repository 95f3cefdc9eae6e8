//! The one message that finds out whether a relay is back.

use std::sync::Arc;
use std::time::Instant;

use super::super::sending::Sending;
use super::super::shared::Shared;
use super::Routes;
use crate::channels::email::relays::Relay;
use crate::pipeline::App;
use crate::store::StoreError;

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

impl Routes {
    /// Mail of `sending` waits: what of it is to probe a relay takes that relay's probe, or the
    /// relay is left to the daemon that has it.
    pub(in super::super) async fn take_probes(
        &mut self,
        app: &App,
        shared: &mut Shared,
        sending: &Sending,
    ) -> Result<(), StoreError> {
        for at in self.ways_of(sending) {
            let way = &mut self.ways[at];
            let has_limit = way.limit_for(sending.is_urgent()) > 0;
            let is_due = way.probes && has_limit && self.room > 0;
            if is_due && !shared.take_probe(app, &way.lane.relay).await? {
                self.room = self.room.saturating_sub(way.places);
                way.probes = false;
                way.limit_to(0);
            }
        }
        Ok(())
    }
}
