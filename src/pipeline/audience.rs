//! The audience's own acts and the operator's: importing, subscribing, ending.

use std::collections::HashSet;
use std::io::Read;

use crate::config::Config;
use crate::domain::{EmailAddress, HeaderText, SubscriptionState, UnixMillis};
use crate::store::{Imported, NewSubscriber, StoreError};

use super::App;

/// Rows committed together.
const CHUNK: usize = 500;

/// What an import is told apart from its rows.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The e-mail channels to subscribe to.
    pub channels: Vec<String>,
    /// Not confirmed elsewhere: they get nothing until they confirm.
    pub pending: bool,
    /// Judge every row and change nothing.
    pub dry_run: bool,
}

/// A row that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reject {
    /// The line in the file, the head being line 1.
    pub line: u64,
    /// The row's fields as they stood.
    pub fields: Vec<String>,
    /// Why, and what to do.
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// Rows read.
    pub rows: usize,
    /// New subscriptions.
    pub added: usize,
    /// Known people whose subscription changed.
    pub updated: usize,
    /// Known people, nothing to change.
    pub unchanged: usize,
    /// Addresses that must never be mailed: left alone.
    pub suppressed: usize,
    /// People who left the channel, and whom an import does not bring back.
    pub unsubscribed: usize,
    /// The file's columns.
    #[serde(skip)]
    pub columns: Vec<String>,
    /// Rows not taken.
    pub rejects: Vec<Reject>,
}

/// Why an import could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The head has no `email`.
    #[error(
        "line 1 names the columns `{0}`, and none of them is `email`; the head should be email,name,language,timezone,schedule,topics (only email is needed)"
    )]
    NoEmailColumn(String),
    /// A column that would be ignored.
    #[error(
        "line 1 names a column `{0}` that there is not; known are email, name, language, timezone, schedule, topics"
    )]
    UnknownColumn(String),
    /// A channel that is none, or no e-mail channel.
    #[error("there is no e-mail channel `{0}`; there are {1}")]
    Channel(String, String),
    /// The file.
    #[error("the file could not be read: {0}")]
    Csv(#[from] csv::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks that every name is an e-mail channel.
///
/// # Errors
/// [`ImportError::Channel`], naming those there are.
pub fn check_channels(config: &Config, channels: &[String]) -> Result<(), ImportError> {
    for name in channels {
        if config.channels.get(name).is_none_or(|c| c.kind != "email") {
            let known: Vec<&str> = config
                .channels
                .values()
                .filter(|c| c.kind == "email")
                .map(|c| c.id.as_str())
                .collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(ImportError::Channel(name.clone(), known));
        }
    }
    Ok(())
}

/// Readers who picked a schedule that their channel no longer has follow its default from now
/// on: nobody waits for a run that never comes. For daemons, at their start and after a reload.
///
/// # Errors
/// The store's.
pub async fn forget_schedules(app: &App) -> Result<(), StoreError> {
    for channel in app.config.channels.values().filter(|c| c.kind == "email") {
        let known: Vec<String> = channel.schedules.keys().cloned().collect();
        let readers = app.db.forget_schedules(&channel.id, &known).await?;
        if readers > 0 {
            tracing::warn!(
                channel.name = channel.id,
                readers,
                schedule = channel.default_schedule,
                "their schedule is gone from the configuration; they follow the default"
            );
        }
    }
    Ok(())
}

/// Imports a CSV file with a head. Good rows are taken whatever the others are; `progress` is
/// told the rows read so far.
///
/// # Errors
/// [`ImportError`] for what concerns the whole file.
pub async fn import(
    app: &App,
    file: impl Read,
    options: &ImportOptions,
    now: UnixMillis,
    mut progress: impl FnMut(usize),
) -> Result<ImportReport, ImportError> {
    check_channels(&app.config, &options.channels)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file);
    let head = reader.headers()?.clone();
    let columns = Columns::of(&head)?;
    let mut report = ImportReport {
        columns: head.iter().map(column_name).collect(),
        ..ImportReport::default()
    };
    let mut seen = HashSet::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    for record in reader.byte_records() {
        let record = record?;
        report.rows += 1;
        let judged = match csv::StringRecord::from_byte_record(record.clone()) {
            Ok(row) => columns.subscriber(app, &row, options, &mut seen),
            Err(error) => Err(format!("the row is not CSV in UTF-8: {error}")),
        };
        match judged {
            Ok(new) => chunk.push(new),
            Err(reason) => report.rejects.push(Reject {
                line: record.position().map_or(0, csv::Position::line),
                fields: record
                    .iter()
                    .map(|field| String::from_utf8_lossy(field).into_owned())
                    .collect(),
                reason,
            }),
        }
        if chunk.len() == CHUNK {
            commit(app, &mut chunk, options, &mut report, now).await?;
            progress(report.rows);
        }
    }
    commit(app, &mut chunk, options, &mut report, now).await?;
    progress(report.rows);
    Ok(report)
}

/// Takes a chunk, or in a dry run asks what would become of it.
async fn commit(
    app: &App,
    chunk: &mut Vec<NewSubscriber>,
    options: &ImportOptions,
    report: &mut ImportReport,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let results = if options.dry_run {
        app.db.judge_subscribers(chunk, now).await?
    } else {
        app.db.import_subscribers(chunk, now).await?
    };
    for result in results {
        match result {
            Imported::Added => report.added += 1,
            Imported::Updated => report.updated += 1,
            Imported::Unchanged => report.unchanged += 1,
            Imported::Suppressed => report.suppressed += 1,
            Imported::Unsubscribed => report.unsubscribed += 1,
        }
    }
    chunk.clear();
    Ok(())
}

/// Where each known column stands.
struct Columns {
    email: usize,
    name: Option<usize>,
    language: Option<usize>,
    timezone: Option<usize>,
    schedule: Option<usize>,
    topics: Option<usize>,
}

/// A column's name; spreadsheets put a byte order mark in front of the first.
fn column_name(written: &str) -> String {
    written.trim_start_matches('\u{feff}').trim().to_lowercase()
}

impl Columns {
    fn of(head: &csv::StringRecord) -> Result<Self, ImportError> {
        // The last two are those of a file of rejects, so that it can be mended and imported.
        const KNOWN: [&str; 8] = [
            "email", "name", "language", "timezone", "schedule", "topics", "line", "reason",
        ];
        let names: Vec<String> = head.iter().map(column_name).collect();
        let at = |name: &str| names.iter().position(|n| n == name);
        let Some(email) = at("email") else {
            return Err(ImportError::NoEmailColumn(names.join(",")));
        };
        if let Some(unknown) = names.iter().find(|n| !KNOWN.contains(&n.as_str())) {
            return Err(ImportError::UnknownColumn(unknown.clone()));
        }
        Ok(Self {
            email,
            name: at("name"),
            language: at("language"),
            timezone: at("timezone"),
            schedule: at("schedule"),
            topics: at("topics"),
        })
    }

    fn subscriber(
        &self,
        app: &App,
        record: &csv::StringRecord,
        options: &ImportOptions,
        seen: &mut HashSet<String>,
    ) -> Result<NewSubscriber, String> {
        if record.iter().any(|text| text.contains('\u{fffd}')) {
            return Err("a character of it was lost; save the file as UTF-8".to_owned());
        }
        let field = |at: Option<usize>| at.and_then(|i| record.get(i)).filter(|t| !t.is_empty());
        let address = EmailAddress::parse(field(Some(self.email)).unwrap_or_default())
            .map_err(|e| e.to_string())?;
        if !seen.insert(address.key()) {
            return Err(format!(
                "`{address}` stands in an earlier row; only that one was taken"
            ));
        }
        let topics = field(self.topics)
            .map(|t| {
                t.split([';', '|'])
                    .map(|t| t.trim().to_owned())
                    .filter(|t| !t.is_empty())
            })
            .map(Iterator::collect)
            .unwrap_or_default();
        subscriber(
            app,
            SubscriberFields {
                address,
                name: field(self.name).unwrap_or_default(),
                language: field(self.language),
                timezone: field(self.timezone),
                schedule: field(self.schedule),
                topics,
            },
            options,
        )
    }
}

/// What is said of one subscriber, before it is checked.
pub struct SubscriberFields<'a> {
    /// Checked already.
    pub address: EmailAddress,
    /// Any text.
    pub name: &'a str,
    /// A BCP 47 tag.
    pub language: Option<&'a str>,
    /// An IANA zone.
    pub timezone: Option<&'a str>,
    /// A schedule's name.
    pub schedule: Option<&'a str>,
    /// The topics wanted.
    pub topics: Vec<String>,
}

/// Checks the fields against the channels asked for.
///
/// # Errors
/// In words, what is wrong and what there is instead.
pub fn subscriber(
    app: &App,
    fields: SubscriberFields<'_>,
    options: &ImportOptions,
) -> Result<NewSubscriber, String> {
    if let Some(zone) = fields.timezone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        return Err(format!(
            "`{zone}` is no time zone; it should look like Asia/Karachi"
        ));
    }
    if let Some(schedule) = fields.schedule {
        for id in &options.channels {
            let channel = &app.config.channels[id];
            if !channel.schedules.contains_key(schedule) {
                let known: Vec<&str> = channel.schedules.keys().map(String::as_str).collect();
                return Err(format!(
                    "channel `{id}` has no schedule `{schedule}`; it has {}",
                    known.join(", ")
                ));
            }
        }
    }
    Ok(NewSubscriber {
        address: fields.address,
        name: HeaderText::clean(fields.name),
        language: fields.language.map(str::to_owned),
        timezone: fields.timezone.map(str::to_owned),
        channels: options.channels.clone(),
        schedule: fields.schedule.map(str::to_owned),
        topics: Some(fields.topics).filter(|topics| !topics.is_empty()),
        state: if options.pending {
            SubscriptionState::Pending
        } else {
            SubscriptionState::Active
        },
    })
}
