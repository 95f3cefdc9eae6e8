//! What the stories of sending are told with: readers in numbers, issues of which nothing has
//! left yet, and daemons that send until they are stopped.

use std::time::{Duration, Instant};

use courant::domain::{DeliveryState, EmailAddress, Issue, UnixMillis};
use courant::pipeline::audience::{self, ImportOptions, SubscriberFields};
use courant::pipeline::dispatch::{self, Dispatcher};
use courant::pipeline::{App, Clock, plan, release, signup};
use courant::store::Db;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::newsroom::{BRIEF, DAY_ONE, HOUR, Newsroom};
use crate::support::process::until;
use crate::support::site::Item;
use crate::support::smtp::{Mail, Sink};

/// Long enough for everything that these stories wait for.
pub const SOON: Duration = Duration::from_secs(60);

/// A newsroom whose relay has the keys in `relay`; `more` are further keys of the channel, and
/// tables. It sends by the machine's clock.
pub async fn room(db: Db, relay: &str, more: &str) -> Newsroom {
    let mut room = Newsroom::open(db, &tables(relay, more)).await;
    room.app.clock = Clock::default();
    room
}

/// What [`Newsroom::beside`] takes for another daemon of a [`room`].
pub fn tables(relay: &str, more: &str) -> String {
    format!("{relay}\n{BRIEF}{more}")
}

/// A relay's table.
pub fn relay(name: &str, sink: &Sink, keys: &str) -> String {
    let port = sink.port();
    format!("[relays.{name}]\nurl = \"smtp://127.0.0.1:{port}?tls=off\"\n{keys}\n")
}

/// `count` addresses at a domain.
pub fn addresses(count: usize, domain: &str) -> Vec<String> {
    (0..count).map(|n| format!("reader{n}@{domain}")).collect()
}

/// Subscribes readers to a schedule, in one go.
pub async fn readers(room: &Newsroom, addresses: &[String], schedule: &str) {
    let options = ImportOptions {
        channels: vec!["brief".into()],
        ..ImportOptions::default()
    };
    let reader = |address: &String| {
        let fields = SubscriberFields {
            address: EmailAddress::parse(address).unwrap(),
            name: "",
            language: None,
            timezone: None,
            schedule: Some(schedule),
            topics: Vec::new(),
        };
        audience::subscriber(&room.app, fields, &options).unwrap()
    };
    let readers: Vec<_> = addresses.iter().map(reader).collect();
    room.app
        .db
        .import_subscribers(&readers, DAY_ONE)
        .await
        .unwrap();
}

/// Publishes a story, and makes the issues that are due at `now`; the newest of them.
pub async fn issue_at(room: &Newsroom, story: usize, now: UnixMillis) -> Issue {
    room.site.publish(Item::new(story));
    room.look(now).await;
    release::release_due(&room.app, now).await.unwrap();
    plan::plan(&room.app, now).await.unwrap();
    newest(&room.app).await
}

/// An issue for those who read at once, made now.
pub async fn alert(room: &Newsroom, story: usize) -> Issue {
    issue_at(room, story, UnixMillis::now()).await;
    newest_of(&room.app, "instant").await
}

/// An issue for those who read daily, made at seven in the morning of day one.
pub async fn digest(room: &Newsroom, story: usize) -> Issue {
    issue_at(room, story, DAY_ONE.plus_ms(HOUR)).await;
    newest_of(&room.app, "daily").await
}

async fn newest_of(app: &App, schedule: &str) -> Issue {
    let issues = app.db.issues(None, None, 10).await.unwrap();
    let mut issues = issues.into_iter();
    issues.find(|issue| issue.schedule == schedule).unwrap()
}

/// Somebody signs up by the form, and is admitted.
pub async fn sign_up(room: &Newsroom, address: &str, now: UnixMillis) {
    room.sign_up(address, now).await;
    assert_eq!(signup::admit(&room.app, now).await.unwrap(), 1);
}

pub async fn newest(app: &App) -> Issue {
    app.db.issues(None, None, 1).await.unwrap().remove(0)
}

pub async fn count(app: &App, issue: &Issue, state: DeliveryState) -> i64 {
    let counts = app.db.issue_counts(issue.id).await.unwrap();
    counts.get(&state).copied().unwrap_or_default()
}

/// Waits until at least so many deliveries of an issue are in a state.
pub async fn until_count(app: &App, issue: &Issue, state: DeliveryState, n: i64) {
    let what = format!("{n} deliveries of issue {} are {state}", issue.id);
    until(&what, SOON, async || {
        (count(app, issue, state).await >= n).then_some(())
    })
    .await;
}

/// A daemon, as far as sending goes.
pub struct Sender {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sender {
    pub fn start(app: &App) -> Self {
        let (app, stop) = (app.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut dispatcher = Dispatcher::default();
            let mut renewed = Instant::now();
            while !stopped.is_cancelled() {
                let step = dispatcher.step(&app, &stopped).await.unwrap();
                if renewed.elapsed() > dispatch::LEASE / 3 {
                    dispatcher.renew(&app).await.unwrap();
                    renewed = Instant::now();
                }
                if step.idle {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            let patience = CancellationToken::new();
            dispatcher.finish(&app, &patience).await.unwrap();
        });
        Self { stop, task }
    }

    /// Lets it finish what it has begun.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// The most messages that came within `window`, wherever it begins.
pub fn most_within(mails: &[Mail], window: Duration) -> usize {
    let mut times: Vec<Instant> = mails.iter().map(|mail| mail.at).collect();
    times.sort_unstable();
    let from = |(at, first): (usize, &Instant)| {
        times[at..]
            .iter()
            .take_while(|time| **time - *first < window)
            .count()
    };
    times.iter().enumerate().map(from).max().unwrap_or_default()
}

/// Holds mails to a rate: within any time no more than it allows, and what a quarter of a second
/// does, which a message may be late by.
pub fn assert_rate(what: &str, mails: &[Mail], per_second: f64) {
    for window in [0.5, 1.0, 2.0] {
        let most = most_within(mails, Duration::from_secs_f64(window));
        let allowed = per_second * (window + 0.25) + 1.0;
        assert!(
            most as f64 <= allowed,
            "{what}: {most} mails within {window} s at {per_second}/s"
        );
    }
}

/// How long it took from the first to the last.
pub fn lasted(mails: &[Mail]) -> Duration {
    let times = mails.iter().map(|mail| mail.at);
    let last = times.clone().max().unwrap();
    last - times.min().unwrap()
}

/// Whom a mail is for.
pub fn to(mail: &Mail) -> &str {
    &mail.to[0]
}

/// The domain of whom a mail is for.
pub fn domain(mail: &Mail) -> &str {
    to(mail).rsplit_once('@').unwrap().1
}
