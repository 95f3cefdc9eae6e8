//! Arguments, output and exit codes: one file per command, all over the same stages that the
//! daemon runs.

mod args;
mod articles;
mod check;
mod demo;
mod discover;
mod dkim;
mod init;
mod issues;
mod output;
mod preview;
mod publish;
mod status;
mod subscribers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use tokio_util::sync::CancellationToken;

use crate::config::Problems;
use crate::domain::UnixMillis;
use crate::pipeline::app::SendingError;
use crate::pipeline::{App, ingest, release};
use crate::runtime::{Daemon, DaemonError, load_config, open_app, owner, telemetry};

use args::{Cli, Command};
use output::{Output, print, table};

/// A usage or configuration error: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Reads the arguments, runs the command, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let daemon = matches!(cli.command, Command::Run);
    // What `poll` prints of each source need not be logged, too.
    let quiet = match cli.command {
        Command::Poll(_) => {
            "warn,courant::pipeline::ingest::outcome=off,courant::pipeline::ingest::judge=off"
        }
        _ => "warn",
    };
    telemetry::start(cli.verbose + u8::from(daemon), quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the threads to work on could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(run(cli))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(&error)
        }
    }
}

/// 2 for what the operator can mend by typing or editing, 1 for everything else.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let unable = error.downcast_ref::<SendingError>();
    let has_no_secret = unable.is_some_and(|e| !matches!(e, SendingError::Journal(_)));
    let is_replaced = matches!(error.downcast_ref(), Some(DaemonError::Replaced(_)));
    if error.is::<Usage>() || error.is::<Problems>() || has_no_secret || is_replaced {
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let out = Output::new(cli.json);
    let path = || config_path(cli.config.clone());
    match cli.command {
        Command::Demo(args) => demo::run(args, out).await?,
        Command::Init(args) => init::run(args)?,
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "courant", &mut script);
            print(&String::from_utf8_lossy(&script))?;
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&String::from_utf8_lossy(&page))?;
        }
        Command::Check => check::run(&path()?, out).await?,
        Command::Run => daemon(app(&path()?, "run").await?).await?,
        Command::Poll(args) => return poll(&app(&path()?, "cli").await?, &args.sources, out).await,
        Command::Preview(args) => preview::run(&app(&path()?, "cli").await?, args, out).await?,
        Command::Publish(args) => publish::run(&app(&path()?, "cli").await?, args, out).await?,
        Command::Issues(args) => issues::run(&app(&path()?, "cli").await?, args, out).await?,
        Command::Articles(args) => articles::run(&app(&path()?, "cli").await?, args, out).await?,
        Command::Subscribers(args) => {
            subscribers::run(&app(&path()?, "cli").await?, args, out).await?;
        }
        Command::Status => status::run(&app(&path()?, "cli").await?, out).await?,
        Command::Export(args) => {
            let written = crate::web::export(&app(&path()?, "cli").await?, &args.dir).await?;
            out.answer(&serde_json::json!({ "files": written }), || {
                format!("{written} files written to {}", args.dir.display())
            })?;
        }
        Command::Backup(args) => {
            let app = app(&path()?, "cli").await?;
            app.db.backup(&args.file).await?;
            out.answer(&serde_json::json!({ "file": args.file }), || {
                format!("the copy is {}", args.file.display())
            })?;
        }
        Command::Discover(args) => discover::run(path(), &args, out).await?,
        Command::Dkim(args) => dkim::run(path(), &args, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration named, or the first of the usual places.
fn config_path(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path);
    }
    let usual = [
        PathBuf::from("courant.toml"),
        PathBuf::from("/etc/courant/courant.toml"),
    ];
    usual.into_iter().find(|path| path.exists()).ok_or_else(|| {
        Usage(
            "there is no configuration: neither ./courant.toml nor /etc/courant/courant.toml.\n\
             Write one with `courant init`, or name it with -c FILE."
                .to_owned(),
        )
        .into()
    })
}

/// Opens everything for a command.
async fn app(path: &std::path::Path, prefix: &str) -> anyhow::Result<App> {
    open_app(load_config(path)?, owner(prefix)).await
}

/// The channel of that name.
fn channel<'a>(app: &'a App, id: &str) -> anyhow::Result<&'a crate::pipeline::app::OpenChannel> {
    app.channels.get(id).ok_or_else(|| {
        let known: Vec<&str> = app.channels.keys().map(String::as_str).collect();
        Usage(format!(
            "there is no channel `{id}`; there are {}",
            known.join(", ")
        ))
        .into()
    })
}

/// `run`.
async fn daemon(app: App) -> anyhow::Result<()> {
    for warning in app.warnings.iter() {
        tracing::warn!("{warning}");
    }
    let daemon = Daemon::bind(app).await.map_err(|error| {
        if error.is::<DaemonError>() {
            error
        } else {
            error.context("the daemon could not start")
        }
    })?;
    eprintln!(
        "Courant is running.\n  readers:   {}\n  operators: {}",
        daemon.public_address(),
        daemon.admin_address()
    );
    daemon.run(CancellationToken::new()).await
}

/// `poll`.
async fn poll(app: &App, sources: &[String], out: Output) -> anyhow::Result<ExitCode> {
    for name in sources {
        if !app.sources.contains_key(name) {
            let known: Vec<&str> = app.sources.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(Usage(format!("there is no source `{name}`; there are {known}")).into());
        }
    }
    let names: Vec<String> = if sources.is_empty() {
        app.sources.keys().cloned().collect()
    } else {
        sources.to_vec()
    };
    let now = UnixMillis::now();
    let bar = out.progress(None, "polling");
    let reports = ingest::poll(app, Some(&names), now)
        .await
        .context("polling")?;
    bar.finish_and_clear();
    release::release_due(app, now).await?;
    let failed = reports.iter().any(|r| r.error.is_some());
    out.answer(&reports, || poll_text(&reports, &names))?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn poll_text(reports: &[ingest::PollReport], asked: &[String]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for r in reports {
        let mut said = said(r).into_iter();
        let counts = [r.entries, r.new, r.changed, r.held];
        let mut row = vec![r.source.clone()];
        row.extend(counts.iter().map(usize::to_string));
        row.extend(said.next());
        rows.push(row);
        rows.extend(said.map(|more| {
            let mut row = vec![String::new(); 5];
            row.push(more);
            row
        }));
    }
    let mut text = table(&["SOURCE", "ENTRIES", "NEW", "CHANGED", "HELD", ""], &rows);
    for name in asked
        .iter()
        .filter(|n| !reports.iter().any(|r| r.source == **n))
    {
        text.push_str(&format!(
            "{name} is being polled by the daemon at this moment\n"
        ));
    }
    if reports.iter().any(|r| r.held > 0) {
        text.push_str(&format!("Those that are held: {}\n", articles::HELD));
    }
    text
}

/// What there is to say of a poll, one line each.
fn said(report: &ingest::PollReport) -> Vec<String> {
    let mut said: Vec<String> = report.error.iter().cloned().collect();
    if report.not_modified {
        said.push("not modified".to_owned());
    }
    if report.baseline > 0 {
        said.push(format!(
            "first poll: {} known from now on, and no news",
            output::count(report.baseline, "article is", "articles are")
        ));
    }
    said.extend(report.notes.iter().cloned());
    said
}
