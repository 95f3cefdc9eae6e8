//! Relays: their state, and every limit that holds for them now.

use serde::Serialize;

use crate::channels::email::Relays;
use crate::channels::email::relays::GroupStatus;
use crate::channels::email::shaping::Day;
use crate::config::Config;
use crate::domain::UnixMillis;
use crate::store::{Db, RelayRule, StoreError};

/// A relay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelayStatus {
    /// Its name in the configuration.
    pub id: String,
    /// `unused` when no channel sends mail; `paused for 30 s:` and why, or `paused until
    /// tomorrow:` where its day is used up, for digests or for all mail; else `ok` from the daemon that answers, and
    /// `configured` from a command, which has no connections.
    pub state: String,
    /// Connections open now, in the daemon that answers.
    pub connections: usize,
    /// Connections that it may have now: as many as it has shown to take.
    pub window: usize,
    /// The most messages a second; none for as many as it takes.
    pub rate_per_s: Option<f64>,
    /// Messages that it may be given today, and how many all daemons have given it.
    pub quota: Option<u32>,
    /// See `quota`.
    pub quota_used: Option<i64>,
    /// When its pause ends.
    pub paused_until: Option<UnixMillis>,
    /// Why it is paused.
    pub reason: Option<String>,
    /// What reply rules hold it to for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitStatus>,
    /// Its domains with limits of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<DomainStatus>,
}

/// A limit that a reply rule has set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitStatus {
    /// `rate` or `connections`.
    pub kind: String,
    /// As the rule has it: `1/m`, `2`.
    pub value: String,
    /// When it is over.
    pub until: UnixMillis,
    /// What the relay had said.
    pub reason: String,
}

/// A domain of recipients, or several that are one provider, with limits of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainStatus {
    /// The domain that names the group.
    pub id: String,
    /// The most messages a second; none for as many as the relay takes.
    pub rate_per_s: Option<f64>,
    /// The most connections that carry its mail at a time; none for any.
    pub connections: Option<u32>,
    /// Mails that wait for a connection, in the daemon that answers.
    pub waiting: usize,
    /// Mails that connections carry, in the daemon that answers.
    pub carried: usize,
}

impl From<GroupStatus> for DomainStatus {
    fn from(group: GroupStatus) -> Self {
        Self {
            id: group.domain,
            rate_per_s: group.rate_per_s,
            connections: group.connections,
            waiting: group.queue.0,
            carried: group.queue.1,
        }
    }
}

impl From<RelayRule> for LimitStatus {
    fn from(rule: RelayRule) -> Self {
        Self {
            kind: rule.kind,
            value: rule.value,
            until: rule.until,
            reason: rule.why,
        }
    }
}

/// How each relay stands at `now`.
pub(super) async fn relay_status(
    db: &Db,
    config: &Config,
    live: Option<&Relays>,
    now: UnixMillis,
) -> Result<Vec<RelayStatus>, StoreError> {
    let mut channels = config.channels.values();
    let is_used = channels.any(|channel| channel.kind == "email");
    // Without connections of our own: the same relays, opened by nobody.
    let asleep;
    let relays = match live {
        Some(relays) => relays,
        None => {
            asleep = Relays::new(config);
            &asleep
        }
    };
    let shared = db.relay_pauses(now).await?;
    let mut overrides = db.relay_overrides(now).await?;
    let mut all = Vec::new();
    for (relay, known) in relays.iter().zip(relays.status()) {
        let day = relay.today(now);
        let used = match day.most {
            Some(_) => Some(db.quota_used(&relay.id, &day.date.to_string()).await?),
            None => None,
        };
        let own = known.pause.map(|(left, why)| (now.plus(left), why));
        let told = shared.iter().find(|rule| *rule.relay == *relay.id);
        let pause = own.or_else(|| told.map(|rule| (rule.until, rule.why.clone())));
        let waits = used.and_then(|used| until_tomorrow(&day, used));
        let state = match &pause {
            _ if !is_used => "unused".to_owned(),
            Some((until, why)) => {
                format!("paused for {} s: {why}", until.since(now).as_secs())
            }
            None if waits.is_some() => waits.unwrap_or_default(),
            _ if live.is_some() => "ok".to_owned(),
            _ => "configured".to_owned(),
        };
        let is_its = |rule: &mut RelayRule| *rule.relay == *relay.id;
        let limits = overrides.extract_if(.., is_its).map(Into::into).collect();
        let (paused_until, reason) = pause.unzip();
        all.push(RelayStatus {
            id: known.id,
            state,
            connections: known.connections,
            window: known.window,
            rate_per_s: known.rate_per_s,
            quota: day.most,
            quota_used: used,
            paused_until,
            reason,
            limits,
            domains: known.groups.into_iter().map(Into::into).collect(),
        });
    }
    Ok(all)
}

/// What waits for the next day when so much of this one is used; `None` for nothing.
fn until_tomorrow(day: &Day, used: i64) -> Option<String> {
    let most = day.most?;
    if used >= i64::from(most) {
        return Some(format!(
            "paused until tomorrow: today's {most} messages are sent"
        ));
    }
    (used >= i64::from(most - day.kept())).then(|| {
        format!(
            "paused until tomorrow for digests: {used} of today's {most} messages are sent, \
             the rest is kept for alerts and confirmation mail"
        )
    })
}
