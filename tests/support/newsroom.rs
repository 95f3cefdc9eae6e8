//! A whole Courant for a story: a site whose feed the story writes, a mail server that keeps
//! what it was given, and the stages run step by step at the story's own time.

use std::collections::BTreeMap;
use std::path::Path;

use courant::config;
use courant::domain::{EmailAddress, UnixMillis};
use courant::pipeline::audience::{self, ImportOptions, SubscriberFields};
use courant::pipeline::ingest::PollReport;
use courant::pipeline::{App, Clock, Wake, dispatch, ingest, plan, release, signup};
use courant::runtime::check_kinds;
use courant::store::{Db, Imported, SignUp, SignUpAnswer};
use courant::templates::Templates;

use super::site::Site;
use super::smtp::Sink;

/// Monday, 5 January 2026, 06:00 in UTC: the first day of every story.
pub const DAY_ONE: UnixMillis = UnixMillis(1_767_592_800_000);
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct Newsroom {
    /// Where its processes note what they have on the wire.
    pub journals: tempfile::TempDir,
    pub app: App,
    pub site: Site,
    pub sink: Sink,
}

/// A channel whose readers pick one of three schedules.
pub const BRIEF: &str = r#"
[channels.brief]
kind = "email"
title = "The Brief"
from = "News <brief@news.example>"
schedules = { instant = "each", daily = "0 7 * * *", weekly = "0 7 * * MON" }
default_schedule = "daily"
"#;

/// The configuration of a story: its site and sink, and what it adds (`{SITE}` is the site).
pub fn configuration(site: &str, smtp_port: u16, database: &str, more: &str) -> String {
    let more = more.replace("{SITE}", site);
    format!(
        r#"[site]
name = "News"
url = "https://news.example"
postal_address = "1 Canal Road, Lahore"
[server]
listen = "127.0.0.1:0"
base_url = "http://letters.example"
admin_listen = "127.0.0.1:0"
[database]
url = "{database}"
[defaults]
hold = "0s"
[network]
allow = ["127.0.0.0/8"]
host_pause = "0s"
[sources.news]
kind = "feed"
url = "{site}/feed/"
every = "1s"
[relays.main]
url = "smtp://127.0.0.1:{smtp_port}?tls=off"
{more}
"#
    )
}

impl Newsroom {
    /// Opens everything over `db`. The source's baseline is taken: what the story publishes
    /// from here on is news.
    pub async fn open(db: Db, more: &str) -> Self {
        let room = Self::open_unpolled(db, more).await;
        room.look(DAY_ONE.plus_ms(-HOUR)).await;
        room.tick(DAY_ONE.plus_ms(-HOUR)).await;
        room
    }

    /// The same, before the first poll.
    pub async fn open_unpolled(db: Db, more: &str) -> Self {
        courant::net::install_crypto();
        let site = Site::start().await;
        let sink = Sink::plain().await;
        let journals = tempfile::tempdir().expect("a temporary directory");
        let mut app = Self::app(db, &site, &sink, more).await;
        app.clock = Clock::standing(DAY_ONE);
        app.journals = journals.path().to_owned();
        Self {
            journals,
            app,
            site,
            sink,
        }
    }

    /// A second daemon on the same database.
    pub async fn beside(&self, more: &str) -> App {
        let mut app = Self::app(self.app.db.clone(), &self.site, &self.sink, more).await;
        app.clock = self.app.clock.clone();
        app.journals = self.journals.path().to_owned();
        app
    }

    async fn app(db: Db, site: &Site, sink: &Sink, more: &str) -> App {
        let text = configuration(&site.url, sink.port(), "sqlite:unused.db", more);
        let config = config::from_text(Path::new("story.toml"), &text, check_kinds)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let templates = Templates::load(None).unwrap();
        let owner = courant::runtime::owner("run");
        let wake = std::sync::Arc::new(Wake::default());
        // On the heap: stories hold it across their waits.
        Box::pin(App::open(config, templates, db, owner, wake))
            .await
            .unwrap()
    }

    /// Subscribes a reader with a schedule.
    pub async fn reader(&self, address: &str, schedule: &str) -> Imported {
        self.subscribe(address, schedule, None, &[]).await
    }

    /// Subscribes a reader, or changes how they are subscribed.
    pub async fn subscribe(
        &self,
        address: &str,
        schedule: &str,
        timezone: Option<&str>,
        topics: &[&str],
    ) -> Imported {
        let options = ImportOptions {
            channels: vec!["brief".into()],
            ..ImportOptions::default()
        };
        let fields = SubscriberFields {
            address: EmailAddress::parse(address).unwrap(),
            name: "",
            language: None,
            timezone,
            schedule: Some(schedule),
            topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        };
        let reader = audience::subscriber(&self.app, fields, &options).unwrap();
        self.app
            .db
            .import_subscribers(&[reader], DAY_ONE)
            .await
            .unwrap()[0]
    }

    /// Somebody signs up by the form.
    pub async fn sign_up(&self, address: &str, now: UnixMillis) {
        let signup = SignUp {
            address: EmailAddress::parse(address).unwrap(),
            channels: vec!["brief".into()],
            network: None,
            evidence: "form".into(),
        };
        let hour = std::time::Duration::from_secs(3600);
        let taken = self.app.db.take_signup(&signup, 1, hour, now).await;
        assert_eq!(taken.unwrap(), SignUpAnswer::Taken);
    }

    /// Polls every source at `now`, due or not, and releases what is due.
    pub async fn look(&self, now: UnixMillis) -> Vec<PollReport> {
        let names: Vec<String> = self.app.sources.keys().cloned().collect();
        let reports = ingest::poll(&self.app, Some(&names), now).await.unwrap();
        release::release_due(&self.app, now).await.unwrap();
        reports
    }

    /// Releases, admits, plans and sends at `now`.
    pub async fn tick(&self, now: UnixMillis) {
        release::release_due(&self.app, now).await.unwrap();
        signup::admit(&self.app, now).await.unwrap();
        plan::plan(&self.app, now).await.unwrap();
        self.app.clock.set(now);
        dispatch::recover(&self.app, None).await.unwrap();
        dispatch::drain(&self.app, |_| {}).await.unwrap();
    }

    /// Ticks every `step` from `from` up to and including `to`.
    pub async fn live(&self, from: UnixMillis, to: UnixMillis, step: i64) {
        let mut now = from;
        while now <= to {
            self.tick(now).await;
            now = now.plus_ms(step);
        }
    }

    /// The numbers of the stories that a reader's mails carried, in order of arrival.
    pub fn stories_of(&self, address: &str) -> Vec<usize> {
        self.mails_of(address)
            .iter()
            .flat_map(|text| stories_in(text))
            .collect()
    }

    /// The text parts of a reader's mails.
    pub fn mails_of(&self, address: &str) -> Vec<String> {
        let parser = mail_parser::MessageParser::default();
        self.sink
            .accepted()
            .iter()
            .filter(|mail| mail.to.iter().any(|to| to == address))
            .map(|mail| {
                let message = parser.parse(&mail.data).expect("a mail that parses");
                message.body_text(0).expect("a text part").into_owned()
            })
            .collect()
    }

    /// How many mails each address got.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for mail in self.sink.accepted() {
            for to in &mail.to {
                *counts.entry(to.clone()).or_default() += 1;
            }
        }
        counts
    }
}

/// The numbers of the story addresses in a text, without repetition, in order.
fn stories_in(text: &str) -> Vec<usize> {
    let mut stories = Vec::new();
    for part in text.split("news.example/story-").skip(1) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse()
            && !stories.contains(&number)
        {
            stories.push(number);
        }
    }
    stories
}
