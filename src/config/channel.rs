//! `[channels.ID]`: the keys that every kind has, and what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Problem;
use super::model::{ChannelConfig, ChannelSchedule, Missed, Site, TopicFilter};
use super::problem::{alternatives, nearest};
use super::sections::is_id;
use super::settings::{Settings, known_keys};
use super::tables::demand;
use super::values::{AtLeastOne, Language, Timing, Words, Zone};
use crate::domain::UncertainPolicy;

/// The name of the schedule of a channel that has just one, given as `schedule = …`.
const ONLY_SCHEDULE: &str = "main";

/// The keys that every kind of channel has.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    kind: Option<Words>,
    title: Option<Words>,
    description: Option<String>,
    sources: Option<Vec<String>>,
    topics: Option<TopicFilter>,
    languages: Option<Vec<Language>>,
    #[serde(rename = "where")]
    where_: Option<Words>,
    schedule: Option<Timing>,
    schedules: Option<BTreeMap<String, Timing>>,
    default_schedule: Option<String>,
    timezone: Option<Zone>,
    local_time: Option<bool>,
    missed: Option<Missed>,
    template: Option<Words>,
    approve: Option<bool>,
    signup: Option<bool>,
    max_articles: Option<AtLeastOne>,
    uncertain: Option<UncertainPolicy>,
    publish: Option<bool>,
    payloads: Option<PathBuf>,
}

/// Reads a channel; `None` when not even its kind is known.
pub(super) fn channel(
    id: &str,
    table: Settings,
    site: &Site,
    problems: &mut Vec<Problem>,
) -> Option<ChannelConfig> {
    let common = known_keys::<RawChannel>();
    let (raw, found) = table.parse_known::<RawChannel>(&common);
    problems.extend(found);
    demand(&table, "kind", "email", problems);
    let mut raw = raw?;
    let kind = raw.kind.take()?.0;
    let timezone = match raw.timezone.take() {
        Some(zone) => zone.0,
        None => site.timezone.clone(),
    };
    if kind != "email" && table.has("signup") {
        let message = format!("nobody signs up for a channel of kind `{kind}`");
        let help = "`signup` is for e-mail; take it out here".to_owned();
        problems.push(table.problem("signup", message, Some(help)));
    }
    let (schedules, default_schedule) = schedules(&kind, &mut raw, &timezone, &table, problems);
    Some(ChannelConfig {
        id: id.to_owned(),
        signup: kind == "email" && raw.signup.unwrap_or(true),
        kind,
        title: raw.title.map_or_else(|| id.to_owned(), |t| t.0),
        description: raw.description.unwrap_or_default(),
        sources: raw.sources.unwrap_or_default(),
        topics: raw.topics.unwrap_or_default(),
        languages: raw.languages.into_iter().flatten().map(|l| l.0).collect(),
        where_: raw.where_.map(|w| w.0),
        schedules,
        default_schedule,
        timezone,
        local_time: raw.local_time.unwrap_or(false),
        missed: raw.missed.unwrap_or_default(),
        template: raw.template.map(|t| t.0),
        approve: raw.approve.unwrap_or(false),
        max_articles: raw.max_articles.map_or(20, |n| n.0),
        uncertain: raw.uncertain.unwrap_or_default(),
        publish: raw.publish.unwrap_or(false),
        payloads: raw.payloads.map(|path| table.path(path)),
        settings: table.without(common),
    })
}

/// The channel's schedules by name, and which of them is the default.
fn schedules(
    kind: &str,
    raw: &mut RawChannel,
    zone: &str,
    table: &Settings,
    problems: &mut Vec<Problem>,
) -> (BTreeMap<String, ChannelSchedule>, String) {
    if table.has("schedule") && table.has("schedules") {
        let message = "`schedule` and `schedules` are both there";
        let help = "keep `schedule` for one, or `schedules` for several that subscribers pick from";
        problems.push(table.problem("schedule", message, Some(help.to_owned())));
    }
    let mut timings = raw.schedules.take().unwrap_or_default();
    if timings.is_empty() {
        let given = raw.schedule.take();
        timings.insert(ONLY_SCHEDULE.to_owned(), given.unwrap_or(Timing::Each));
        if kind == "email" && !table.has("schedule") && !table.has("schedules") {
            let message = format!("{} does not say when it publishes", table.name());
            let help = "add `schedule = \"0 7 * * *\"`, or `\"each\"` for a mail per article";
            problems.push(table.problem("kind", message, Some(help.to_owned())));
        }
    }
    for name in timings.keys().filter(|name| !is_id(name)) {
        let message = format!("`{name}` cannot be the name of a schedule");
        let help = "names are of a-z, 0-9, `-` and `_`, as `daily`";
        problems.push(table.problem_at("schedules", name, message, Some(help.to_owned())));
    }
    if timings.len() > 1 && kind != "email" {
        let message = format!("a channel of kind `{kind}` has one schedule only");
        let help = "subscribers of e-mail pick from several; write `schedule = …` here";
        problems.push(table.problem("schedules", message, Some(help.to_owned())));
    }
    let default = default_schedule(raw, &timings, table, problems);
    let on_the_clock = timings.into_iter().map(|(name, timing)| {
        let schedule = match timing {
            Timing::Each => ChannelSchedule::Each,
            // The zone was checked as it was read; one that failed has given way to UTC.
            Timing::Cron(cron) => ChannelSchedule::Cron(cron.in_zone(zone).unwrap_or(cron)),
        };
        (name, schedule)
    });
    (on_the_clock.collect(), default)
}

fn default_schedule(
    raw: &RawChannel,
    timings: &BTreeMap<String, Timing>,
    table: &Settings,
    problems: &mut Vec<Problem>,
) -> String {
    let first = timings.keys().next().cloned().unwrap_or_default();
    let names = || timings.keys().map(String::as_str);
    match &raw.default_schedule {
        Some(name) if timings.contains_key(name) => name.clone(),
        // One that is there but wrong is a problem noted already.
        Some(name) if !table.mentions("schedules", name) => {
            let message = format!("`default_schedule` names no schedule of this channel: `{name}`");
            let one_of = alternatives(names());
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`? It is {one_of}"),
                None => format!("it is {one_of}"),
            };
            problems.push(table.problem("default_schedule", message, Some(help)));
            first
        }
        None if timings.len() > 1 && !table.has("default_schedule") => {
            let message = format!("{} has no `default_schedule`", table.name());
            let one_of = alternatives(names());
            let help = format!("say which a new subscriber gets: {one_of}");
            problems.push(table.problem("schedules", message, Some(help)));
            first
        }
        _ => first,
    }
}

/// The keys that every kind of channel has.
#[cfg(test)]
pub(super) fn known() -> Vec<String> {
    known_keys::<RawChannel>().to_vec()
}
