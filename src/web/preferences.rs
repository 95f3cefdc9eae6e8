//! `/preferences/TOKEN`: how often, about what, on whose clock.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Request, State as Shared};
use axum::response::Response;
use serde::Serialize;

use super::error::Error;
use super::form::Form;
use super::page;
use super::readers::{Holder, action_of};
use super::state::State;
use super::views::{ChannelView, Tongue};
use crate::config::{ChannelConfig, ChannelSchedule};
use crate::domain::{Purpose, Subscription, SubscriptionState, UnixMillis};
use crate::store::Preferences;

/// Topics offered where the channel's configuration names none: the most frequent of its
/// newest articles.
const MOST_TOPICS: usize = 24;
/// How many of the newest articles are asked for their topics.
const RECENT: i64 = 200;

#[derive(Debug, Serialize)]
struct PreferencesPage {
    #[serde(flatten)]
    tongue: Tongue,
    channel: ChannelView,
    address: String,
    schedules: Vec<ScheduleChoice>,
    topics: Vec<TopicChoice>,
    timezone: String,
    action_url: String,
    saved: bool,
}

#[derive(Debug, Serialize)]
struct ScheduleChoice {
    name: String,
    label: String,
    chosen: bool,
}

#[derive(Debug, Serialize)]
struct TopicChoice {
    name: String,
    chosen: bool,
}

/// A reader with a living subscription.
struct Reader {
    holder: Holder,
    subscription: Subscription,
}

impl Reader {
    async fn of(state: &State, token: &str) -> Result<Self, Error> {
        let holder = Holder::of(state, Purpose::Preferences, token).await?;
        let subscriptions = state.db().subscriptions(holder.id).await?;
        let subscription = subscriptions.into_iter().find(|subscription| {
            subscription.channel == holder.channel
                && subscription.state != SubscriptionState::Unsubscribed
        });
        match subscription {
            Some(subscription) => Ok(Self {
                holder,
                subscription,
            }),
            None => Err(Error::Ended),
        }
    }
}

/// GET `/preferences/{token}`: shows.
///
/// # Errors
/// [`Error::Link`] for a token this installation did not make, [`Error::Ended`] for one whose
/// subscription is no more.
pub async fn show(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    let reader = Reader::of(&state, &token).await?;
    preferences_page(&state, &reader, &token, Moment::Asked).await
}

/// POST `/preferences/{token}`: saves `schedule`, `topics` (repeated) and `timezone`; or ends
/// the subscription with `unsubscribe`. A field that is not sent keeps its value, except that
/// no `topics` at all mean all of them, as unticked boxes are not sent.
///
/// # Errors
/// Those of [`show`]; [`Error::Unclear`] for a schedule or zone there is not.
pub async fn save(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await?;
    let mut reader = Reader::of(&state, &token).await?;
    if form.get("unsubscribe").is_some() {
        let (id, channel) = (reader.holder.id, &reader.holder.channel);
        let now = UnixMillis::now();
        state.db().unsubscribe(id, channel, "page", now).await?;
        return Err(Error::Ended);
    }
    let config = state.live().config;
    let channel = config.channels.get(&reader.holder.channel);
    let channel = channel.ok_or(Error::Ended)?;
    let schedule = chosen_schedule(&form, channel, &reader.subscription)?;
    let offered = topics_of(&state, channel, &reader.subscription).await?;
    let topics = chosen_topics(&form, &offered);
    let timezone = chosen_zone(&form, reader.holder.timezone())?;
    let preferences = Preferences {
        schedule,
        topics,
        timezone,
    };
    let (id, channel) = (reader.holder.id, &reader.holder.channel);
    state
        .db()
        .set_preferences(id, channel, &preferences)
        .await?;
    reader = Reader::of(&state, &token).await?;
    preferences_page(&state, &reader, &token, Moment::Saved).await
}

/// The schedule's name; `None` follows the channel's default, now and when it changes.
fn chosen_schedule(
    form: &Form,
    channel: &ChannelConfig,
    before: &Subscription,
) -> Result<Option<String>, Error> {
    let Some(name) = form.get("schedule") else {
        return Ok(before.schedule.clone());
    };
    if before.schedule.is_none() && name == channel.default_schedule {
        return Ok(None);
    }
    if !channel.schedules.contains_key(name) {
        let text = "that choice of how often is no longer offered; please choose again";
        return Err(Error::Unclear(text.into()));
    }
    Ok(Some(name.to_owned()))
}

/// All of them is the same as none in particular: topics that come later are included then.
fn chosen_topics(form: &Form, offered: &[String]) -> Vec<String> {
    let wanted: BTreeSet<&str> = form.all("topics").collect();
    let chosen: Vec<String> = offered
        .iter()
        .filter(|topic| wanted.contains(topic.as_str()))
        .cloned()
        .collect();
    if chosen.len() == offered.len() {
        Vec::new()
    } else {
        chosen
    }
}

/// An IANA name; empty for the channel's own clock.
fn chosen_zone(form: &Form, before: Option<&str>) -> Result<Option<String>, Error> {
    let Some(zone) = form.get("timezone").map(str::trim) else {
        return Ok(before.map(str::to_owned));
    };
    if zone.is_empty() {
        return Ok(None);
    }
    let found = jiff::tz::TimeZone::get(zone).ok();
    let name = found.as_ref().and_then(|zone| zone.iana_name());
    match name {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(Error::Unclear(format!(
            "there is no time zone `{}`; names look like Asia/Karachi or Europe/London",
            zone.chars().take(40).collect::<String>()
        ))),
    }
}

/// The topics a reader may choose from: those the channel is configured for, or the most
/// frequent of its newest articles; and those they chose before.
async fn topics_of(
    state: &State,
    channel: &ChannelConfig,
    subscription: &Subscription,
) -> Result<Vec<String>, Error> {
    let mut topics: BTreeSet<String> = channel.topics.any.iter().cloned().collect();
    if topics.is_empty() {
        let newest = state.db().ledger_newest(&channel.id).await?;
        let rows = state
            .db()
            .ledger_rows(&channel.id, newest - RECENT, newest, 200)
            .await?;
        let all = rows.iter().flat_map(|row| &row.article.revision.topics);
        topics.extend(most_frequent(all));
    }
    topics.extend(subscription.topics.iter().cloned());
    Ok(topics.into_iter().collect())
}

fn most_frequent<'a>(topics: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for topic in topics {
        *counts.entry(topic).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = counts.into_iter().take(MOST_TOPICS);
    most.map(|(topic, _)| topic.clone()).collect()
}

/// When the page is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Asked,
    Saved,
}

async fn preferences_page(
    state: &State,
    reader: &Reader,
    token: &str,
    moment: Moment,
) -> Result<Response, Error> {
    let live = state.live();
    let id = &reader.holder.channel;
    let channel = live.config.channels.get(id).ok_or(Error::Ended)?;
    let current = &reader.subscription;
    let topics = topics_of(state, channel, current).await?;
    let view = ChannelView::of(channel, &live.config);
    let context = PreferencesPage {
        tongue: view.tongue(),
        channel: view,
        address: reader.holder.masked_address(),
        schedules: schedule_choices(channel, current),
        topics: topics
            .into_iter()
            .map(|name| TopicChoice {
                chosen: current.topics.is_empty() || current.topics.contains(&name),
                name,
            })
            .collect(),
        timezone: reader.holder.timezone().unwrap_or_default().to_owned(),
        action_url: action_of(token),
        saved: moment == Moment::Saved,
    };
    page::private(&live, "web/preferences.html", &context)
}

fn schedule_choices(channel: &ChannelConfig, current: &Subscription) -> Vec<ScheduleChoice> {
    let chosen = current.schedule.as_deref();
    // A schedule that is gone from the configuration follows the default.
    let chosen = chosen
        .filter(|name| channel.schedules.contains_key(*name))
        .unwrap_or(&channel.default_schedule);
    let mut schedules: Vec<_> = channel.schedules.iter().collect();
    schedules.sort_by_key(|(_, schedule)| pause_of(schedule));
    schedules
        .into_iter()
        .map(|(name, _)| ScheduleChoice {
            label: label_of(name),
            chosen: name == chosen,
            name: name.clone(),
        })
        .collect()
}

/// Milliseconds between two runs, so that choices stand from the most frequent to the rarest.
fn pause_of(schedule: &ChannelSchedule) -> i64 {
    let ChannelSchedule::Cron(cron) = schedule else {
        return 0;
    };
    let first = cron.next_after(UnixMillis::now());
    let second = first.and_then(|first| cron.next_after(first));
    match (first, second) {
        (Some(first), Some(second)) => second.0 - first.0,
        _ => i64::MAX,
    }
}

/// `twice_a_day` becomes `Twice a day`: operators name their schedules for people.
fn label_of(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut chars = words.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.as_str().chars()).collect()
}
