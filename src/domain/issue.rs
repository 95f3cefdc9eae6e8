//! Issues: frozen publications of a channel.

use super::{ArticleId, IssueId, UnixMillis, words};

words! {
    /// Where an issue stands.
    IssueState {
        /// Waits for an operator's `issues approve`.
        Waiting = "waiting",
        /// Its deliveries are being made.
        Sending = "sending",
        /// An operator stopped it for now.
        Paused = "paused",
        /// Every delivery is in a final state.
        Done = "done",
        /// An operator ended it; what was not sent never will be.
        Cancelled = "cancelled",
    }
}

/// Why an issue exists: with channel and schedule name the key that makes planning
/// exactly-once. Kept as text, unique per `(channel, schedule)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Slot {
    /// A cron schedule's instant, and the zone whose wall clock it was computed on.
    At {
        /// The instant the schedule named (not when the run happened).
        at: UnixMillis,
        /// IANA name.
        zone: String,
    },
    /// `each`: the ledger row that called for it.
    Row(i64),
    /// An operator's `publish`, at this instant.
    Manual(UnixMillis),
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At { at, zone } => write!(f, "{at} {zone}"),
            Self::Row(number) => write!(f, "row {number}"),
            Self::Manual(at) => write!(f, "manual {at}"),
        }
    }
}

/// An issue: an ordered list of article revisions, frozen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Issue {
    /// Its key.
    pub id: IssueId,
    /// The channel's name in the configuration.
    pub channel: String,
    /// 1, 2, 3 … within the channel; the number in the archive's address. Below zero for a
    /// round of confirmation mail.
    pub number: i64,
    /// The name of the schedule that called for it (`daily`, `each`, `manual` …).
    pub schedule: String,
    /// See [`Slot`].
    pub slot: String,
    /// Where it stands.
    pub state: IssueState,
    /// The subject or title it was composed under; empty until composed.
    pub title: String,
    /// When it was frozen.
    pub created_at: UnixMillis,
    /// The highest ledger number it covers.
    pub ledger_upto: i64,
    /// Why it was paused, where no operator did it; else empty.
    pub why_paused: String,
}

/// What stands for a schedule's name where confirmation mail is sent.
pub const CONFIRMATION: &str = "confirmation";

impl Issue {
    /// Whether it publishes nothing and asks readers to confirm that they signed up: an issue
    /// for the outbox alone, in no archive.
    #[must_use]
    pub fn is_confirmation(&self) -> bool {
        self.number < 0
    }

    /// What people call it: `brief 12`, or the mails of `brief` that ask to confirm.
    #[must_use]
    pub fn name(&self) -> String {
        if self.is_confirmation() {
            format!("{} {CONFIRMATION}", self.channel)
        } else {
            format!("{} {}", self.channel, self.number)
        }
    }
}

/// One line of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct IssueArticle {
    /// 0 for the first.
    pub position: i64,
    /// The article.
    pub article: ArticleId,
    /// The revision that was frozen.
    pub revision: i64,
    /// Its number in the channel's ledger.
    pub ledger_number: i64,
}
