//! `/preferences/TOKEN`: how often, about what, on whose clock.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::Error;
use super::form::Form;
use super::page;
use super::readers::{Holder, action_of, ended};
use super::state::{Live, State};
use super::views::{ChannelView, Tongue};
use crate::config::{ChannelConfig, ChannelSchedule};
use crate::domain::{Purpose, Subscription, SubscriptionState, UnixMillis};
use crate::store::Preferences;

/// Topics offered where the channel's configuration names none: the most frequent of its
/// newest articles.
const MOST_TOPICS: usize = 24;
/// How many of the newest articles are asked for their topics.
const RECENT: i64 = 200;
/// As much of a zone that there is not is shown again.
const MOST_TYPED: usize = 60;

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
    mistake: Option<&'static str>,
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

/// A reader with a living subscription, and what their page shows of it.
struct Reader {
    state: State,
    live: Live,
    token: String,
    holder: Holder,
    channel: ChannelConfig,
    subscription: Subscription,
    /// What stands in the field.
    timezone: String,
}

impl Reader {
    /// The holder alone when the subscription, or its whole channel, is no more.
    ///
    /// # Errors
    /// [`Error::Link`] for a token this installation did not make.
    async fn of(state: State, token: String) -> Result<Result<Self, Holder>, Error> {
        let holder = Holder::of(&state, Purpose::Preferences, &token).await?;
        let live = state.live();
        let subscriptions = state.db().subscriptions(holder.id).await?;
        let subscription = subscriptions.into_iter().find(|subscription| {
            subscription.channel == holder.channel
                && subscription.state != SubscriptionState::Unsubscribed
        });
        let channel = live.config.channels.get(&holder.channel).cloned();
        let (Some(subscription), Some(channel)) = (subscription, channel) else {
            return Ok(Err(holder));
        };
        Ok(Ok(Self {
            timezone: holder.timezone().unwrap_or_default().to_owned(),
            state,
            live,
            token,
            holder,
            channel,
            subscription,
        }))
    }

    /// Takes over what the form says, also what cannot be meant; then it answers with the name
    /// of the words that say so.
    fn fill_in(&mut self, form: &Form, topics: &[String]) -> Option<&'static str> {
        self.subscription.topics = chosen_topics(form, topics);
        let schedule = chosen_schedule(form, &self.channel, &self.subscription);
        let zone = chosen_zone(form, &self.timezone);
        let is_known = zone.is_some();
        self.timezone = zone.unwrap_or_else(|| {
            let typed = form.get("timezone").unwrap_or_default();
            typed.chars().take(MOST_TYPED).collect()
        });
        match schedule {
            Some(schedule) => self.subscription.schedule = schedule,
            None => return Some("schedule_wrong"),
        }
        (!is_known).then_some("timezone_wrong")
    }

    fn page(&self, topics: Vec<String>, told: Told) -> Result<Response, Error> {
        let view = ChannelView::of(&self.channel, &self.live.config);
        let chosen = &self.subscription.topics;
        let context = PreferencesPage {
            tongue: view.tongue(),
            channel: view,
            address: self.holder.masked_address(),
            schedules: schedule_choices(&self.channel, &self.subscription),
            topics: topics
                .into_iter()
                .map(|name| TopicChoice {
                    chosen: chosen.is_empty() || chosen.contains(&name),
                    name,
                })
                .collect(),
            timezone: self.timezone.clone(),
            action_url: action_of(&self.token),
            saved: told == Told::Saved,
            mistake: match told {
                Told::Mistake(name) => Some(name),
                Told::Nothing | Told::Saved => None,
            },
        };
        let mut response = page::private(&self.live, "web/preferences.html", &context)?;
        if context.mistake.is_some() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        Ok(response)
    }
}

/// What the page says before it asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Saved,
    Mistake(&'static str),
}

/// GET `/preferences/{token}`: shows; of a subscription that is no more, that it has ended.
///
/// # Errors
/// [`Error::Link`] for a token this installation did not make.
pub async fn show(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    match Reader::of(state.clone(), token).await? {
        Ok(reader) => reader.page(topics_of(&reader).await?, Told::Nothing),
        Err(holder) => ended(&state.live(), &holder),
    }
}

/// POST `/preferences/{token}`: saves `schedule`, `topics` (repeated) and `timezone`; or ends
/// the subscription with `unsubscribe`. A field that is not sent keeps its value, except that
/// no `topics` at all mean all of them, as unticked boxes are not sent. A schedule or zone there
/// is not changes nothing: the page says so and keeps what was chosen.
///
/// # Errors
/// Those of [`show`].
pub async fn save(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await?;
    let mut reader = match Reader::of(state.clone(), token.clone()).await? {
        Ok(reader) => reader,
        Err(holder) => return ended(&state.live(), &holder),
    };
    let (id, channel) = (reader.holder.id, reader.channel.id.clone());
    if form.get("unsubscribe").is_some() {
        let now = UnixMillis::now();
        state.db().unsubscribe(id, &channel, "page", now).await?;
        return ended(&reader.live, &reader.holder);
    }
    let topics = topics_of(&reader).await?;
    if let Some(mistake) = reader.fill_in(&form, &topics) {
        return reader.page(topics, Told::Mistake(mistake));
    }
    let preferences = Preferences {
        schedule: reader.subscription.schedule.clone(),
        topics: reader.subscription.topics.clone(),
        timezone: Some(reader.timezone.clone()).filter(|zone| !zone.is_empty()),
    };
    let saving = state.db().set_preferences(id, &channel, &preferences);
    saving.await?;
    // As it is kept, and as it is if somebody else has ended it meanwhile.
    match Reader::of(state.clone(), token).await? {
        Ok(reader) => reader.page(topics_of(&reader).await?, Told::Saved),
        Err(holder) => ended(&state.live(), &holder),
    }
}

/// The schedule's name, `Some(None)` for the channel's default, now and when it changes; `None`
/// where there is no such schedule.
fn chosen_schedule(
    form: &Form,
    channel: &ChannelConfig,
    before: &Subscription,
) -> Option<Option<String>> {
    let Some(name) = form.get("schedule") else {
        return Some(before.schedule.clone());
    };
    if before.schedule.is_none() && name == channel.default_schedule {
        return Some(None);
    }
    let is_known = channel.schedules.contains_key(name);
    is_known.then(|| Some(name.to_owned()))
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

/// An IANA name, empty for the channel's own clock; `None` where there is no such zone.
fn chosen_zone(form: &Form, before: &str) -> Option<String> {
    let Some(zone) = form.get("timezone").map(str::trim) else {
        return Some(before.to_owned());
    };
    if zone.is_empty() {
        return Some(String::new());
    }
    let found = jiff::tz::TimeZone::get(zone).ok()?;
    found.iana_name().map(str::to_owned)
}

/// The topics a reader may choose from: those the channel is configured for, or the most
/// frequent of its newest articles; and those they chose before.
async fn topics_of(reader: &Reader) -> Result<Vec<String>, Error> {
    let (db, channel) = (reader.state.db(), &reader.channel);
    let mut topics: BTreeSet<String> = channel.topics.any.iter().cloned().collect();
    if topics.is_empty() {
        let newest = db.ledger_newest(&channel.id).await?;
        let rows = db.ledger_rows(&channel.id, newest - RECENT, newest, 200);
        let rows = rows.await?;
        let all = rows.iter().flat_map(|row| &row.article.revision.topics);
        topics.extend(most_frequent(all));
    }
    topics.extend(reader.subscription.topics.iter().cloned());
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
