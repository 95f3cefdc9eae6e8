//! The repairing layer and feed-rs against Python's feedparser, on the same documents in one run.
//!
//! ```text
//! cargo bench --bench feeds            # python3 with feedparser (Debian: python3-feedparser)
//! FEEDPARSER=/path/to/python cargo bench --bench feeds
//! ```
//!
//! Both are measured in CPU time: ours by the kernel's account of this thread, Python's by
//! `time.process_time`. The machine's other work slows both; the ratio is what counts.
//! It ends with 1 when a ratio is below 20.

mod documents;

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};

use courant::sources::repair;
use url::Url;

/// Times faster than feedparser that the layer and feed-rs together must be.
const BAR: f64 = 20.0;

/// What Python runs: bytes parsed per second of CPU time, the best of the rounds.
const PYTHON: &str = "\
import sys, time, feedparser
data = open(sys.argv[1], 'rb').read()
best = None
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    feed = feedparser.parse(data)
    took = time.process_time() - start
    best = took if best is None else min(best, took)
print(best, len(feed.entries))
";

fn main() -> ExitCode {
    let python = std::env::var("FEEDPARSER").unwrap_or_else(|_| "python3".to_owned());
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("no temporary folder: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("MB/s of CPU time          layer  feed-rs     both  feedparser   ratio");
    let mut is_met = true;
    for megabytes in [1, 10] {
        for document in documents::all(megabytes * 1_000_000) {
            let file = folder.path().join("feed.xml");
            if let Err(error) = std::fs::write(&file, &document.text) {
                eprintln!("{}: {error}", file.display());
                return ExitCode::FAILURE;
            }
            let ours = Ours::measure(&document.text, 200 / megabytes);
            match feedparser(&python, &file, if megabytes == 1 { 3 } else { 1 }) {
                Ok((seconds, entries)) => {
                    assert_eq!(entries, ours.entries, "both must read the same articles");
                    let ratio = seconds / ours.both();
                    is_met &= ratio >= BAR;
                    println!("{}", ours.line(&document, seconds, ratio));
                }
                Err(why) => {
                    eprintln!("{python}: {why}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    if is_met {
        println!("all are at least {BAR} times as fast as feedparser");
        ExitCode::SUCCESS
    } else {
        println!("not all are {BAR} times as fast as feedparser");
        ExitCode::FAILURE
    }
}

/// Seconds that one reading took us.
struct Ours {
    layer: f64,
    parser: f64,
    entries: usize,
}

impl Ours {
    fn measure(text: &str, rounds: usize) -> Self {
        let url = Url::parse("https://news.example.org/feed/").expect("it is an address");
        let repaired = repair::repair(text.as_bytes(), None, &url);
        let entries = parse(&repaired.text);
        // The account moves in steps of milliseconds, so that rounds are counted together.
        let start = cpu_seconds();
        for _ in 0..rounds {
            black_box(repair::repair(black_box(text.as_bytes()), None, &url));
        }
        let between = cpu_seconds();
        for _ in 0..rounds {
            black_box(parse(black_box(&repaired.text)));
        }
        let layer = (between - start) / rounds as f64;
        let parser = (cpu_seconds() - between) / rounds as f64;
        Self {
            layer,
            parser,
            entries,
        }
    }

    fn both(&self) -> f64 {
        self.layer + self.parser
    }

    fn line(&self, document: &documents::Document, python: f64, ratio: f64) -> String {
        let size = document.text.len() as f64 / 1e6;
        format!(
            "{:<16} {:>5.1} MB {:>7.0} {:>8.0} {:>8.0} {:>11.2} {:>6.0}x",
            document.name,
            size,
            size / self.layer,
            size / self.parser,
            size / self.both(),
            size / python,
            ratio
        )
    }
}

/// How many articles feed-rs reads.
fn parse(text: &str) -> usize {
    let parser = feed_rs::parser::Builder::new()
        .sanitize_content(false)
        .build();
    let feed = parser
        .parse(text.as_bytes())
        .expect("the layer's text is well-formed");
    feed.entries.len()
}

/// CPU time of this thread, as the scheduler counts it in nanoseconds.
fn cpu_seconds() -> f64 {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("Linux keeps an account of each thread");
    let spent = account
        .split(' ')
        .next()
        .and_then(|n| n.parse::<f64>().ok());
    spent.expect("its first number is time on a processor") / 1e9
}

fn feedparser(python: &str, file: &Path, rounds: usize) -> Result<(f64, usize), String> {
    let output = Command::new(python)
        .args(["-c", PYTHON])
        .arg(file)
        .arg(rounds.to_string())
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said.split_whitespace();
    match (
        numbers.next().map(str::parse),
        numbers.next().map(str::parse),
    ) {
        (Some(Ok(seconds)), Some(Ok(entries))) => Ok((seconds, entries)),
        _ => Err(format!(
            "has no feedparser (install python3-feedparser, or name another in FEEDPARSER): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}
