//! When a source is asked next: pure rules, no clock.
//!
//! The pause follows the source's habit: a quarter of the median gap between its articles, not
//! under five minutes (two for a site of the operator's own) and never above `every`. What the
//! source says of itself ([`Hints`]) lengthens the pause, up to a day; where the operator wrote
//! `every`, or the site is their own, up to `every` only. What a server asks for with `Retry-After` always
//! holds. Pauses are spread by a tenth, earlier where we chose them and later where the other
//! side did, so that neither `every` nor a wish is overrun.

use std::time::Duration;

use crate::config::SourceConfig;
use crate::domain::UnixMillis;
use crate::pipeline::websub::plan;
use crate::sources::Hints;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The shortest pause that a habit leads to.
const FLOOR: Duration = Duration::from_secs(5 * 60);
/// The same for a site of the operator's own.
const OWN_FLOOR: Duration = Duration::from_secs(2 * 60);
/// A source that has been silent for longer is asked less often, where `every` is not written.
const SILENCE: Duration = Duration::from_secs(30 * 86_400);
/// The part of its silence that such a source's pause is: an hour after a month.
const SILENCE_PART: u32 = 720;
/// The longest pause that anything but an error leads to.
pub(super) const LONGEST: Duration = DAY;
/// Articles that make a habit.
const HABIT: usize = 20;

/// The first pause after an error; it may have been a moment's.
const FIRST_PAUSE: Duration = MINUTE;
/// The second one; each further one is twice as long.
const SECOND_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The longest pause after errors.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// After so many refusals in a row (401, 403, 404) a source is asked once a day.
const REFUSALS: i64 = 7;
/// After so many failures in a row the operator is told.
const ALARM: i64 = 3;

/// How often something appears at a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Habit {
    /// The median gap between its articles.
    pub(super) gap: Option<Duration>,
    /// When the newest one appeared.
    pub(super) newest: Option<UnixMillis>,
}

impl Habit {
    /// The habit that the times of a source's last articles show. What appeared at one instant
    /// counts once: a feed without dates is no burst.
    pub(super) fn of(times: impl IntoIterator<Item = UnixMillis>) -> Self {
        let mut times: Vec<UnixMillis> = times.into_iter().collect();
        times.sort_unstable();
        times.dedup();
        let recent = &times[times.len().saturating_sub(HABIT)..];
        let mut gaps: Vec<Duration> = recent.windows(2).map(|two| two[1].since(two[0])).collect();
        gaps.sort_unstable();
        Self {
            // Of one gap nothing follows.
            gap: gaps.get(gaps.len() / 2).copied().filter(|_| gaps.len() > 1),
            newest: recent.last().copied(),
        }
    }
}

/// What the pause after a good answer depends on.
pub(super) struct Answered<'a> {
    pub(super) config: &'a SourceConfig,
    pub(super) habit: Habit,
    pub(super) hints: Hints,
    /// Whether a hub tells us of what is new.
    pub(super) is_pushed: bool,
    /// What this answer asked for.
    pub(super) retry_after: Option<Duration>,
    /// Spreads sources that would march in step.
    pub(super) seed: u64,
}

impl Answered<'_> {
    /// When the source is asked again after a good answer at `now`.
    pub(super) fn next(&self, now: UnixMillis) -> UnixMillis {
        let base = pause_of(self.config, self.habit, now);
        let base = match self.is_pushed {
            true => plan::relaxed(base, self.config.own),
            false => base,
        };
        let ours = base.saturating_sub(part(base, self.seed));
        let hint = hint_of(self.config, self.hints);
        let pause = match hint {
            Some(hint) if hint > ours => hint.saturating_add(part(hint, self.seed)),
            _ => ours,
        };
        // The operator's word is the most, whatever the site says of itself.
        let pause = if self.config.own || self.config.every_is_set {
            pause.min(self.config.every.max(base))
        } else {
            pause
        };
        let mut next = now.plus(pause);
        if !self.config.own {
            next = awake(next, self.hints, self.seed);
        }
        match self.retry_after {
            Some(wait) => next.max(now.plus(wait.min(LONGEST))),
            None => next,
        }
    }
}

/// The pause that a source's habit calls for, before it is spread.
fn pause_of(config: &SourceConfig, habit: Habit, now: UnixMillis) -> Duration {
    let floor = if config.own { OWN_FLOOR } else { FLOOR };
    let every = config.every;
    let base = match habit.gap {
        Some(gap) => (gap / 4).clamp(floor.min(every), every),
        None => every,
    };
    let silence = habit.newest.map_or(Duration::ZERO, |at| now.since(at));
    if config.own || config.every_is_set || silence <= SILENCE {
        return base;
    }
    base.max(silence / SILENCE_PART).min(LONGEST)
}

/// How much of what the source says of itself is believed.
fn hint_of(config: &SourceConfig, hints: Hints) -> Option<Duration> {
    let hint = hints.pause?;
    if config.own {
        // WordPress writes an hour into every feed and nobody meant it.
        return Some(hint).filter(|hint| *hint < HOUR);
    }
    Some(hint.min(LONGEST))
}

/// Up to a tenth of a pause.
fn part(pause: Duration, seed: u64) -> Duration {
    let tenth = u64::try_from(pause.as_millis() / 10).unwrap_or(u64::MAX);
    Duration::from_millis(seed % tenth.saturating_add(1))
}

/// The first instant from `at` on in an hour and on a day that the source does not sleep
/// through. One that always sleeps is not believed.
fn awake(at: UnixMillis, hints: Hints, seed: u64) -> UnixMillis {
    const ALL_HOURS: u32 = 0xff_ffff;
    const ALL_DAYS: u8 = 0x7f;
    let asleep_hours = hints.skip_hours & ALL_HOURS;
    let asleep_days = hints.skip_days & ALL_DAYS;
    if asleep_hours == ALL_HOURS || asleep_days == ALL_DAYS {
        return at;
    }
    let sleeps = |hour: i64| {
        // 1 January 1970 was a Thursday, the fourth day from Monday on.
        let day = (hour.div_euclid(24) + 3).rem_euclid(7);
        asleep_hours >> hour.rem_euclid(24) & 1 == 1 || asleep_days >> day & 1 == 1
    };
    const HOUR_MS: i64 = 3_600_000;
    let first = at.0.div_euclid(HOUR_MS);
    if !sleeps(first) {
        return at;
    }
    // Six days and 23 hours can be slept through.
    let wakes = (first..first + 7 * 24 + 24).find(|&hour| !sleeps(hour));
    wakes.map_or(at, |hour| {
        UnixMillis(hour * HOUR_MS).plus_ms(i64::try_from(seed % 300_000).unwrap_or(0))
    })
}

/// The pause after the `fails`-th failure in a row.
pub(super) fn pause_after(
    fails: i64,
    status: Option<u16>,
    retry_after: Option<Duration>,
    seed: u64,
) -> Duration {
    let doubled = |first: Duration, times: i64| first.saturating_mul(1 << times.clamp(0, 12));
    let pause = match (status, fails) {
        (Some(401 | 403 | 404), REFUSALS..) => DAY,
        (Some(429), fails) => doubled(SECOND_PAUSE, fails - 1).min(DAY),
        (Some(503), fails) if retry_after.is_some() => doubled(SECOND_PAUSE, fails - 1).min(DAY),
        (_, ..=1) => FIRST_PAUSE,
        (_, fails) => doubled(SECOND_PAUSE, fails - 2).min(LONGEST_PAUSE),
    };
    let asked = retry_after.unwrap_or_default().min(LONGEST);
    pause.saturating_add(part(pause, seed)).max(asked)
}

/// Whether the operator is to be told now, once, that a source does not answer: at the third
/// failure in a row, or after an hour without an answer from a site of the operator's own.
/// `last_try` and `last_ok` are of before this failure.
pub(super) fn alarms(
    own: bool,
    fails: i64,
    last_ok: Option<UnixMillis>,
    last_try: Option<UnixMillis>,
    now: UnixMillis,
) -> bool {
    let was_told = last_try.is_some_and(|at| is_alarming(own, fails - 1, last_ok, at));
    !was_told && is_alarming(own, fails, last_ok, now)
}

/// Whether a source that failed for the `fails`-th time in a row at `now` is for the operator
/// to look at.
#[must_use]
pub fn is_alarming(own: bool, fails: i64, last_ok: Option<UnixMillis>, now: UnixMillis) -> bool {
    let silence = last_ok.map_or(Duration::ZERO, |ok| now.since(ok));
    // One failure after a long pause of ours is no silence of theirs.
    fails >= ALARM || own && fails > 1 && silence >= HOUR
}

#[cfg(test)]
mod tests;
