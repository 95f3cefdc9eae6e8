//! `status`: sources, channels with their next run, the queue, relays.

use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::pipeline::status::{
    ChannelStatus, DomainStatus, LimitStatus, RelayStatus, SourceStatus, Status, status,
};

use super::articles::HELD;
use super::output::{Output, count, moment, table};

/// Prints the status.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, out: Output) -> anyhow::Result<()> {
    let now = UnixMillis::now();
    let status = status(&app.db, &app.config, None, now, now).await?;
    out.answer(&status, || text(&status))
}

fn text(status: &Status) -> String {
    let counts = status.deliveries.iter();
    let counts: Vec<String> = counts.map(|(state, n)| format!("{n} {state}")).collect();
    format!(
        "{}{}\n{}\n{}\ndeliveries: {}",
        sources(status),
        held(status),
        channels(status),
        relays(status),
        counts.join(", ")
    )
}

/// A value, or a dash where there is none.
fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

fn sources(status: &Status) -> String {
    const HEAD: [&str; 8] = [
        "SOURCE",
        "KIND",
        "STATE",
        "LAST FETCH (UTC)",
        "NEXT FETCH (UTC)",
        "ARTICLES",
        "PUSH",
        "IN WORDS",
    ];
    let row = |s: &SourceStatus| {
        vec![
            s.id.clone(),
            s.kind.clone(),
            s.state.to_string(),
            or_dash(s.last_fetch.map(moment)),
            or_dash(s.next_fetch.map(moment)),
            s.articles.to_string(),
            or_dash(s.push.clone()),
            s.explanation.clone(),
        ]
    };
    let rows: Vec<_> = status.sources.iter().map(row).collect();
    let mut text = table(&HEAD, &rows);
    // Too long for a column.
    for source in &status.sources {
        if let Some(error) = &source.error {
            text.push_str(&format!("  {}: {error}\n", source.id));
        }
    }
    text
}

/// What the brakes hold, and how to go on.
fn held(status: &Status) -> String {
    match status.held {
        0 => String::new(),
        n => format!(
            "\n{} for you: {HELD}\n",
            count(
                usize::try_from(n).unwrap_or(usize::MAX),
                "article waits",
                "articles wait"
            )
        ),
    }
}

fn channels(status: &Status) -> String {
    let row = |c: &ChannelStatus| {
        vec![
            c.id.clone(),
            c.kind.clone(),
            c.state.to_string(),
            c.next_run
                .map_or_else(|| "when there is news".to_owned(), moment),
            or_dash(c.last_issue),
        ]
    };
    let rows: Vec<_> = status.channels.iter().map(row).collect();
    let head = ["CHANNEL", "KIND", "STATE", "NEXT RUN (UTC)", "LAST ISSUE"];
    table(&head, &rows)
}

fn relays(status: &Status) -> String {
    let row = |r: &RelayStatus| {
        vec![
            r.id.clone(),
            r.state.to_string(),
            r.connections.to_string(),
            or_dash(r.rate_per_s),
            match (r.quota_used, r.quota) {
                (Some(used), Some(quota)) => format!("{used} of {quota}"),
                _ => "-".to_owned(),
            },
        ]
    };
    let rows: Vec<_> = status.relays.iter().map(row).collect();
    let relays = table(&["RELAY", "STATE", "CONNECTIONS", "RATE/S", "TODAY"], &rows);
    format!("{relays}{}{}", limits(status), domains(status))
}

/// What reply rules hold relays to for a while; nothing where they hold none.
fn limits(status: &Status) -> String {
    let of_relay = |relay: &RelayStatus| {
        let row = |limit: &LimitStatus| {
            vec![
                relay.id.clone(),
                format!("{} {}", limit.kind, limit.value),
                moment(limit.until),
                limit.reason.clone(),
            ]
        };
        relay.limits.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<_> = status.relays.iter().flat_map(of_relay).collect();
    beside(&["RELAY", "HELD TO", "UNTIL (UTC)", "BECAUSE OF"], &rows)
}

/// Domains with limits of their own; nothing where there are none.
fn domains(status: &Status) -> String {
    let of_relay = |relay: &RelayStatus| {
        let row = |domain: &DomainStatus| {
            vec![
                relay.id.clone(),
                domain.id.clone(),
                or_dash(domain.connections),
                or_dash(domain.rate_per_s),
            ]
        };
        relay.domains.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<_> = status.relays.iter().flat_map(of_relay).collect();
    beside(&["RELAY", "DOMAIN", "CONNECTIONS", "RATE/S"], &rows)
}

/// A table below another one, if it has rows.
fn beside(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        String::new()
    } else {
        format!("\n{}", table(head, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_shown_with_every_limit_that_holds_for_it() {
        let limit = LimitStatus {
            kind: "rate".into(),
            value: "1/m".into(),
            until: UnixMillis(0),
            reason: "450 4.2.0 slow down".into(),
        };
        let domain = DomainStatus {
            id: "gmail.com".into(),
            rate_per_s: Some(4.0),
            connections: None,
            waiting: 0,
            carried: 0,
        };
        let relay = RelayStatus {
            id: "main".into(),
            state: "ok".into(),
            connections: 1,
            window: 5,
            rate_per_s: Some(0.5),
            quota: Some(500),
            quota_used: Some(30),
            paused_until: None,
            reason: None,
            limits: vec![limit],
            domains: vec![domain],
        };
        let status = Status {
            version: "1",
            uptime_s: 0,
            sources: Vec::new(),
            held: 0,
            channels: Vec::new(),
            deliveries: std::collections::BTreeMap::new(),
            relays: vec![relay],
        };
        assert_eq!(
            relays(&status),
            "RELAY  STATE  CONNECTIONS  RATE/S  TODAY\n\
             main   ok     1            0.5     30 of 500\n\
             \n\
             RELAY  HELD TO   UNTIL (UTC)           BECAUSE OF\n\
             main   rate 1/m  1970-01-01T00:00:00Z  450 4.2.0 slow down\n\
             \n\
             RELAY  DOMAIN     CONNECTIONS  RATE/S\n\
             main   gmail.com  -            4\n"
        );
    }
}
