//! Following sources by push (W3C WebSub): subscriptions with the hubs that they name.
//!
//! A poll notes the hubs; [`step`] asks them, one after the other until one confirms, and renews
//! what runs out; `receive` answers what they send to our callbacks. Polling goes on meanwhile,
//! less often: a hub is a stranger's promise. One that is silent about articles which polling
//! then finds counts as dead, and polling is as before.

pub mod plan;
mod receive;
pub mod signature;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use tokio::task::JoinSet;
use tracing::{info, warn};
use url::Url;

use super::{App, public_url};
use crate::domain::{ArticleState, UnixMillis};
use crate::sources::Hubs;
use crate::store::{Change, HubOffer, HubSubscription, NextAsk, StoreError};

pub use receive::{Intent, Known, Verdict, pushed, verify};

/// Hubs asked at the same time.
const AT_ONCE: usize = 8;
/// A round ends when this much time has gone by; the next one goes on.
const ROUND: Duration = Duration::from_secs(10);
/// Nobody else asks a hub for so long.
const CLAIM: Duration = Duration::from_secs(600);
/// An article that polling finds so long after it was published should have been pushed.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Hubs of one source that are looked at.
const MOST_HUBS: usize = 4;

/// One round: makes subscriptions match what sources offer, and asks the hubs that are due.
///
/// # Errors
/// The store's; a hub's own trouble is kept with its subscription.
pub async fn step(app: &App, now: UnixMillis) -> Result<(), StoreError> {
    let offers = app.db.hub_offers().await?;
    let have = app.db.hub_subscriptions().await?;
    let is_reachable = app.client.guard().is_reachable(&app.config.server.base_url);
    let wanted = |source: &str| {
        let source = app.sources.get(source);
        is_reachable && source.is_some_and(|source| source.config.websub)
    };
    for change in plan::reconcile(&offers, wanted, &have) {
        match change {
            plan::Change::Leave(id) => app.db.leave_hub(id, now).await?,
            plan::Change::Begin(offer) => {
                let callback = unguessable()?;
                app.db
                    .begin_hub_subscription(&offer, &callback, now)
                    .await?;
            }
        }
    }
    let offers = offers.into_iter().map(|offer| (offer.source, offer.hubs));
    let hubs: HashMap<String, Vec<String>> = offers.collect();
    let began = Instant::now();
    // Each has its next time far ahead once it was asked, or its claim has.
    while ask_some(app, &hubs, now).await? == AT_ONCE && began.elapsed() < ROUND {}
    Ok(())
}

/// Asks the hubs of some subscriptions that are due; of how many.
async fn ask_some(
    app: &App,
    hubs: &HashMap<String, Vec<String>>,
    now: UnixMillis,
) -> Result<usize, StoreError> {
    let until = now.plus(CLAIM);
    let claimed = app.db.claim_hub_subscriptions(now, until, AT_ONCE).await?;
    let count = claimed.len();
    let mut asking = JoinSet::new();
    for one in claimed {
        let hubs = hubs.get(&one.source).cloned().unwrap_or_default();
        let app = app.clone();
        asking.spawn(async move { ask(&app, one, &hubs, now).await });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "a hub could not be asked");
            Ok(())
        })?;
    }
    Ok(count)
}

/// Asks one hub.
async fn ask(
    app: &App,
    one: HubSubscription,
    hubs: &[String],
    now: UnixMillis,
) -> Result<(), StoreError> {
    let fresh = (unguessable()?, unguessable()?);
    let guard = app.client.guard();
    let keeps = |hub: &str| Url::parse(hub).is_ok_and(|hub| guard.keeps_secrets(&hub));
    let Some(next) = plan::next_ask(&one, hubs, now, fresh, keeps) else {
        return app.db.forget_hub_subscription(one.id).await;
    };
    if !app.db.ask_hub(&one, &next, now).await? {
        return Ok(());
    }
    let (source, hub) = (&one.source, &next.hub);
    match request(app, &one, &next).await {
        Ok(()) => info!(source.name = source, hub, mode = next.mode, "hub asked"),
        Err((error, wait)) => {
            warn!(
                source.name = source,
                hub,
                mode = next.mode,
                error,
                "hub not asked"
            );
            let again = plan::after_failure(&one, next.fails, hubs.len(), wait, now);
            let callback = &next.callback;
            app.db
                .hub_failed(one.id, callback, now, &error, again)
                .await?;
        }
    }
    Ok(())
}

/// Sends the request (W3C WebSub §5.1); why the hub did not take it, and how long it wants to be
/// left alone.
async fn request(
    app: &App,
    one: &HubSubscription,
    next: &NextAsk,
) -> Result<(), (String, Option<Duration>)> {
    let hub = Url::parse(&next.hub).map_err(|e| (format!("`{}`: {e}", next.hub), None))?;
    let callback = public_url(&app.config, &format!("websub/callback/{}", next.callback));
    let lease = plan::LONGEST_LEASE.as_secs().to_string();
    let mut fields = vec![
        ("hub.mode", next.mode),
        ("hub.topic", &one.topic),
        ("hub.callback", &callback),
    ];
    if next.mode == "subscribe" {
        fields.push(("hub.lease_seconds", &lease));
        if let Some(secret) = &next.secret {
            fields.push(("hub.secret", secret));
        }
    }
    let answer = app.client.post_form(&hub, &fields).await;
    let answer = answer.map_err(|error| (error.to_string(), error.retry_after()))?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    // Hubs like to say back what they were asked; the callback's address is a secret.
    let words = answer.words.replace(&next.callback, "…");
    let words = format!("{hub} answered {} {words}", answer.status);
    Err((words.trim_end().to_owned(), answer.retry_after))
}

/// Notes the hubs that a source named in an answer.
pub(super) async fn heard(app: &App, source: &str, hubs: &Hubs) -> Result<(), StoreError> {
    let mut known: Vec<String> = Vec::new();
    for hub in hubs.hubs.iter().take(MOST_HUBS) {
        let is_web = Url::parse(hub).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if is_web && hub.len() <= 2000 && !known.contains(hub) {
            known.push(hub.clone());
        }
    }
    let topic = hubs.topic.as_deref().filter(|topic| topic.len() <= 2000);
    if app.db.note_hubs(source, topic, &known).await? {
        app.wake.hubs.notify_one();
    }
    Ok(())
}

/// Counts what a poll found, `published` at these times, that the source's hub should have told of.
pub(super) async fn found_by_polling(
    app: &App,
    source: &str,
    published: &[UnixMillis],
    now: UnixMillis,
) -> Result<(), StoreError> {
    if published.is_empty() {
        return Ok(());
    }
    let Some(one) = app.db.hub_subscription_of(source).await? else {
        return Ok(());
    };
    let heard = one.verified_at.max(one.last_push_at);
    let is_missed =
        |at: &&UnixMillis| heard.is_some_and(|heard| **at > heard) && at.plus(LATE) < now;
    let missed = i64::try_from(published.iter().filter(is_missed).count()).unwrap_or(i64::MAX);
    if missed == 0 {
        return Ok(());
    }
    let words = format!("{} does not tell of new articles", one.hub);
    let again = now.plus(plan::DAY);
    if app.db.hub_missed(one.id, missed, &words, again).await? {
        warn!(
            source.name = source,
            hub = one.hub,
            "the hub is silent; polling as before"
        );
    }
    Ok(())
}

/// When the articles that are news were published.
pub(super) fn published(changes: &[Change]) -> Vec<UnixMillis> {
    let news = |change: &Change| match change {
        Change::New {
            revision, state, ..
        } if *state != ArticleState::Baseline => Some(revision.published),
        _ => None,
    };
    changes.iter().filter_map(news).collect()
}

/// A subscription in a few words, for the status.
#[must_use]
pub fn describe(one: &HubSubscription, now: UnixMillis) -> String {
    use crate::store::HubState::{Dead, Denied, Leaving, Pending, Verified};
    let why = one.error.as_deref().unwrap_or("it did not answer");
    match (one.state, one.lease_until) {
        (Verified, Some(until)) if until > now => {
            let wrong = match one.refused {
                0 => String::new(),
                n => format!(", {n} with a wrong signature ignored"),
            };
            format!("subscribed until {until}; {} pushes{wrong}", one.pushes)
        }
        (Verified, _) => format!("the subscription ran out: {why}"),
        (Pending, _) if one.error.is_none() => format!("waits for {}", one.hub),
        (Pending, _) => format!("not subscribed: {why}"),
        (Denied, _) => format!("the hub refuses: {why}"),
        (Dead, _) => why.to_owned(),
        (Leaving, _) => format!("being ended with {}", one.hub),
    }
}

/// 256 random bits for an address or a secret.
fn unguessable() -> Result<String, StoreError> {
    let mut bytes = [0u8; 32];
    rand::fill(&mut bytes).map_err(|_| {
        StoreError::Unsupported("this system gives no random numbers to make a secret of".into())
    })?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// The offer of a source, with no hubs where it makes none.
async fn hubs_of(app: &App, source: &str) -> Result<usize, StoreError> {
    let offers: Vec<HubOffer> = app.db.hub_offers().await?;
    let offer = offers.iter().find(|offer| offer.source == source);
    Ok(offer.map_or(0, |offer| offer.hubs.len()))
}
