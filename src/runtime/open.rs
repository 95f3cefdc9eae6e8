//! From a configuration file to an open [`App`].

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::config::{self, Config, Problem, Problems};
use crate::pipeline::{App, OpenError, Wake, app};
use crate::store::{Db, shown_address};
use crate::templates::{TemplateError, Templates};

/// Reads and checks the configuration with everything its kinds say about their own keys.
///
/// # Errors
/// Every problem in one go, each at its place.
pub fn load_config(path: &Path) -> Result<Config, Problems> {
    config::load(path, check_kinds)
}

/// The second stage of checking: sources, channels and the operator's templates.
#[must_use]
pub fn check_kinds(config: &Config) -> Vec<Problem> {
    // A directory that is not there has been told already; the rest is checked without it.
    let own = config.templates.as_deref().filter(|dir| dir.is_dir());
    match Templates::load(own) {
        Ok(templates) => app::open(config, &templates).problems,
        Err(error) => vec![template_problem(config, &error)],
    }
}

/// A template's error names its own file and place, which begin the problem.
fn template_problem(config: &Config, error: &TemplateError) -> Problem {
    let file = error.file_path().unwrap_or(&config.path);
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let places = [
        format!("{}:{line}:{column}: ", file.display()),
        format!("{}:{line}: ", file.display()),
        format!("{}: ", file.display()),
    ];
    let told = places.iter().find_map(|place| text.strip_prefix(place));
    let problem = Problem::of_file(file, told.unwrap_or(&text));
    Problem {
        line,
        column,
        ..problem
    }
}

/// Opens the database (making or migrating it) and everything else.
///
/// # Errors
/// What is wrong and where, for people.
pub async fn open_app(config: Config, owner: String) -> anyhow::Result<App> {
    crate::net::install_crypto();
    let url = config
        .database
        .url()
        .context("the database's address could not be read")?;
    let db = Db::open(&url)
        .await
        .context("the database could not be opened")?;
    let opened = open_over(config, db, owner, Arc::default()).await;
    opened.map_err(|error| match error.downcast_ref() {
        Some(OpenError::Store(_)) => {
            error.context(format!("cannot work on `{}`", shown_address(&url)))
        }
        _ => error,
    })
}

/// The same over a database that is open: for a reload.
///
/// # Errors
/// What is wrong and where, for people.
pub async fn open_over(
    config: Config,
    db: Db,
    owner: String,
    wake: Arc<Wake>,
) -> anyhow::Result<App> {
    let templates = Templates::load(config.templates.as_deref())?;
    Ok(App::open(config, templates, db, owner, wake).await?)
}

/// A name for lease columns: `run-…` for daemons (whose leases a SQLite daemon takes back at
/// its start), `cli-…` for commands.
#[must_use]
pub fn owner(prefix: &str) -> String {
    let mut random = [0u8; 6];
    // The operating system's generator does not fail on a running machine; if it did, the
    // process id alone still tells daemons of one machine apart.
    let _ = aws_lc_rs::rand::fill(&mut random);
    format!(
        "{prefix}-{}-{}",
        std::process::id(),
        data_encoding::HEXLOWER.encode(&random)
    )
}
