//! `status`: sources, channels with their next run, the queue, relays.

use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::pipeline::status::{Status, status};

use super::output::{Output, table};

/// Prints the status.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, out: Output) -> anyhow::Result<()> {
    let now = UnixMillis::now();
    let status = status(&app.db, &app.config, now, now).await?;
    out.answer(&status, || text(&status))
}

fn text(status: &Status) -> String {
    let at = |time: Option<UnixMillis>| time.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let mut text = String::new();
    let sources: Vec<Vec<String>> = status
        .sources
        .iter()
        .map(|s| {
            vec![
                s.id.clone(),
                s.kind.clone(),
                s.state.to_owned(),
                at(s.last_fetch),
                at(s.next_fetch),
                s.articles.to_string(),
                s.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    text.push_str(&table(
        &[
            "SOURCE",
            "KIND",
            "STATE",
            "LAST FETCH (UTC)",
            "NEXT FETCH (UTC)",
            "ARTICLES",
            "ERROR",
        ],
        &sources,
    ));
    text.push('\n');
    let channels: Vec<Vec<String>> = status
        .channels
        .iter()
        .map(|c| {
            vec![
                c.id.clone(),
                c.kind.clone(),
                c.state.to_owned(),
                at(c.next_run),
                c.last_issue
                    .map_or_else(|| "-".to_owned(), |n| n.to_string()),
            ]
        })
        .collect();
    text.push_str(&table(
        &["CHANNEL", "KIND", "STATE", "NEXT RUN (UTC)", "LAST ISSUE"],
        &channels,
    ));
    text.push('\n');
    let relays: Vec<Vec<String>> = status
        .relays
        .iter()
        .map(|r| {
            vec![
                r.id.clone(),
                r.state.to_owned(),
                r.connections.to_string(),
                r.rate_per_s
                    .map_or_else(|| "-".to_owned(), |rate| format!("{rate}")),
            ]
        })
        .collect();
    text.push_str(&table(
        &["RELAY", "STATE", "CONNECTIONS", "RATE/S"],
        &relays,
    ));
    text.push_str("\ndeliveries: ");
    let counts: Vec<String> = status
        .deliveries
        .iter()
        .map(|(state, n)| format!("{n} {state}"))
        .collect();
    text.push_str(&counts.join(", "));
    text
}
