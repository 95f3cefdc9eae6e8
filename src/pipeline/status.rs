//! How things stand: the document of `status --json` and `GET /api/v1/status`.
//!
//! Read from the configuration and the database, so the command line tells the same as the
//! daemon, the pauses of relays and what is left of their day among it; only the daemon knows
//! its connections to the relays.

mod relay;
mod source;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::channels::email::Relays;
use crate::config::{ChannelConfig, ChannelSchedule, Config, SourceConfig};
use crate::domain::{DeliveryState, Issue, IssueId, IssueState, UnixMillis};
use crate::sources;
use crate::store::{Db, HubState, HubSubscription, StoreError};

use self::relay::relay_status;
pub use self::relay::{DomainStatus, LimitStatus, RelayStatus};
use self::source::source_status;
use super::websub;

/// Every value of [`SourceStatus::state`].
pub const SOURCE_STATES: [&str; 4] = ["new", "ok", "failing", "gone"];

/// Sources, channels, the queue, relays. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Of this program.
    pub version: &'static str,
    /// Seconds since the daemon started.
    pub uptime_s: u64,
    /// Every configured source.
    pub sources: Vec<SourceStatus>,
    /// How many articles wait until a person decides (for people; not part of the document).
    #[serde(skip)]
    pub held: i64,
    /// Every configured channel.
    pub channels: Vec<ChannelStatus>,
    /// How many deliveries are in each state; every state is there.
    #[serde(serialize_with = "in_lifes_order")]
    pub deliveries: BTreeMap<DeliveryState, i64>,
    /// Every configured relay.
    pub relays: Vec<RelayStatus>,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceStatus {
    /// Its name in the configuration.
    pub id: String,
    /// `feed`, `wordpress` …
    pub kind: String,
    /// `new` (never fetched), `ok`, `failing`, or `gone` (it said so, 410, and is not asked
    /// again).
    pub state: &'static str,
    /// When it was last fetched.
    pub last_fetch: Option<UnixMillis>,
    /// When it is fetched next.
    pub next_fetch: Option<UnixMillis>,
    /// How many of its articles are known.
    pub articles: i64,
    /// What went wrong last.
    pub error: Option<String>,
    /// How it does, in words (for people; not part of the document).
    #[serde(skip)]
    pub explanation: String,
    /// Whether it is gone, or has failed for so long that the log said so (for metrics).
    #[serde(skip)]
    pub needs_attention: bool,
    /// How it is told of new articles, where it is: that it waits for pushes, or how its hub does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<String>,
    /// Failures since the last good answer (for metrics; not part of the document).
    #[serde(skip)]
    pub fails: i64,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelStatus {
    /// Its name in the configuration.
    pub id: String,
    /// `email`, `feed` …
    pub kind: String,
    /// `new` (no issue yet), `ok`, `sending`, `waiting` (an issue waits for approval) or
    /// `paused`: of the newest issue.
    pub state: &'static str,
    /// When its schedules next call for an issue; none for `each`, which follows the articles.
    pub next_run: Option<UnixMillis>,
    /// The newest issue's id, as `courant issues show` takes it.
    pub last_issue: Option<IssueId>,
}

fn in_lifes_order<S: Serializer>(
    counts: &BTreeMap<DeliveryState, i64>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(counts.iter().map(|(state, count)| (state.as_str(), count)))
}

/// How things stand at `now`, for a daemon that started at `started` and sends through `live`;
/// without `live`, as far as the configuration and the database know.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub async fn status(
    db: &Db,
    config: &Config,
    live: Option<&Relays>,
    started: UnixMillis,
    now: UnixMillis,
) -> Result<Status, StoreError> {
    let memories = db.sources().await?;
    let memories: BTreeMap<_, _> = memories.iter().map(|m| (m.name.as_str(), m)).collect();
    let articles = db.article_counts().await?;
    let hubs = db.hub_subscriptions().await?;
    let push = |source: &SourceConfig| {
        let current =
            |one: &&HubSubscription| one.source == source.id && one.state != HubState::Leaving;
        match hubs.iter().find(current) {
            _ if source.kind == sources::push::KIND.name => Some("waits for pushes".to_owned()),
            one => one.map(|one| websub::describe(one, now)),
        }
    };
    let mut channels = Vec::with_capacity(config.channels.len());
    for channel in config.channels.values() {
        let newest = db.newest_issue(&channel.id).await?;
        channels.push(channel_status(channel, newest.as_ref(), now));
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: now.since(started).as_secs(),
        sources: config
            .sources
            .values()
            .map(|source| {
                let known = articles.get(&source.id).copied().unwrap_or_default();
                let memory = memories.get(source.id.as_str()).copied();
                SourceStatus {
                    push: push(source),
                    ..source_status(source, memory, known, now)
                }
            })
            .collect(),
        held: db.held_articles().await?,
        channels,
        deliveries: db.queue_counts().await?,
        relays: relay_status(db, config, live, now).await?,
    })
}

fn channel_status(
    channel: &ChannelConfig,
    newest: Option<&Issue>,
    now: UnixMillis,
) -> ChannelStatus {
    let state = newest.map_or("new", |issue| match issue.state {
        IssueState::Waiting => "waiting",
        IssueState::Sending => "sending",
        IssueState::Paused => "paused",
        IssueState::Done | IssueState::Cancelled => "ok",
    });
    let runs = channel.schedules.values().filter_map(|one| match one {
        ChannelSchedule::Each => None,
        ChannelSchedule::Cron(cron) => cron.next_after(now),
    });
    ChannelStatus {
        id: channel.id.clone(),
        kind: channel.kind.clone(),
        state,
        next_run: runs.min(),
        last_issue: newest.map(|issue| issue.id),
    }
}
