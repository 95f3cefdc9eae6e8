//! `publish`: an issue now, a rehearsal of one, or a test to a few addresses.

use anyhow::{Context, bail};

use crate::domain::{EmailAddress, Outcome, UnixMillis};
use crate::pipeline::app::{EmailChannel, Form, OpenChannel};
use crate::pipeline::{App, dispatch, draft, plan, release};

use super::args::PublishArgs;
use super::output::{Output, count};
use super::{Usage, channel};

/// Runs `publish`.
///
/// # Errors
/// Nothing to publish; a test that no relay took.
pub async fn run(app: &App, args: PublishArgs, out: Output) -> anyhow::Result<()> {
    let channel = channel(app, &args.channel)?;
    let now = UnixMillis::now();
    if !args.test.is_empty() {
        return test(app, channel, &args, out).await;
    }
    if args.empty {
        bail!(Usage("--empty goes with --test".to_owned()));
    }
    if args.dry_run {
        return rehearse(app, channel, out).await;
    }
    release::release_due(app, now).await?;
    let issue = match plan::publish_now(app, channel, now).await? {
        Ok(issue) => issue,
        Err(why) => bail!("no issue of `{}`: {why}", args.channel),
    };
    app.wake.dispatch.notify_one();
    let waits = channel.config.approve;
    let bar = out.progress(None, "sending");
    if !waits {
        dispatch::drain(app, |sent| bar.set_position(sent as u64))
            .await
            .context("sending")?;
    }
    bar.finish_and_clear();
    let counts = app.db.issue_counts(issue).await?;
    let document =
        serde_json::json!({ "issue": issue, "channel": args.channel, "deliveries": counts });
    out.answer(&document, || {
        let counts: Vec<String> = counts
            .iter()
            .map(|(state, n)| format!("{n} {state}"))
            .collect();
        let hint = if waits {
            format!("; it waits for `courant issues approve {issue}`")
        } else {
            String::new()
        };
        format!(
            "issue {issue} of `{}`: {}{hint}",
            args.channel,
            counts.join(", ")
        )
    })
}

/// What would go out, and to how many.
async fn rehearse(app: &App, channel: &OpenChannel, out: Output) -> anyhow::Result<()> {
    let id = &channel.config.id;
    let Some(draft) = draft::for_channel(app, channel).await? else {
        bail!("no issue of `{id}`: there is nothing new; `courant articles` shows what waits");
    };
    let readers = plan::readers_of(app, channel).await?;
    let titles: Vec<&str> = draft
        .articles
        .iter()
        .map(|a| a.revision.title.as_str())
        .collect();
    let document = serde_json::json!({ "channel": id, "articles": titles, "recipients": readers });
    out.answer(&document, || {
        format!(
            "an issue of `{id}` now would have {} articles for {readers} recipients:\n  {}",
            titles.len(),
            titles.join("\n  ")
        )
    })
}

/// Sends the issue to the addresses given, and records nothing.
async fn test(
    app: &App,
    channel: &OpenChannel,
    args: &PublishArgs,
    out: Output,
) -> anyhow::Result<()> {
    let Form::Email(email) = &channel.form else {
        bail!(Usage(format!(
            "--test sends mail, and channel `{}` is of kind {}",
            args.channel, channel.config.kind
        )));
    };
    let mut addresses = Vec::new();
    for text in &args.test {
        addresses.push(EmailAddress::parse(text).map_err(|e| Usage(e.to_string()))?);
    }
    let mut found = draft::for_channel(app, channel).await?;
    if found.is_none() && args.empty {
        found = draft::of_newest(app, channel).await?;
    }
    let Some(draft) = found else {
        bail!(
            "there is nothing new for `{}`; --empty takes the newest articles",
            args.channel
        );
    };
    let mut refused = Vec::new();
    for address in &addresses {
        let proof = draft::mail(app, channel, email, &draft.addressed(address)).await?;
        if let Err(reason) = send(app, email, address, &proof.mail.letter.to_bytes()).await {
            refused.push(format!("{address}: {reason}"));
        }
    }
    if !refused.is_empty() {
        bail!("the test was not taken for {}", refused.join("\n  "));
    }
    let document = serde_json::json!({ "channel": args.channel, "test": addresses });
    out.answer(&document, || {
        format!(
            "sent to {}; no issue is recorded",
            count(addresses.len(), "address", "addresses")
        )
    })
}

/// Sends one mail past the outbox; the reason when it was not taken.
async fn send(
    app: &App,
    email: &EmailChannel,
    to: &EmailAddress,
    message: &[u8],
) -> Result<(), String> {
    let settings = &email.settings;
    let from = settings.from.address.as_str();
    let sent = app.relays.send(&settings.relays, from, to, message).await;
    match sent.map_err(|error| error.reason)? {
        Outcome::Accepted { .. } => Ok(()),
        Outcome::Deferred { reason, .. }
        | Outcome::NotTried { reason, .. }
        | Outcome::Rejected { reason, .. }
        | Outcome::Unknown { reason } => Err(reason),
    }
}
