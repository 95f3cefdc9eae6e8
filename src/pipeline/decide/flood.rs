//! The flood brake: more new articles at once than a source usually brings are held.
//!
//! A new content system, a rebuilt archive or changed guids must not mail everybody. What is
//! usual is the source's own history: nine of ten of its polls that brought anything brought no
//! more. `flood` is the ceiling, and all there is while the history is short.

use std::time::Duration;

use crate::domain::UnixMillis;

/// So many at once are never a flood (unless `flood` is lower).
const ALWAYS: i64 = 5;
/// So many times the usual is one.
const TIMES: i64 = 4;
/// Polls that brought something before there is a habit.
const LEAST_HISTORY: usize = 5;
/// A source not heard for so long, and for some of its pauses, has something to catch up with.
const OUTAGE: Duration = Duration::from_secs(6 * 3600);
/// See [`OUTAGE`].
const PAUSES: u32 = 3;

/// What a source brought before.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct History {
    /// How many new articles came at which polls, oldest first.
    pub arrivals: Vec<(UnixMillis, i64)>,
    /// Since its last good answer.
    pub silent: Duration,
    /// The pause between its polls.
    pub every: Duration,
}

/// Why so many new articles are held; `None` where they are not.
pub(super) fn brake(arrived: usize, history: &History, flood: u32) -> Option<String> {
    let arrived = i64::try_from(arrived).unwrap_or(i64::MAX);
    let flood = i64::from(flood);
    let usual = usual(&history.arrivals);
    let most = usual.map_or(flood, |usual| {
        let relative = ALWAYS.max(usual.saturating_mul(TIMES));
        relative.max(missed(history)).min(flood)
    });
    if arrived <= most {
        return None;
    }
    Some(match usual {
        Some(usual) if most < flood => format!(
            "flood brake: {arrived} new articles in one poll, of a source that usually brings {} \
             at a time; more than {most} are held",
            if usual == 1 {
                "one".to_owned()
            } else {
                format!("up to {usual}")
            }
        ),
        _ => format!(
            "flood brake: {arrived} new articles in one poll; more than {most} are held (`flood`)"
        ),
    })
}

/// The most that nine of ten polls brought.
fn usual(arrivals: &[(UnixMillis, i64)]) -> Option<i64> {
    if arrivals.len() < LEAST_HISTORY {
        return None;
    }
    let mut counts: Vec<i64> = arrivals.iter().map(|(_, count)| *count).collect();
    counts.sort_unstable();
    counts.get((counts.len() - 1) * 9 / 10).copied()
}

/// Twice what it usually publishes in the time that it was not heard, after an outage.
fn missed(history: &History) -> i64 {
    let is_outage = history.silent > OUTAGE.max(history.every.saturating_mul(PAUSES));
    let ends = history.arrivals.first().zip(history.arrivals.last());
    let Some(((first, _), (last, _))) = ends.filter(|_| is_outage) else {
        return 0;
    };
    let total: i64 = history.arrivals.iter().map(|(_, count)| *count).sum();
    let span = i128::try_from(last.since(*first).as_millis()).unwrap_or(i128::MAX);
    let silent = i128::try_from(history.silent.as_millis()).unwrap_or(i128::MAX);
    let missed = i128::from(total).saturating_mul(silent) / span.max(1);
    i64::try_from(missed.saturating_mul(2)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// One poll an hour that brought something.
    fn hourly(counts: &[i64]) -> History {
        let at = |(hour, count): (usize, &i64)| (UnixMillis(hour as i64 * HOUR), *count);
        History {
            arrivals: counts.iter().enumerate().map(at).collect(),
            silent: Duration::from_secs(600),
            every: Duration::from_secs(600),
        }
    }

    fn most(history: &History, flood: u32) -> usize {
        (1..1000)
            .find(|n| brake(*n, history, flood).is_some())
            .unwrap()
            - 1
    }

    #[test]
    fn more_than_four_times_the_usual_is_a_flood_and_flood_is_the_ceiling() {
        assert_eq!(most(&hourly(&[1; 10]), 25), 5);
        assert_eq!(most(&hourly(&[2, 1, 3, 1, 2, 3, 2, 1]), 25), 12);
        assert_eq!(most(&hourly(&[12; 10]), 25), 25);
        assert_eq!(most(&hourly(&[1; 10]), 3), 3);
    }

    #[test]
    fn without_a_habit_only_the_ceiling_counts() {
        assert_eq!(most(&hourly(&[]), 25), 25);
        assert_eq!(most(&hourly(&[1; 4]), 25), 25);
    }

    #[test]
    fn one_flood_that_was_let_through_makes_no_habit() {
        let mut counts = vec![1; 12];
        counts.push(40);
        assert_eq!(most(&hourly(&counts), 25), 5);
        // A batch each morning is one.
        let mornings: Vec<i64> = (0..40).map(|n| if n % 5 == 0 { 6 } else { 1 }).collect();
        assert_eq!(most(&hourly(&mornings), 25), 24);
    }

    #[test]
    fn after_an_outage_a_source_may_bring_what_it_would_have_brought() {
        let mut history = hourly(&[1; 30]);
        history.silent = Duration::from_secs(10 * 3600);
        assert_eq!(most(&history, 25), 20);
        history.silent = Duration::from_secs(5 * 3600);
        assert_eq!(most(&history, 25), 5);
        // Polled once a day, ten hours are no outage.
        history.silent = Duration::from_secs(10 * 3600);
        history.every = Duration::from_secs(86_400);
        assert_eq!(most(&history, 25), 5);
    }

    #[test]
    fn the_reason_says_the_numbers() {
        let reason = brake(7, &hourly(&[1; 10]), 25).unwrap();
        assert_eq!(
            reason,
            "flood brake: 7 new articles in one poll, of a source that usually brings one at a \
             time; more than 5 are held"
        );
        let reason = brake(30, &hourly(&[]), 25).unwrap();
        assert!(reason.contains("30") && reason.contains("more than 25"));
    }
}
