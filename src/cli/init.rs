//! `init`: a small commented configuration to begin with, from flags or by asking.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use url::Url;

use crate::domain::EmailAddress;
use crate::runtime::check_kinds;

use super::Usage;
use super::args::InitArgs;

/// Stands where a postal address was not given.
const NO_ADDRESS: &str = "1 Example Street, Lahore";
const TEMPLATE: &str = include_str!("init.toml");

/// Writes `courant.toml` into the directory; never overwrites.
///
/// # Errors
/// A file that is there already, an answer that cannot be used, a directory that cannot be
/// written to.
pub fn run(args: InitArgs) -> anyhow::Result<()> {
    let path = args.dir.join("courant.toml");
    if path.exists() {
        bail!(Usage(format!(
            "{} is there already, and is left as it is",
            path.display()
        )));
    }
    let is_example = args.name.is_none() || args.url.is_none();
    let ask = Asker {
        terminal: std::io::stdin().is_terminal(),
    };
    let name = ask.answer(args.name, "Name of the publication", "My Publication")?;
    let url = ask.answer(args.url, "Its address", "https://news.example.org")?;
    let url = web_address(&url)?;
    let feed = url.join("feed/").map(|u| u.to_string()).unwrap_or_default();
    let feed = ask.answer(args.feed, "Its feed", &feed)?;
    let host = url
        .host_str()
        .unwrap_or("example.org")
        .trim_start_matches("www.")
        .to_owned();
    let from = ask.answer(args.from, "Sender of newsletters", &format!("news@{host}"))?;
    let from = EmailAddress::parse(&from).map_err(|e| Usage(e.to_string()))?;
    let language = ask.answer(args.language, "Language", "en")?;
    let timezone = ask.answer(args.timezone, "Time zone", &local_zone())?;
    let address = ask.answer(
        args.postal_address,
        "Postal address for the footer",
        NO_ADDRESS,
    )?;
    let text = fill(&[
        ("NAME", &name),
        ("URL", url.as_str()),
        ("FEED", &feed),
        ("FROM", from.as_str()),
        ("HOST", &host),
        ("LANGUAGE", &language),
        ("TIMEZONE", &timezone),
        ("ADDRESS", &address),
    ]);
    // What was typed may still be no time zone or language: then nothing is written, and the
    // command can be given again.
    crate::config::from_text(&path, &text, check_kinds)
        .context("with these answers the file would be wrong, so it is not written")?;
    write_new(&path, &text)?;
    super::output::print(&next_steps(
        &path,
        address == NO_ADDRESS,
        is_example && !ask.terminal,
    ))
}

fn web_address(text: &str) -> Result<Url, Usage> {
    Url::parse(text)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https") && u.host_str().is_some())
        .ok_or_else(|| {
            Usage(format!(
                "`{text}` is no web address; it should look like https://news.example.org"
            ))
        })
}

/// What to do with the file that was written.
fn next_steps(path: &Path, lacks_address: bool, is_example: bool) -> String {
    let missing = match (is_example, lacks_address) {
        (true, _) => {
            "What was not given (--name, --url, --from …) is an example in it: write your own.\n"
        }
        (_, true) => "The postal address in it is an example: write yours before mail goes out.\n",
        _ => "",
    };
    format!(
        "{} is written.\n{missing}Next:\n  courant -c {0} check    what is in it, and whether it is right\n  courant -c {0} poll     look at the feed once\n  courant -c {0} run      the daemon\n",
        path.display()
    )
}

/// Puts the answers into the template, as TOML strings.
fn fill(answers: &[(&str, &str)]) -> String {
    let mut text = TEMPLATE.to_owned();
    for (name, value) in answers {
        // JSON's escapes are all TOML basic-string escapes.
        let quoted = serde_json::Value::from(*value).to_string();
        let inner = &quoted[1..quoted.len() - 1];
        text = text.replace(&format!("@{name}@"), inner);
    }
    text
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let told = || format!("{} could not be written", path.display());
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(told)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)
}

/// Asks on a terminal, and takes the suggestion elsewhere.
struct Asker {
    terminal: bool,
}

impl Asker {
    fn answer(
        &self,
        given: Option<String>,
        question: &str,
        suggestion: &str,
    ) -> anyhow::Result<String> {
        if let Some(given) = given {
            return Ok(given);
        }
        if !self.terminal {
            return Ok(suggestion.to_owned());
        }
        eprint!("{question} [{suggestion}]: ");
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("reading your answer")?;
        let line = line.trim();
        Ok(if line.is_empty() {
            suggestion.to_owned()
        } else {
            line.to_owned()
        })
    }
}

/// This machine's zone, or UTC.
fn local_zone() -> String {
    jiff::tz::TimeZone::system()
        .iana_name()
        .unwrap_or("UTC")
        .to_owned()
}
