//! One connection, and the parcels that go over it one after another.

use std::time::Instant;

use super::endpoint::{Endpoint, Limits, Protocol, Timeouts};
use super::greet::{self, Offers};
use super::parcel::{Feed, Once, Raw};
use super::transaction::{Agreed, Load, stale};
use super::verdict::{OpenError, Then, Verdict};
use super::wire::Wire;
use crate::domain::EmailAddress;

/// A connection to a relay, logged in.
pub struct Connection {
    pub(super) wire: Wire,
    pub(super) offers: Offers,
    pub(super) protocol: Protocol,
    pub(super) timeouts: Timeouts,
    limits: Limits,
    /// What must happen before the next MAIL; nothing while a `carry` runs, and still nothing
    /// when one was dropped half-way.
    then: Option<Then>,
    opened: Instant,
    used: Instant,
    pub(super) messages: u32,
    /// Whether it has taken a message: only then is the next one begun before the last one
    /// is answered.
    pub(super) has_taken: bool,
}

impl Connection {
    /// Connects to a relay, greets it, encrypts and logs in as the endpoint says.
    ///
    /// # Errors
    /// An [`OpenError`] that says what happened and what it says about the relay. No message
    /// is involved, so every delivery that waited can be tried again without counting.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, OpenError> {
        let (wire, offers) = Box::pin(greet::open(endpoint)).await?;
        let now = Instant::now();
        Ok(Self {
            wire,
            offers,
            protocol: endpoint.protocol,
            timeouts: endpoint.timeouts,
            limits: endpoint.limits,
            then: Some(Then::Keep),
            opened: now,
            used: now,
            messages: 0,
            has_taken: false,
        })
    }

    /// Carries `first`, and goes on with what `feed` has, until it has nothing more or the
    /// connection is worn out or broken.
    ///
    /// Where the relay takes several commands at once, MAIL, RCPT and DATA of a parcel leave
    /// together with the end of the one before: one round trip for each message.
    ///
    /// A parcel that comes back was not tried, because the connection had ended before it:
    /// open another and carry it there. The first parcel of a new connection never does, so
    /// a relay that drops us at once is seen as the trouble it is.
    ///
    /// Dropping the future half-way leaves the fate of up to two parcels unknown to the
    /// caller and makes the connection unusable.
    pub async fn carry<F: Feed>(&mut self, first: F::Parcel, feed: &mut F) -> Option<F::Parcel> {
        let then = match self.then.take() {
            Some(then @ (Then::Keep | Then::Reset)) => then,
            None | Some(Then::Close) => return Some(first),
        };
        let (then, left) = self.go_on(then, first, feed).await;
        self.then = Some(then);
        self.used = Instant::now();
        left
    }

    async fn go_on<F: Feed>(
        &mut self,
        mut then: Then,
        first: F::Parcel,
        feed: &mut F,
    ) -> (Then, Option<F::Parcel>) {
        let mut next = self.load(first, feed).or_else(|| self.next(feed));
        let mut is_announced = false;
        while let Some(load) = next.take() {
            let agreed = match (is_announced, then) {
                (true, Then::Close) => Agreed::Untried,
                (true, _) => self.agree(&load).await,
                (false, _) => self.announce(&load, then).await,
            };
            is_announced = false;
            match agreed {
                Agreed::Untried => return (Then::Close, Some(load.parcel)),
                Agreed::No(ending) => {
                    feed.ended(load.parcel, ending.verdict);
                    then = ending.then;
                }
                // After 354 there is no way back but to hang up.
                Agreed::Yes if !feed.may_leave(&load.parcel).await => {
                    feed.withdrawn(load.parcel);
                    return (Then::Close, None);
                }
                Agreed::Yes => {
                    let (ending, ahead) = self.hand_over(&load, feed).await;
                    feed.ended(load.parcel, ending.verdict);
                    then = ending.then;
                    is_announced = ahead.is_some();
                    next = ahead;
                }
            }
            self.messages += 1;
            if next.is_none() && then != Then::Close && self.has_room_after(0) {
                next = self.next(feed);
            }
        }
        (then, None)
    }

    /// The next parcel of the feed that this relay can take.
    pub(super) fn next<F: Feed>(&self, feed: &mut F) -> Option<Load<F::Parcel>> {
        loop {
            let parcel = feed.next_now()?;
            if let Some(load) = self.load(parcel, feed) {
                return Some(load);
            }
        }
    }

    /// Whether a message more may go over this connection after `in_hand` others.
    pub(super) fn has_room_after(&self, in_hand: u32) -> bool {
        self.messages + in_hand < self.limits.max_messages
            && self.opened.elapsed() < self.limits.max_age
    }

    /// Carries one message that nothing follows. `envelope_from` is the return path; an empty
    /// one is the null sender.
    pub async fn send(
        &mut self,
        envelope_from: &str,
        to: &EmailAddress,
        message: &[u8],
    ) -> Verdict {
        let parcel = Raw {
            from: envelope_from,
            to,
            message,
        };
        let mut feed = Once::default();
        self.carry(parcel, &mut feed).await;
        feed.verdict.unwrap_or_else(stale)
    }

    /// Whether another message may go over this connection: nothing is wrong with it, it is
    /// neither worn out (see [`Limits`]) nor closed by the relay.
    pub fn is_usable(&mut self) -> bool {
        matches!(self.then, Some(Then::Keep | Then::Reset))
            && self.has_room_after(0)
            && self.used.elapsed() < self.limits.idle_close
            && self.wire.quiet().is_ok()
    }

    /// Messages tried on this connection.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether the relay takes several commands at once (RFC 2920).
    #[must_use]
    pub fn can_pipeline(&self) -> bool {
        self.offers.pipelining
    }
}

/// Says goodbye if all is well, without waiting for the answer.
impl Drop for Connection {
    fn drop(&mut self) {
        if matches!(self.then, Some(Then::Keep | Then::Reset)) {
            self.wire.part_with(b"QUIT\r\n");
        }
    }
}
