//! `subscribers`: the audience.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::domain::{
    EmailAddress, Subscriber, Subscription, SubscriptionState, SuppressionReason, UnixMillis,
};
use crate::pipeline::App;
use crate::pipeline::audience::{self, ImportOptions, ImportReport, SubscriberFields};
use crate::store::Imported;

use super::Usage;
use super::args::{Into, SubscribersArgs, SubscribersCommand};
use super::output::{Output, print, table};

/// Runs `subscribers …`.
///
/// # Errors
/// An address that is none or not known, a channel that is no e-mail channel, a file that
/// cannot be read.
pub async fn run(app: &App, args: SubscribersArgs, out: Output) -> anyhow::Result<()> {
    use SubscribersCommand as C;
    let now = UnixMillis::now();
    match args.command {
        C::Import {
            file,
            into,
            dry_run,
            rejects,
        } => import(app, &file, options(into, dry_run), rejects, out).await,
        C::Export { channel } => export(app, channel.as_deref(), out).await,
        C::Add {
            address,
            into,
            name,
            language,
            timezone,
            schedule,
            topics,
        } => {
            let fields = SubscriberFields {
                address: parse(&address)?,
                name: &name,
                language: language.as_deref(),
                timezone: timezone.as_deref(),
                schedule: schedule.as_deref(),
                topics,
            };
            add(app, fields, &options(into, false), out).await
        }
        C::Show { address } => show(app, &parse(&address)?, out).await,
        C::Remove { address, channel } => {
            remove(app, &parse(&address)?, channel.as_deref(), out).await
        }
        C::Erase { address } => {
            let address = parse(&address)?;
            if !app.db.erase(&address.key(), now).await? {
                bail!("`{address}` is not known");
            }
            out.answer(&serde_json::json!({ "erased": address }), || {
                format!("everything about {address} is deleted")
            })
        }
        C::Suppress { address, reason } => {
            let address = parse(&address)?;
            app.db
                .suppress(&address.key(), SuppressionReason::Operator, &reason, now)
                .await?;
            out.answer(&serde_json::json!({ "suppressed": address }), || {
                format!("{address} will never be mailed")
            })
        }
    }
}

fn options(into: Into, dry_run: bool) -> ImportOptions {
    ImportOptions {
        channels: into.channels,
        pending: into.pending,
        dry_run,
    }
}

fn parse(address: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(address).map_err(|e| Usage(e.to_string()).into())
}

async fn add(
    app: &App,
    fields: SubscriberFields<'_>,
    options: &ImportOptions,
    out: Output,
) -> anyhow::Result<()> {
    audience::check_channels(&app.config, &options.channels).map_err(|e| Usage(e.to_string()))?;
    let address = fields.address.clone();
    let new = audience::subscriber(app, fields, options).map_err(Usage)?;
    let done = app.db.import_subscribers(&[new], UnixMillis::now()).await?;
    let (word, text) = match done.first() {
        Some(Imported::Added) if options.pending => ("added", "will be asked to confirm"),
        Some(Imported::Added) => ("added", "is subscribed"),
        Some(Imported::Updated) => ("updated", "was known; the subscription is changed"),
        Some(Imported::Unchanged) if options.pending => (
            "unchanged",
            "was known; who has not confirmed is asked again, after a day at the earliest",
        ),
        Some(Imported::Unchanged) => ("unchanged", "is subscribed already; nothing changed"),
        Some(Imported::Unsubscribed) => bail!(
            "`{address}` has left the channel; only they themselves can come back, by signing up anew"
        ),
        Some(Imported::Suppressed) | None => bail!(
            "`{address}` is suppressed and will not be mailed; `courant subscribers show {address}` says why"
        ),
    };
    out.answer(
        &serde_json::json!({ "address": address, "result": word }),
        || format!("{address} {text} ({})", options.channels.join(", ")),
    )
}

async fn import(
    app: &App,
    file: &Path,
    options: ImportOptions,
    rejects: Option<PathBuf>,
    out: Output,
) -> anyhow::Result<()> {
    let bar = out.progress(None, "reading rows");
    let progress = |rows: usize| bar.set_position(rows as u64);
    let now = UnixMillis::now();
    let report = if file == Path::new("-") {
        audience::import(app, std::io::stdin().lock(), &options, now, progress).await
    } else {
        let opened = File::open(file)
            .map_err(|e| Usage(format!("{} could not be read: {e}", file.display())))?;
        audience::import(app, opened, &options, now, progress).await
    };
    bar.finish_and_clear();
    let report = report.map_err(|e| Usage(e.to_string()))?;
    let rejected = rejects.unwrap_or_else(|| file.with_extension("rejects.csv"));
    let kept = !report.rejects.is_empty() && !options.dry_run && file != Path::new("-");
    if kept {
        write_rejects(&rejected, &report)?;
    }
    out.answer(&report, || {
        import_text(&report, &options, kept.then_some(rejected.as_path()))
    })
}

fn import_text(report: &ImportReport, options: &ImportOptions, rejected: Option<&Path>) -> String {
    let mut text = format!(
        "{}{} rows: {} added, {} updated, {} unchanged, {} suppressed or gone (left alone), {} not taken\n",
        if options.dry_run {
            "dry run, nothing changed. "
        } else {
            ""
        },
        report.rows,
        report.added,
        report.updated,
        report.unchanged,
        report.suppressed + report.unsubscribed,
        report.rejects.len()
    );
    for reject in report.rejects.iter().take(20) {
        text.push_str(&format!("  line {}: {}\n", reject.line, reject.reason));
    }
    if report.rejects.len() > 20 {
        text.push_str(&format!("  … and {} more\n", report.rejects.len() - 20));
    }
    if let Some(path) = rejected {
        text.push_str(&format!(
            "the rows not taken are in {}, each with its reason\n",
            path.display()
        ));
    }
    text
}

/// The rows as they stood, with two columns in front; mended, the file can be imported.
fn write_rejects(path: &Path, report: &ImportReport) -> anyhow::Result<()> {
    let told = || format!("{} could not be written", path.display());
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_path(path)
        .with_context(told)?;
    let head = ["line", "reason"].into_iter().map(str::to_owned);
    // A file of rejects that is imported again has these two already.
    let is_old = |column: &String| column == "line" || column == "reason";
    let kept: Vec<usize> = (0..report.columns.len())
        .filter(|at| !is_old(&report.columns[*at]))
        .collect();
    let columns = kept.iter().map(|at| report.columns[*at].clone());
    writer
        .write_record(head.chain(columns))
        .with_context(told)?;
    for reject in &report.rejects {
        let row = [reject.line.to_string(), reject.reason.clone()];
        let fields = kept.iter().filter_map(|at| reject.fields.get(*at).cloned());
        writer
            .write_record(row.into_iter().chain(fields))
            .with_context(told)?;
    }
    writer.flush().with_context(told)
}

/// The audience in a form that `import` takes; with `--json` as one document.
async fn export(app: &App, channel: Option<&str>, out: Output) -> anyhow::Result<()> {
    const HEAD: [&str; 8] = [
        "email", "name", "language", "timezone", "channel", "state", "schedule", "topics",
    ];
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let people = app.db.export(after, 500).await?;
        let Some((last, _)) = people.last() else {
            break;
        };
        after = Some(last.id);
        for (person, subscriptions) in &people {
            let named = |s: &&Subscription| channel.is_none_or(|c| c == s.channel);
            rows.extend(subscriptions.iter().filter(named).map(|s| row(person, s)));
        }
    }
    if out.is_json() {
        let people: Vec<BTreeMap<&str, &String>> = rows
            .iter()
            .map(|row| HEAD.into_iter().zip(row).collect())
            .collect();
        return out.answer(&people, String::new);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEAD)?;
    for row in rows {
        writer.write_record(row.map(|cell| harmless(&cell)))?;
    }
    print(&String::from_utf8_lossy(&writer.into_inner()?))
}

fn row(person: &Subscriber, s: &Subscription) -> [String; 8] {
    [
        person.address.clone(),
        person.name.clone(),
        person.language.clone().unwrap_or_default(),
        person.timezone.clone().unwrap_or_default(),
        s.channel.clone(),
        s.state.to_string(),
        s.schedule.clone().unwrap_or_default(),
        s.topics.join(";"),
    ]
}

/// A cell that begins like a formula would be run by a spreadsheet.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

async fn show(app: &App, address: &EmailAddress, out: Output) -> anyhow::Result<()> {
    let person = app.db.subscriber(&address.key()).await?;
    let suppressed = app.db.suppressed(&address.key()).await?;
    if person.is_none() && suppressed.is_none() {
        bail!("`{address}` is not known");
    }
    let subscriptions = match &person {
        Some(person) => app.db.subscriptions(person.id).await?,
        None => Vec::new(),
    };
    let events = app.db.consent_events(&address.key()).await?;
    let document = serde_json::json!({
        "subscriber": person, "subscriptions": subscriptions, "suppressed": suppressed, "events": events,
    });
    out.answer(&document, || {
        let mut text = format!("{address}\n");
        if let Some((reason, at, detail)) = &suppressed {
            text.push_str(&format!("  suppressed since {at}: {reason} {detail}\n"));
        }
        let rows: Vec<Vec<String>> = subscriptions
            .iter()
            .map(|s| {
                vec![
                    format!("  {}", s.channel),
                    s.state.to_string(),
                    s.schedule.clone().unwrap_or_else(|| "default".to_owned()),
                    s.topics.join("; "),
                    s.cursor.to_string(),
                ]
            })
            .collect();
        text.push_str(&table(
            &["  CHANNEL", "STATE", "SCHEDULE", "TOPICS", "SERVED UP TO"],
            &rows,
        ));
        for (channel, kind, at, detail) in &events {
            text.push_str(&format!("  {at} {channel} {kind} {detail}\n"));
        }
        text
    })
}

async fn remove(
    app: &App,
    address: &EmailAddress,
    channel: Option<&str>,
    out: Output,
) -> anyhow::Result<()> {
    let Some(person) = app.db.subscriber(&address.key()).await? else {
        bail!("`{address}` is not known");
    };
    let mut ended = Vec::new();
    for s in app.db.subscriptions(person.id).await? {
        let named = channel.is_none_or(|c| c == s.channel);
        if named && s.state != SubscriptionState::Unsubscribed {
            app.db
                .unsubscribe(person.id, &s.channel, "operator", UnixMillis::now())
                .await?;
            ended.push(s.channel);
        }
    }
    if ended.is_empty() {
        bail!("`{address}` has no such subscription");
    }
    out.answer(
        &serde_json::json!({ "address": address, "ended": ended }),
        || format!("{address} no longer gets {}", ended.join(", ")),
    )
}
