//! Whose deliveries are taken next, when there is room for some of them.

use std::collections::BTreeMap;

use crate::domain::IssueId;

/// One part in so many is kept for what is less urgent, so that a stream of alerts delays a
/// digest and never stops it.
const KEPT: usize = 8;

/// An issue that has deliveries to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The issue.
    pub issue: IssueId,
    /// How urgent it is; the lowest goes first.
    pub priority: i64,
    /// How many of its deliveries could go now.
    pub waiting: usize,
}

/// The shares of issues in the room there is, remembered from one time to the next so that
/// what does not divide evenly evens out.
///
/// Of different priorities the more urgent goes first, but for [`KEPT`]. Issues of one priority
/// take turns row by row (deficit round robin, whose deficit is the turn where all cost the
/// same).
#[derive(Debug, Clone, Default)]
pub struct Shares {
    classes: BTreeMap<i64, Class>,
}

#[derive(Debug, Clone, Default)]
struct Class {
    /// The issue that was served last.
    last: Option<IssueId>,
    /// What is owed to those less urgent, in parts of a delivery.
    owed: usize,
}

impl Shares {
    /// How many deliveries to take from each issue for `room` of them; the sum is the room, or
    /// all that is waiting where that is less.
    pub fn split(&mut self, room: usize, ready: &[Ready]) -> Vec<(IssueId, usize)> {
        let mut classes: BTreeMap<i64, Vec<Ready>> = BTreeMap::new();
        for issue in ready.iter().filter(|issue| issue.waiting > 0) {
            classes.entry(issue.priority).or_default().push(*issue);
        }
        self.classes
            .retain(|priority, _| classes.contains_key(priority));
        let mut below: usize = classes.values().flatten().map(|r| r.waiting).sum();
        let mut room = room.min(below);
        let mut taken = Vec::new();
        for (priority, issues) in &mut classes {
            let waiting: usize = issues.iter().map(|issue| issue.waiting).sum();
            below -= waiting;
            let class = self.classes.entry(*priority).or_default();
            let share = class.share(room, waiting, below);
            room -= share;
            class.serve(share, issues, &mut taken);
        }
        taken
    }
}

impl Class {
    /// How much of the room is this class's own.
    fn share(&mut self, room: usize, waiting: usize, below: usize) -> usize {
        if below == 0 {
            self.owed = 0;
            return room.min(waiting);
        }
        self.owed += room;
        let kept = (self.owed / KEPT).min(below).min(room);
        let share = waiting.min(room - kept);
        // What this class leaves over pays the debt as well.
        self.owed = self.owed.saturating_sub((room - share) * KEPT);
        share
    }

    /// Deals `share` out among the issues, beginning after the one that was served last.
    fn serve(&mut self, mut share: usize, issues: &mut [Ready], taken: &mut Vec<(IssueId, usize)>) {
        issues.sort_by_key(|issue| issue.issue);
        let after = issues.partition_point(|issue| Some(issue.issue) <= self.last);
        issues.rotate_left(after % issues.len().max(1));
        let mut given = vec![0; issues.len()];
        while share > 0 {
            let hungry: Vec<usize> = (0..issues.len())
                .filter(|at| given[*at] < issues[*at].waiting)
                .collect();
            if hungry.is_empty() {
                break;
            }
            let each = (share / hungry.len()).max(1);
            for at in hungry {
                let more = each.min(issues[at].waiting - given[at]).min(share);
                given[at] += more;
                share -= more;
                if more > 0 {
                    self.last = Some(issues[at].issue);
                }
            }
        }
        let served = issues.iter().zip(given).filter(|(_, n)| *n > 0);
        taken.extend(served.map(|(issue, n)| (issue.issue, n)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ready(issue: i64, priority: i64, waiting: usize) -> Ready {
        Ready {
            issue: IssueId(issue),
            priority,
            waiting,
        }
    }

    fn given(taken: &[(IssueId, usize)], issue: i64) -> usize {
        let of_issue = taken.iter().filter(|(id, _)| *id == IssueId(issue));
        of_issue.map(|(_, n)| n).sum()
    }

    #[test]
    fn an_alert_overtakes_a_digest_of_a_million() {
        let mut shares = Shares::default();
        let taken = shares.split(500, &[ready(1, 1, 1_000_000), ready(2, 0, 300)]);
        assert_eq!((given(&taken, 2), given(&taken, 1)), (300, 200));
    }

    #[test]
    fn a_stream_of_alerts_leaves_an_eighth_to_the_digests() {
        for room in [1, 3, 8, 500] {
            let mut shares = Shares::default();
            let mut digest = 0;
            for _ in 0..80 {
                let taken = shares.split(room, &[ready(1, 0, 10_000), ready(2, 1, 10_000)]);
                digest += given(&taken, 2);
            }
            assert_eq!(digest, 80 * room / KEPT, "room {room}");
        }
    }

    #[test]
    fn room_that_alerts_leave_over_is_no_debt() {
        let mut shares = Shares::default();
        for _ in 0..100 {
            shares.split(8, &[ready(1, 0, 1), ready(2, 1, 1000)]);
        }
        // The digest has had more than its part: the alerts get all but an eighth at once.
        let taken = shares.split(8, &[ready(1, 0, 1000), ready(2, 1, 1000)]);
        assert_eq!((given(&taken, 1), given(&taken, 2)), (7, 1));
    }

    #[test]
    fn issues_of_one_priority_take_turns_row_by_row() {
        let mut shares = Shares::default();
        let all = [ready(1, 1, 900), ready(2, 1, 900), ready(3, 1, 900)];
        let mut sums = [0; 3];
        for _ in 0..30 {
            let taken = shares.split(10, &all);
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += given(&taken, i64::try_from(at).unwrap() + 1);
            }
        }
        assert_eq!(sums, [100, 100, 100]);
        // One place at a time goes round.
        let turns: Vec<_> = (0..6).map(|_| shares.split(1, &all)[0].0.0).collect();
        assert_eq!(turns, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn what_a_small_issue_does_not_need_goes_to_the_others() {
        let mut shares = Shares::default();
        let taken = shares.split(100, &[ready(1, 1, 4), ready(2, 1, 900), ready(3, 1, 900)]);
        assert_eq!(
            (given(&taken, 1), given(&taken, 2), given(&taken, 3)),
            (4, 48, 48)
        );
        assert_eq!(shares.split(100, &[]), []);
        assert_eq!(shares.split(0, &[ready(1, 1, 4)]), []);
    }

    proptest! {
        #[test]
        fn the_room_is_used_up_and_nobody_gets_more_than_waits(
            rounds in proptest::collection::vec(
                (0usize..600, proptest::collection::vec((0i64..3, 0usize..400), 0..6)),
                1..20,
            ),
        ) {
            let mut shares = Shares::default();
            for (room, issues) in rounds {
                let issues: Vec<Ready> = (0..)
                    .zip(&issues)
                    .map(|(id, (priority, waiting))| ready(id, *priority, *waiting))
                    .collect();
                let taken = shares.split(room, &issues);
                let waiting: usize = issues.iter().map(|issue| issue.waiting).sum();
                let sum: usize = taken.iter().map(|(_, n)| n).sum();
                prop_assert_eq!(sum, room.min(waiting));
                for issue in &issues {
                    prop_assert!(given(&taken, issue.issue.0) <= issue.waiting);
                }
            }
        }
    }
}
