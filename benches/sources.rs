//! Ten thousand sources on one daemon: `courant run` polls all of them once, at 500 hosts, while
//! one in a hundred has changed.
//!
//! `cargo bench --bench sources [-- --sources N --hosts N]`. The hosts are addresses of the
//! loopback, all served by one small HTTP server in a process of its own, so that the figures
//! are the daemon's alone; it shares the machine's cores. A host is asked one thing at a time
//! with the usual second in between, which is what the time of a cycle is made of.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement may stop at the first surprise"
)]

#[path = "delivery/usage.rs"]
#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod usage;

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use support::postgres::{Cluster, Durability};
use support::process::{House, execute};
use usage::Usage;

/// One source in so many changes.
const CHANGED: usize = 100;
/// Articles of a feed.
const ARTICLES: usize = 10;
/// The bar.
const MOST_MIB: f64 = 128.0;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let at = words.iter().position(|word| word == name);
        at.map_or(default, |at| words[at + 1].parse().unwrap())
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if words.iter().any(|word| word == "--serve") {
        runtime.block_on(serve());
        return;
    }
    let (sources, hosts) = (number("--sources", 10_000), number("--hosts", 500));
    let cluster = Cluster::start(Durability::Durable);
    for kind in ["sqlite", "postgres"] {
        let database = match kind {
            "postgres" => Some(runtime.block_on(cluster.fresh_database())),
            _ => None,
        };
        measure(&runtime, database, sources, hosts);
    }
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    database: Option<String>,
    sources: usize,
    hosts: usize,
) {
    let site = Site::start();
    let house = House::empty();
    let kind = if database.is_some() {
        "postgres"
    } else {
        "sqlite"
    };
    let database = database.unwrap_or_else(|| house.sqlite());
    let text = configuration(&database, site.port, sources, hosts);
    house.write("courant.toml", text);

    let child = spawn(&house, &["poll"]);
    let first = Usage::of(child, Duration::from_secs(3600));
    println!(
        "{kind}, first poll of all, by `courant poll`: {}",
        line(&first, sources)
    );
    assert_eq!(site.counts().0, sources);

    site.ask("/flip");
    runtime.block_on(execute(&database, "UPDATE source SET next_fetch_at = 1"));
    let before = site.counts();
    let (used, cycle) = run(&house, &site, before.0 + sources);
    let after = site.counts();
    let (asked, same) = (after.0 - before.0, after.1 - before.1);
    println!(
        "{kind}, one cycle of `courant run`: {asked} requests to {hosts} hosts, {:.1} % of them \
         answered with 304, in {:.1} s; {}; the bar of {MOST_MIB} MiB is {}",
        100.0 * same as f64 / asked as f64,
        cycle.as_secs_f64(),
        line(&used, asked),
        if used.peak_mib <= MOST_MIB {
            "kept"
        } else {
            "BROKEN"
        }
    );
    assert_eq!(asked, sources, "some were asked twice");
    let status = house.json(&["status"]);
    let all = status["sources"].as_array().unwrap();
    assert!(all.iter().all(|one| one["state"] == "ok"), "some failed");
    let articles = all.iter().map(|one| one["articles"].as_u64().unwrap());
    let expected = sources * ARTICLES + sources / CHANGED;
    assert_eq!(articles.sum::<u64>() as usize, expected);
}

/// A daemon until the site has been asked so often; what it used, and how long that took.
fn run(house: &House, site: &Site, requests: usize) -> (Usage, Duration) {
    let child = spawn(house, &["run"]);
    let (id, began) = (child.id(), Instant::now());
    let watch = std::thread::spawn(move || Usage::of(child, Duration::from_secs(3600)));
    while site.counts().0 < requests {
        std::thread::sleep(Duration::from_millis(20));
        assert!(
            began.elapsed() < Duration::from_secs(1800),
            "it never ended"
        );
    }
    let cycle = began.elapsed();
    // What was answered last is still to be written down.
    std::thread::sleep(Duration::from_secs(1));
    let mut kill = Command::new("kill");
    let kill = kill.arg("-TERM").arg(id.to_string());
    assert!(kill.status().unwrap().success());
    (watch.join().unwrap(), cycle)
}

fn line(used: &Usage, sources: usize) -> String {
    format!(
        "{:.1} s, {:.2} s of processor time ({:.0} µs each), peak memory {:.1} MiB",
        used.wall.as_secs_f64(),
        used.cpu.as_secs_f64(),
        used.cpu_us(sources),
        used.peak_mib
    )
}

fn spawn(house: &House, arguments: &[&str]) -> Child {
    let mut command = house.command(arguments);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn configuration(database: &str, port: u16, sources: usize, hosts: usize) -> String {
    let mut text = format!(
        "[site]\nname = \"News\"\nurl = \"https://news.example\"\npostal_address = \"1 Road\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nbase_url = \"http://letters.example\"\n\
         admin_listen = \"127.0.0.1:0\"\n[database]\nurl = \"{database}\"\n\
         [network]\nallow = [\"127.0.0.0/8\"]\nhost_pause = \"1s\"\n"
    );
    for n in 0..sources {
        let host = n % hosts;
        let (high, low) = (1 + host / 250, 1 + host % 250);
        text.push_str(&format!(
            "[sources.s{n}]\nkind = \"feed\"\nevery = \"1h\"\n\
             url = \"http://127.1.{high}.{low}:{port}/{n}\"\n"
        ));
    }
    text
}

/// The publications, in a process of their own.
struct Site {
    process: Child,
    port: u16,
}

impl Site {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.arg("--serve").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { process, port }
    }

    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
            .split("\r\n\r\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    }

    /// Requests so far, and those answered with 304.
    fn counts(&self) -> (usize, usize) {
        let text = self.ask("/counts");
        let mut words = text.split_whitespace().map(|word| word.parse().unwrap());
        (words.next().unwrap(), words.next().unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[derive(Default)]
struct Desk {
    has_changed: AtomicBool,
    asked: AtomicUsize,
    same: AtomicUsize,
}

async fn serve() {
    // Every address of 127/8 leads here.
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::<Desk>::default());
    axum::serve(listener, router).await.unwrap();
}

async fn answer(State(desk): State<Arc<Desk>>, uri: Uri, headers: HeaderMap) -> Response {
    let path = &uri.path()[1..];
    match path {
        "flip" => {
            desk.has_changed.store(true, Ordering::Relaxed);
            return "changed".into_response();
        }
        "counts" => {
            let count = |n: &AtomicUsize| n.load(Ordering::Relaxed);
            return format!("{} {}", count(&desk.asked), count(&desk.same)).into_response();
        }
        _ => {}
    }
    let number: usize = path.parse().unwrap();
    desk.asked.fetch_add(1, Ordering::Relaxed);
    let is_new = desk.has_changed.load(Ordering::Relaxed) && number.is_multiple_of(CHANGED);
    let tag = if is_new { "\"2\"" } else { "\"1\"" };
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        desk.same.fetch_add(1, Ordering::Relaxed);
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let fields = [
        (header::ETAG, tag),
        (header::CONTENT_TYPE, "application/rss+xml"),
    ];
    (fields, document(number, ARTICLES + usize::from(is_new))).into_response()
}

/// A feed of about 20 KB.
fn document(source: usize, articles: usize) -> String {
    let words = "the river canal reopened after months of repair while farmers waited for water ";
    let items: String = (0..articles)
        .rev()
        .map(|n| {
            format!(
                "<item><title>Story {n} of {source}</title>\
                 <link>https://s{source}.example/story-{n}/</link><guid>s{source} {n}</guid>\
                 <pubDate>{:02} Nov 2026 10:00:00 GMT</pubDate>\
                 <description><![CDATA[<p>{}</p>]]></description></item>",
                n + 1,
                words.repeat(24)
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>S{source}</title>\
         <link>https://s{source}.example/</link><description>d</description>{items}</channel></rss>"
    )
}
