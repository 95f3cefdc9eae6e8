//! A feed channel's own keys, and what its schedule means for those who poll it.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{ChannelConfig, ChannelSchedule};
use crate::domain::UnixMillis;
use crate::schedule::Schedule;

/// `items` and `export` of a `[channels.…]` table whose kind is `feed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedSettings {
    /// How many articles the feed holds, newest first.
    pub items: u32,
    /// The directory the three files are written into as well, relative to the configuration.
    pub export: Option<PathBuf>,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            items: 50,
            export: None,
        }
    }
}

/// How long a reader may keep this channel's feed: a quarter of the shortest time between two
/// of its issues, at least 15 minutes and at most 12 hours. A channel that publishes each
/// article as it comes gets the 15 minutes.
///
/// Computed from the schedule alone, never from the time of day: it stands in the feed (`ttl`),
/// whose bytes must not change while its content does not.
#[must_use]
pub fn fresh_for(channel: &ChannelConfig) -> Duration {
    const LEAST: Duration = Duration::from_secs(900);
    const MOST: Duration = Duration::from_secs(43_200);
    channel
        .schedules
        .values()
        .map(|schedule| match schedule {
            ChannelSchedule::Each => LEAST,
            ChannelSchedule::Cron(cron) => shortest_pause(cron).unwrap_or(MOST) / 4,
        })
        .min()
        .unwrap_or(LEAST)
        .clamp(LEAST, MOST)
}

/// The shortest time between two of a week's worth of runs.
fn shortest_pause(cron: &Schedule) -> Option<Duration> {
    const SOME_MONDAY: UnixMillis = UnixMillis(1_767_571_200_000); // 2026-01-05
    let runs: Vec<_> =
        std::iter::successors(cron.next_after(SOME_MONDAY), |run| cron.next_after(*run))
            .take(50)
            .collect();
    runs.windows(2).map(|two| two[1].since(two[0])).min()
}
