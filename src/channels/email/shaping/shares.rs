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
