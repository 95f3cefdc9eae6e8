//! What a connection carries, and where it comes from.

use crate::domain::EmailAddress;

use super::verdict::Verdict;

/// One message to one reader.
pub trait Parcel {
    /// The return path; an empty one is the null sender.
    fn envelope_from(&self) -> &str;
    /// The reader.
    fn to(&self) -> &EmailAddress;
    /// Its length in bytes.
    fn size(&self) -> usize;
    /// Whether it has bytes beyond ASCII, which a relay must offer 8BITMIME for.
    fn is_eight_bit(&self) -> bool {
        false
    }
    /// Appends the message as DATA carries it (RFC 5321 §4.5.2): lines end in CRLF, also the
    /// last; none begins with a dot that is not doubled. The final dot is not part of it.
    fn write_to(&self, out: &mut Vec<u8>);
}

/// Where a connection's parcels come from and what became of them goes to.
///
/// Each parcel ends in exactly one call of [`ended`](Self::ended) or
/// [`withdrawn`](Self::withdrawn), except one that [`super::Connection::carry`] gives back.
pub trait Feed: Send {
    /// What it carries.
    type Parcel: Parcel + Send + Sync;

    /// The next parcel if there is one now. It never waits: commands for the next message
    /// leave together with the end of the last one, or not.
    fn next_now(&mut self) -> Option<Self::Parcel>;

    /// Asked when the relay waits for the message, right before its first byte is written:
    /// the last moment to withdraw it, and the moment to note that it left.
    fn may_leave(&mut self, parcel: &Self::Parcel) -> impl Future<Output = bool> + Send;

    /// What became of a parcel.
    fn ended(&mut self, parcel: Self::Parcel, verdict: Verdict);

    /// A parcel that [`may_leave`](Self::may_leave) held back. Nothing of it was sent.
    fn withdrawn(&mut self, parcel: Self::Parcel);
}

/// Any bytes as a parcel.
pub(super) struct Raw<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a EmailAddress,
    pub(super) message: &'a [u8],
}

impl Parcel for Raw<'_> {
    fn envelope_from(&self) -> &str {
        self.from
    }

    fn to(&self) -> &EmailAddress {
        self.to
    }

    fn size(&self) -> usize {
        self.message.len()
    }

    fn is_eight_bit(&self) -> bool {
        !self.message.is_ascii()
    }

    /// A CR or LF that stands alone becomes a line end (RFC 5321 §2.3.8 forbids sending one),
    /// because relays that disagree about it can be made to see two messages.
    fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.message.len() + 64);
        let mut rest = self.message;
        while !rest.is_empty() {
            let end = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            if line.first() == Some(&b'.') {
                out.push(b'.');
            }
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
            let break_length = if after.starts_with(b"\r\n") { 2 } else { 1 };
            rest = after.get(break_length..).unwrap_or_default();
        }
    }
}

/// A feed of the one parcel that is carried already; what became of it stays here.
#[derive(Default)]
pub(super) struct Once<'a> {
    pub(super) verdict: Option<Verdict>,
    parcel: std::marker::PhantomData<Raw<'a>>,
}

impl<'a> Feed for Once<'a> {
    type Parcel = Raw<'a>;

    fn next_now(&mut self) -> Option<Raw<'a>> {
        None
    }

    async fn may_leave(&mut self, _: &Raw<'a>) -> bool {
        true
    }

    fn ended(&mut self, _: Raw<'a>, verdict: Verdict) {
        self.verdict = Some(verdict);
    }

    fn withdrawn(&mut self, _: Raw<'a>) {}
}
