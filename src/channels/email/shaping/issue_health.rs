//! When an issue is stopped because its recipients' servers do not want it.

use std::collections::VecDeque;

use crate::channels::email::smtp::{IssueTrouble, Verdict};
use crate::domain::Outcome;

/// Refusals of the sender in a row that stop an issue: the next thousand would be refused too.
const SENDER_REFUSALS: u32 = 3;
/// How many verdicts are looked back upon.
const LOOKED_BACK: usize = 200;
/// Verdicts that must have been seen before the refusals among them are weighed.
const FEWEST_VERDICTS: usize = 20;
/// Refusals that stop an issue, whatever their share: one or two mailboxes with a filter of
/// their own are always among the first twenty.
const FEWEST_REFUSALS: usize = 3;
/// More refusals against a policy than this share, in percent, stop the issue.
const PAUSE_ABOVE: usize = 3;
/// More than this share also stop the relay: its good name is at stake for every issue.
const OPEN_ABOVE: usize = 10;

/// What the answers so far say about one issue.
#[derive(Debug, Clone, Default)]
pub struct IssueHealth {
    senders_refused: u32,
    /// Whether each of the last messages was refused against a policy.
    policy: VecDeque<bool>,
    refused: usize,
    has_paused: bool,
    has_opened: bool,
}

/// What must be done about an issue, said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Pause the issue, for an operator to look at.
    pub pause: bool,
    /// Open the breaker of the relay that answered.
    pub open_breaker: bool,
    /// Why, for people.
    pub reason: String,
}

impl IssueHealth {
    /// What a verdict adds; an alarm when that is too much. A pause is asked for once: what was
    /// on the wire meanwhile says nothing new.
    pub fn noted(&mut self, verdict: &Verdict) -> Option<Alarm> {
        match verdict.issue_trouble {
            Some(IssueTrouble::SenderRefused) => {
                self.senders_refused += 1;
                let is_enough = self.senders_refused >= SENDER_REFUSALS;
                let reason = || "the relay refuses the sender's address".to_owned();
                self.alarm(is_enough, false, reason)
            }
            Some(IssueTrouble::TooLarge) => {
                self.senders_refused = 0;
                let reason = || "the relay does not take messages of this size".to_owned();
                self.alarm(true, false, reason)
            }
            // Nothing was said about the message.
            None if matches!(
                verdict.outcome,
                Outcome::NotTried { .. } | Outcome::Unknown { .. }
            ) =>
            {
                None
            }
            trouble => {
                self.senders_refused = 0;
                self.add(trouble == Some(IssueTrouble::Policy));
                self.weigh()
            }
        }
    }

    /// Begins again, after an operator has let the issue go on.
    pub fn resumed(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, refused: bool) {
        if self.policy.len() == LOOKED_BACK {
            let oldest = self.policy.pop_front();
            self.refused -= usize::from(oldest == Some(true));
        }
        self.policy.push_back(refused);
        self.refused += usize::from(refused);
    }

    fn weigh(&mut self) -> Option<Alarm> {
        let (seen, refused) = (self.policy.len(), self.refused);
        let is_known = seen >= FEWEST_VERDICTS && refused >= FEWEST_REFUSALS;
        let above = |percent| is_known && refused * 100 > seen * percent;
        self.alarm(above(PAUSE_ABOVE), above(OPEN_ABOVE), || {
            format!("{refused} of the last {seen} mails were refused as spam or against a policy")
        })
    }

    fn alarm(
        &mut self,
        pause: bool,
        open_breaker: bool,
        reason: impl Fn() -> String,
    ) -> Option<Alarm> {
        let pause = pause && !self.has_paused;
        let open_breaker = open_breaker && !self.has_opened;
        self.has_paused |= pause;
        self.has_opened |= open_breaker;
        (pause || open_breaker).then(|| Alarm {
            pause,
            open_breaker,
            reason: reason(),
        })
    }
}
