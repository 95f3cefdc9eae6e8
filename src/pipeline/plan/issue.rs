//! What an issue holds and who gets it.

use tracing::{error, info};

use crate::config::ChannelSchedule;
use crate::domain::{Article, IssueArticle, IssueId, IssueState, Slot, UnixMillis};
use crate::store::{
    AudienceGroup, EmptyRun, LedgerRow, NewIssue, Recipients, StoreError, VariantGroup,
};

use super::super::app::{Form, OpenChannel};
use super::super::select::Taste;
use super::super::{App, compose};
use super::Occasion;

/// Ledger rows one issue takes at most; the rest follow in the next.
const MOST_ROWS: usize = 1000;

/// Freezes an issue for an occasion. `None`: another run has been here already.
pub(super) async fn publish(
    app: &App,
    mut occasion: Occasion<'_>,
    now: UnixMillis,
) -> Result<Option<Result<IssueId, String>>, StoreError> {
    let id = &occasion.channel.config.id;
    let email = matches!(occasion.channel.form, Form::Email(_));
    let mut groups = if email {
        app.db.audience(&occasion.filter, occasion.upto).await?
    } else {
        Vec::new()
    };
    let lowest = if email {
        groups.iter().map(|group| group.cursor).min()
    } else {
        Some(app.db.channel_cursor(id).await?).filter(|cursor| *cursor < occasion.upto)
    };
    let Some(lowest) = lowest else {
        return pass_over(app, &occasion, Vec::new(), "nothing new for anyone", now).await;
    };
    let rows = app
        .db
        .ledger_rows(id, lowest, occasion.upto, MOST_ROWS)
        .await?;
    // When there are more rows than one issue takes, cursors stop at the last one taken, and
    // those beyond it are not concerned.
    if rows.len() >= MOST_ROWS {
        let last = rows.iter().map(|row| row.number).max();
        occasion.upto = last.unwrap_or(occasion.upto);
        groups.retain(|group| group.cursor < occasion.upto);
    }
    let groups = variants(occasion.channel, groups, &rows);
    let occasion = Occasion {
        upto: covered(&rows, occasion.upto),
        ..occasion
    };
    if rows.is_empty() {
        return pass_over(app, &occasion, groups, "nothing new", now).await;
    }
    if email && groups.iter().all(|group| group.positions.is_none()) {
        let why = "nothing that any reader wants";
        return pass_over(app, &occasion, groups, why, now).await;
    }
    let issue = new_issue(app, &occasion, &rows, groups, now);
    let issue = app.db.freeze_issue(&issue, now).await?;
    if let Some(issue) = issue {
        info!(
            channel.name = id,
            issue.id = issue.0,
            articles = rows.len(),
            "issue frozen"
        );
    }
    Ok(issue.map(Ok))
}

fn new_issue<'a>(
    app: &App,
    occasion: &Occasion<'a>,
    rows: &[LedgerRow],
    groups: Vec<VariantGroup>,
    now: UnixMillis,
) -> NewIssue<'a> {
    let channel = occasion.channel;
    let articles: Vec<Article> = newest_first(rows).map(|row| row.article.clone()).collect();
    let (state, title) = titled(app, channel, occasion, &articles, now);
    NewIssue {
        channel: channel.config.id.clone(),
        schedule: occasion.schedule.to_owned(),
        slot: occasion.slot.to_string(),
        zone: occasion.zone.to_owned(),
        scheduled_at: occasion.scheduled_at,
        state,
        title,
        rows: lines(rows),
        upto: occasion.upto,
        recipients: match &channel.form {
            Form::Email(_) => Recipients::Readers {
                filter: occasion.filter,
                groups,
            },
            Form::Feed(_) | Form::Social(_) => Recipients::Endpoint(channel.config.id.clone()),
        },
        priority: priority(channel, occasion.schedule),
        content_key: content_key(rows),
    }
}

/// The ledger number up to which `rows` were looked at. When there are more than one issue
/// takes, cursors stop at the last one taken, also where nobody wanted any of them.
fn covered(rows: &[LedgerRow], upto: i64) -> i64 {
    match rows.last() {
        Some(last) if rows.len() >= MOST_ROWS => last.number,
        _ => upto,
    }
}

/// Writes down that there was nothing to say, and moves the cursors past what was looked at.
async fn pass_over(
    app: &App,
    occasion: &Occasion<'_>,
    groups: Vec<VariantGroup>,
    why: &str,
    now: UnixMillis,
) -> Result<Option<Result<IssueId, String>>, StoreError> {
    let said = Ok(Some(Err(why.to_owned())));
    if matches!(occasion.slot, Slot::Manual(_)) {
        return said;
    }
    let slot = occasion.slot.to_string();
    let run = EmptyRun {
        channel: &occasion.channel.config.id,
        schedule: occasion.schedule,
        slot: &slot,
        zone: occasion.zone,
        scheduled_at: occasion.scheduled_at,
        why,
        upto: occasion.upto,
        readers: matches!(occasion.channel.form, Form::Email(_))
            .then_some((occasion.filter, groups)),
    };
    if !app.db.pass_over(&run, now).await? {
        return Ok(None);
    }
    info!(
        channel.name = run.channel,
        schedule = run.schedule,
        slot,
        why,
        "no issue"
    );
    said
}

/// For each group of readers the positions of the rows they get; `None` when it is none.
fn variants(
    channel: &OpenChannel,
    groups: Vec<AudienceGroup>,
    rows: &[LedgerRow],
) -> Vec<VariantGroup> {
    let ordered: Vec<&LedgerRow> = newest_first(rows).collect();
    let positions = |group: &AudienceGroup| -> Vec<i64> {
        let taste = Taste::new(&channel.config, &group.topics, group.language.as_deref());
        let suits = |row: &LedgerRow| row.number > group.cursor && taste.wants(&row.article);
        (0..)
            .zip(&ordered)
            .filter(|(_, row)| suits(row))
            .map(|(position, _)| position)
            .collect()
    };
    groups
        .into_iter()
        .map(|group| {
            let positions = Some(positions(&group)).filter(|list| !list.is_empty());
            VariantGroup {
                cursor: group.cursor,
                topics: group.topics,
                language: group.language,
                positions,
            }
        })
        .collect()
}

/// The issue's lines in the order readers see them: newest first by ledger number.
fn lines(rows: &[LedgerRow]) -> Vec<IssueArticle> {
    (0..)
        .zip(newest_first(rows))
        .map(|(position, row)| IssueArticle {
            position,
            article: row.article.id,
            revision: row.article.revision.number,
            ledger_number: row.number,
        })
        .collect()
}

fn newest_first(rows: &[LedgerRow]) -> impl Iterator<Item = &LedgerRow> {
    let mut rows: Vec<&LedgerRow> = rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.number));
    rows.into_iter()
}

/// State and title of a new issue. A subject that cannot be rendered pauses the issue: its
/// rows are safe, and `issues resume` sends it once the template is mended.
fn titled(
    app: &App,
    channel: &OpenChannel,
    occasion: &Occasion<'_>,
    articles: &[Article],
    now: UnixMillis,
) -> (IssueState, String) {
    let imagined = compose::imagined(&channel.config.id, occasion.schedule, 0, now);
    match compose::issue_title(app, channel, &imagined, articles) {
        Ok(title) if channel.config.approve => (IssueState::Waiting, title),
        Ok(title) => (IssueState::Sending, title),
        Err(error) => {
            error!(channel.name = channel.config.id, error = %error, "issue paused");
            (IssueState::Paused, channel.config.title.clone())
        }
    }
}

/// Alerts overtake digests.
fn priority(channel: &OpenChannel, schedule: &str) -> i64 {
    match channel.config.schedules.get(schedule) {
        Some(ChannelSchedule::Each) => 0,
        _ => 10,
    }
}

/// Two issues with the same articles are one page in the archive (a schedule that runs in
/// several zones makes one issue for each).
fn content_key(rows: &[LedgerRow]) -> String {
    let ids: Vec<String> = rows.iter().map(|row| row.article.id.to_string()).collect();
    ids.join(" ")
}
