//! `check`: everything that can be wrong before anything runs, and what will happen when it
//! runs.

use std::path::Path;

use serde::Serialize;

use crate::config::{ChannelSchedule, Config, Problem, Problems};
use crate::domain::UnixMillis;
use crate::pipeline::app::{self, Form};
use crate::pipeline::check::{self, Rendering};
use crate::runtime::load_config;
use crate::templates::Templates;

use super::output::{Output, count, moment, table};

#[derive(Debug, Serialize)]
struct Row {
    channel: String,
    kind: String,
    selects: String,
    schedules: String,
    next_run: Option<UnixMillis>,
    rendered: String,
}

/// Checks the configuration, reads the keys that sign mail, and renders every channel with sample articles.
///
/// # Errors
/// Every problem of the configuration in one go; keys that cannot sign; templates that fail on
/// a sample.
pub async fn run(path: &Path, out: Output) -> anyhow::Result<()> {
    crate::net::install_crypto();
    let config = load_config(path)?;
    let templates = Templates::load(config.templates.as_deref())?;
    let opened = app::open(&config, &templates);
    let keys = check::read_keys(&opened);
    if !keys.unusable.is_empty() {
        return Err(Problems::sorted(keys.unusable).into());
    }
    let warnings = [opened.warnings.as_slice(), &keys.out_of_reach].concat();
    let renderings = check::render_samples(&config, &templates, &opened);
    let now = UnixMillis::now();
    let rows: Vec<Row> = opened
        .channels
        .values()
        .map(|channel| row(channel, &renderings, now))
        .collect();
    let failed: Vec<&Rendering> = renderings.iter().filter(|r| r.error.is_some()).collect();
    let document = serde_json::json!({
        "configuration": config.path,
        "sources": config.sources.keys().collect::<Vec<_>>(),
        "channels": rows,
        "warnings": warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "failures": failed.iter().map(|r| &r.error).collect::<Vec<_>>(),
    });
    let verdict = match failed.len() {
        0 => "all is well".to_owned(),
        n => format!("{} failed", count(n, "rendering", "renderings")),
    };
    out.answer(&document, || text(&config, &rows, &warnings, &verdict))?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(super::Usage(told(&failed)).into())
}

/// The failures; channels and samples that fail alike are told once.
fn told(failed: &[&Rendering]) -> String {
    let mut alike: Vec<(&str, Vec<String>, Vec<&str>)> = Vec::new();
    for rendering in failed {
        let error = rendering.error.as_deref().unwrap_or_default();
        let channel = format!("`{}`", rendering.channel);
        let known = alike.iter_mut().find(|(e, ..)| *e == error);
        let Some((_, channels, samples)) = known else {
            alike.push((error, vec![channel], vec![rendering.sample]));
            continue;
        };
        if !channels.contains(&channel) {
            channels.push(channel);
        }
        if !samples.contains(&rendering.sample) {
            samples.push(rendering.sample);
        }
    }
    let line = |(error, channels, samples): &(&str, Vec<String>, Vec<&str>)| {
        let several = if channels.len() == 1 { "" } else { "s" };
        let (channels, samples) = (channels.join(", "), samples.join(", "));
        format!("channel{several} {channels} with the sample {samples}: {error}")
    };
    alike.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(channel: &app::OpenChannel, renderings: &[Rendering], now: UnixMillis) -> Row {
    let config = &channel.config;
    let schedules: Vec<String> = config
        .schedules
        .iter()
        .map(|(name, schedule)| match schedule {
            ChannelSchedule::Each => format!("{name}: each"),
            ChannelSchedule::Cron(cron) => format!("{name}: {}", cron.expression()),
        })
        .collect();
    let mine = renderings.iter().filter(|r| r.channel == config.id);
    let (good, all) = mine.fold((0, 0), |(good, all), r| {
        (good + usize::from(r.error.is_none()), all + 1)
    });
    Row {
        channel: config.id.clone(),
        kind: config.kind.clone(),
        selects: selects(config),
        schedules: schedules.join(", "),
        next_run: config
            .schedules
            .values()
            .filter_map(|schedule| match schedule {
                ChannelSchedule::Each => None,
                ChannelSchedule::Cron(cron) => cron.next_after(now),
            })
            .min(),
        rendered: match channel.form {
            Form::Feed(_) => "written, not rendered".to_owned(),
            _ => format!("{good} of {all} samples"),
        },
    }
}

fn selects(config: &crate::config::ChannelConfig) -> String {
    let mut parts = Vec::new();
    if !config.sources.is_empty() {
        parts.push(config.sources.join("+"));
    }
    if !config.topics.any.is_empty() {
        parts.push(format!("any of {}", config.topics.any.join("/")));
    }
    if !config.topics.all.is_empty() {
        parts.push(format!("all of {}", config.topics.all.join("/")));
    }
    if !config.topics.none.is_empty() {
        parts.push(format!("none of {}", config.topics.none.join("/")));
    }
    if !config.languages.is_empty() {
        parts.push(config.languages.join("/"));
    }
    if let Some(condition) = &config.where_ {
        parts.push(condition.clone());
    }
    if parts.is_empty() {
        "everything".to_owned()
    } else {
        parts.join(", ")
    }
}

fn text(config: &Config, rows: &[Row], warnings: &[Problem], verdict: &str) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let next = row
                .next_run
                .map_or_else(|| "when there is news".to_owned(), moment);
            vec![
                row.channel.clone(),
                row.kind.clone(),
                row.selects.clone(),
                row.schedules.clone(),
                next,
                row.rendered.clone(),
            ]
        })
        .collect();
    let mut text = table(
        &[
            "CHANNEL",
            "KIND",
            "SELECTS",
            "SCHEDULES",
            "NEXT RUN (UTC)",
            "RENDERED",
        ],
        &cells,
    );
    for warning in warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.push_str(&format!(
        "{}: {}, {}, {}; {verdict}\n",
        config.path.display(),
        count(config.sources.len(), "source", "sources"),
        count(config.relays.len(), "relay", "relays"),
        count(config.channels.len(), "channel", "channels"),
    ));
    text
}
