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
/// Refusals that must be among them: while few verdicts are known, a handful of mailboxes with
/// filters of their own is chance, and a paused issue costs an operator's morning.
const FEWEST_REFUSALS: usize = 5;
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
                let reason =
                    || format!("the relay refuses the sender's address: {}", said(verdict));
                self.alarm(is_enough, false, reason)
            }
            Some(IssueTrouble::TooLarge) => {
                self.senders_refused = 0;
                let reason = || {
                    format!(
                        "the relay does not take messages of this size: {}",
                        said(verdict)
                    )
                };
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
                self.weigh(verdict)
            }
        }
    }

    fn add(&mut self, refused: bool) {
        if self.policy.len() == LOOKED_BACK {
            let oldest = self.policy.pop_front();
            self.refused -= usize::from(oldest == Some(true));
        }
        self.policy.push_back(refused);
        self.refused += usize::from(refused);
    }

    fn weigh(&mut self, last: &Verdict) -> Option<Alarm> {
        let (seen, refused) = (self.policy.len(), self.refused);
        let is_known = seen >= FEWEST_VERDICTS && refused >= FEWEST_REFUSALS;
        let above = |percent| is_known && refused * 100 > seen * percent;
        self.alarm(above(PAUSE_ABOVE), above(OPEN_ABOVE), || {
            format!(
                "{refused} of the last {seen} mails were refused as spam or against a policy: {}",
                said(last)
            )
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

/// In the relay's words, or ours where it said nothing.
fn said(verdict: &Verdict) -> &str {
    match &verdict.outcome {
        Outcome::Accepted { reply } => reply,
        Outcome::Deferred { reason, .. }
        | Outcome::NotTried { reason, .. }
        | Outcome::Rejected { reason, .. }
        | Outcome::Unknown { reason } => reason,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verdict(outcome: Outcome, issue_trouble: Option<IssueTrouble>) -> Verdict {
        Verdict {
            outcome,
            relay_trouble: None,
            issue_trouble,
        }
    }

    fn accepted() -> Verdict {
        let reply = "250 2.0.0 Ok".to_owned();
        verdict(Outcome::Accepted { reply }, None)
    }

    fn not_tried(trouble: Option<IssueTrouble>) -> Verdict {
        let reason = "550 5.1.8 Bad sender".to_owned();
        verdict(
            Outcome::NotTried {
                reason,
                after: None,
            },
            trouble,
        )
    }

    fn spam() -> Verdict {
        let reason = "550 5.7.1 Spam".to_owned();
        let suppress = false;
        verdict(
            Outcome::Rejected { reason, suppress },
            Some(IssueTrouble::Policy),
        )
    }

    /// The alarms that so many verdicts raise.
    fn alarms(health: &mut IssueHealth, verdict: &Verdict, times: usize) -> Vec<Alarm> {
        (0..times).filter_map(|_| health.noted(verdict)).collect()
    }

    #[test]
    fn the_third_refusal_of_the_sender_in_a_row_pauses_once() {
        let refused = not_tried(Some(IssueTrouble::SenderRefused));
        let mut health = IssueHealth::default();
        assert_eq!(alarms(&mut health, &refused, 2), []);
        // A lost connection says nothing about the sender; an accepted message does.
        health.noted(&not_tried(None));
        let told = alarms(&mut health, &refused, 20);
        assert_eq!(told.len(), 1);
        assert!(told[0].pause && !told[0].open_breaker);
        let mut health = IssueHealth::default();
        for _ in 0..20 {
            assert_eq!(alarms(&mut health, &refused, 2), []);
            assert_eq!(health.noted(&accepted()), None);
        }
    }

    #[test]
    fn a_message_that_is_too_large_pauses_at_once_in_the_relays_words() {
        let large = not_tried(Some(IssueTrouble::TooLarge));
        let mut health = IssueHealth::default();
        let told = alarms(&mut health, &large, 50);
        let reason = "the relay does not take messages of this size: 550 5.1.8 Bad sender";
        assert_eq!((told.len(), told[0].reason.as_str()), (1, reason));
    }

    #[test]
    fn more_than_three_percent_against_a_policy_pause_the_issue() {
        let mut health = IssueHealth::default();
        assert_eq!(alarms(&mut health, &accepted(), 1000), []);
        assert_eq!(alarms(&mut health, &spam(), 6), []);
        let told = alarms(&mut health, &spam(), 1);
        let reason =
            "7 of the last 200 mails were refused as spam or against a policy: 550 5.7.1 Spam";
        assert_eq!(
            (told[0].reason.as_str(), told[0].open_breaker),
            (reason, false)
        );
        // What was long ago does not count.
        let mut health = IssueHealth::default();
        for _ in 0..100 {
            assert_eq!(alarms(&mut health, &spam(), 1), []);
            assert_eq!(alarms(&mut health, &accepted(), 50), []);
        }
    }

    #[test]
    fn more_than_a_tenth_also_opens_the_breaker() {
        let mut health = IssueHealth::default();
        assert_eq!(alarms(&mut health, &accepted(), 200), []);
        let told = alarms(&mut health, &spam(), 50);
        let what: Vec<_> = told.iter().map(|a| (a.pause, a.open_breaker)).collect();
        assert_eq!(what, [(true, false), (false, true)]);
        assert!(told[1].reason.starts_with("21 of the last 200"));
        let mut all = IssueHealth::default();
        assert_eq!(alarms(&mut all, &spam(), 19), []);
        let told = alarms(&mut all, &spam(), 1);
        assert!(told[0].pause && told[0].open_breaker);
    }

    #[test]
    fn a_handful_of_refusals_among_the_first_mails_is_chance() {
        let mut health = IssueHealth::default();
        assert_eq!(alarms(&mut health, &spam(), 4), []);
        assert_eq!(alarms(&mut health, &accepted(), 100), []);
        assert!(health.noted(&spam()).is_some());
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_was_refused_of_the_last_two_hundred(
            refused in proptest::collection::vec(any::<bool>(), 0..700),
        ) {
            let mut health = IssueHealth::default();
            for refused in &refused {
                health.noted(&if *refused { spam() } else { accepted() });
            }
            let last = refused.iter().rev().take(LOOKED_BACK).filter(|r| **r).count();
            prop_assert_eq!(health.refused, last);
        }
    }
}
