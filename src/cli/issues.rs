//! `issues`: what was published, and what became of every delivery.

use anyhow::bail;

use crate::domain::{Delivery, DeliveryState, Issue, IssueId, IssueState, UnixMillis};
use crate::pipeline::App;

use super::args::{IssuesArgs, IssuesCommand, RetryState};
use super::output::{Output, count, in_brief, moment, table};

/// Deliveries listed by `show`.
const MOST_SHOWN: usize = 50;

/// Runs `issues …`.
///
/// # Errors
/// An issue that there is not, or that is not in a state the command applies to.
pub async fn run(app: &App, args: IssuesArgs, out: Output) -> anyhow::Result<()> {
    use IssueState::{Cancelled, Paused, Sending, Waiting};
    match args.command.unwrap_or(IssuesCommand::List) {
        IssuesCommand::List => list(app, out).await,
        IssuesCommand::Show { id } => show(app, IssueId(id), out).await,
        IssuesCommand::Approve { id } => change(app, id, Waiting, Sending, "approved", out).await,
        IssuesCommand::Pause { id } => change(app, id, Sending, Paused, "paused", out).await,
        IssuesCommand::Resume { id } => change(app, id, Paused, Sending, "resumed", out).await,
        IssuesCommand::Cancel { id } => {
            find(app, IssueId(id)).await?;
            let Some(ended) = app.db.cancel_issue(IssueId(id), UnixMillis::now()).await? else {
                bail!("issue {id} has ended already");
            };
            out.answer(
                &serde_json::json!({ "issue": id, "state": Cancelled, "deliveries": ended }),
                || {
                    let ended = usize::try_from(ended).unwrap_or(usize::MAX);
                    let ended = count(ended, "delivery", "deliveries");
                    format!("issue {id} is cancelled; {ended} will not be sent")
                },
            )
        }
        IssuesCommand::Retry { id, state } => retry(app, IssueId(id), state, out).await,
    }
}

async fn retry(app: &App, id: IssueId, state: RetryState, out: Output) -> anyhow::Result<()> {
    let issue = find(app, id).await?;
    if issue.state == IssueState::Cancelled {
        bail!("issue {id} is cancelled, so nothing of it can be tried again");
    }
    let from = match state {
        RetryState::Failed => DeliveryState::Failed,
        RetryState::Uncertain => DeliveryState::Uncertain,
    };
    let n = app.db.retry_issue(id, from, UnixMillis::now()).await?;
    let counted = app.db.issue_counts(id).await?.get(&from).copied();
    if let Some(forgotten) = counted.filter(|_| n == 0) {
        bail!(
            "{forgotten} {from} deliveries of issue {id} are still counted, but not known one by \
             one any more (`keep` in [delivery]), so they cannot be tried again"
        );
    }
    app.wake.dispatch.notify_one();
    out.answer(&serde_json::json!({ "issue": id.0, "retried": n }), || {
        let tried = usize::try_from(n).unwrap_or(usize::MAX);
        let what = count(
            tried,
            &format!("{from} delivery"),
            &format!("{from} deliveries"),
        );
        format!("{what} of issue {id} will be tried again")
    })
}

async fn find(app: &App, id: IssueId) -> anyhow::Result<Issue> {
    match app.db.issue(id).await? {
        Some(issue) => Ok(issue),
        None => bail!("there is no issue {id}; `courant issues` lists them"),
    }
}

async fn change(
    app: &App,
    id: i64,
    from: IssueState,
    to: IssueState,
    done: &str,
    out: Output,
) -> anyhow::Result<()> {
    let issue = find(app, IssueId(id)).await?;
    let changed = if to == IssueState::Sending {
        let now = UnixMillis::now();
        app.db.send_issue(issue.id, from, now).await?
    } else {
        app.db.set_issue_state(issue.id, &[from], to).await?
    };
    if !changed {
        bail!("issue {id} is {}, so it cannot be {done}", issue.state);
    }
    app.wake.dispatch.notify_one();
    out.answer(&serde_json::json!({ "issue": id, "state": to }), || {
        format!("issue {id} is {done}")
    })
}

async fn list(app: &App, out: Output) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for issue in app.db.issues(None, None, 100).await? {
        let counts = app.db.issue_counts(issue.id).await?;
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        let open = count(DeliveryState::Pending)
            + count(DeliveryState::Leased)
            + count(DeliveryState::Deferred);
        rows.push(vec![
            issue.id.to_string(),
            issue.name(),
            issue.state.to_string(),
            count(DeliveryState::Sent).to_string(),
            open.to_string(),
            count(DeliveryState::Failed).to_string(),
            count(DeliveryState::Uncertain).to_string(),
            moment(issue.created_at),
            in_brief(&issue.title),
        ]);
        documents.push(serde_json::json!({ "issue": issue, "deliveries": counts }));
    }
    out.answer(&documents, || {
        if rows.is_empty() {
            return "no issue yet; the channels publish by their schedules, or now with `courant publish CHANNEL`".to_owned();
        }
        table(&["ID", "ISSUE", "STATE", "SENT", "OPEN", "FAILED", "UNCERTAIN", "MADE (UTC)", "TITLE"], &rows)
    })
}

async fn show(app: &App, id: IssueId, out: Output) -> anyhow::Result<()> {
    let issue = find(app, id).await?;
    let counts = app.db.issue_counts(id).await?;
    let articles = app.db.issue_articles(id).await?;
    let mut unsent = Vec::new();
    for state in DeliveryState::ALL {
        if *state != DeliveryState::Sent {
            let some = app.db.deliveries(id, Some(*state), None, MOST_SHOWN);
            unsent.extend(some.await?);
        }
    }
    let lines: Vec<serde_json::Value> = articles
        .iter()
        .map(|(line, a)| {
            serde_json::json!({
                "position": line.position, "article": a.id, "revision": line.revision,
                "title": a.revision.title, "url": a.revision.url,
            })
        })
        .collect();
    let document = serde_json::json!({
        "issue": issue, "deliveries": counts, "articles": lines, "unsent": unsent,
    });
    out.answer(&document, || {
        let mut text = headline(&issue);
        if !articles.is_empty() {
            text.push_str("\narticles\n");
        }
        for (line, article) in &articles {
            let title = &article.revision.title;
            let (place, revision) = (line.position + 1, line.revision);
            text.push_str(&format!(
                "  {place}. {title} (article {}, revision {revision})\n",
                article.id
            ));
        }
        text.push_str("\ndeliveries\n");
        for (state, n) in &counts {
            text.push_str(&format!("  {state}: {n}\n"));
        }
        text + &reasons(&unsent)
    })
}

fn headline(issue: &Issue) -> String {
    let why = match issue.why_paused.as_str() {
        "" => String::new(),
        why => format!(": {why}"),
    };
    let then = match issue.state {
        IssueState::Waiting => format!("  `courant issues approve {}` sends it\n", issue.id),
        IssueState::Paused => format!("  `courant issues resume {}` goes on\n", issue.id),
        _ => String::new(),
    };
    format!(
        "issue {}: {}, {}{why}\n{then}  {}\n  made {} by schedule {} ({})\n",
        issue.id,
        issue.name(),
        issue.state,
        issue.title,
        moment(issue.created_at),
        issue.schedule,
        issue.slot
    )
}

/// Why deliveries are not sent (yet).
fn reasons(unsent: &[Delivery]) -> String {
    if unsent.is_empty() {
        return String::new();
    }
    let row = |d: &Delivery| {
        vec![
            format!("  {}", d.recipient),
            d.state.to_string(),
            d.attempts.to_string(),
            moment(d.due_at),
            d.reason.clone(),
        ]
    };
    let rows: Vec<_> = unsent.iter().map(row).collect();
    let head = ["  RECIPIENT", "STATE", "TRIES", "DUE (UTC)", "WHY"];
    format!("\n{}", table(&head, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CONFIRMATION;
    use crate::pipeline::compose::imagined;

    #[test]
    fn a_round_of_confirmation_mail_is_called_so_and_not_by_its_number() {
        let round = imagined("brief", CONFIRMATION, -3, UnixMillis(0));
        let text = headline(&round);
        assert!(text.starts_with("issue 0: brief confirmation, "), "{text}");
        let issue = imagined("brief", "daily", 3, UnixMillis(0));
        assert!(headline(&issue).starts_with("issue 0: brief 3, "));
    }
}
