//! A small publication behind a server, and a client that hides nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use courant::config::{self, Config, Listen};
use courant::domain::{
    ArticleId, ArticleState, EmailAddress, HeaderText, IdentityKey, IssueArticle, IssueId,
    IssueState, Purpose, Revision, RevisionClass, SubscriberId, SubscriptionState, UnixMillis,
    keys_of,
};
use courant::store::{
    Change, Db, FetchOutcome, FetchRow, NewIssue, NewSubscriber, NextMemory, PollResult, Recipients,
};
use courant::templates::Templates;
use courant::web::{Bound, Limits, Side, State, admin_router, public_router, serve_within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// 2026-11-23T07:00:00Z.
pub const MORNING: UnixMillis = UnixMillis(1_795_417_200_000);

const CONFIG: &str = r#"
[site]
name = "Ravi Dispatch"
url = "https://news.example.org"
language = "en"
timezone = "Asia/Karachi"
postal_address = "1 Canal Road, Lahore"

[server]
base_url = "https://letters.example.org"

[sources.dispatch]
kind = "feed"
url = "https://news.example.org/feed/"

[relays.main]
url = "smtp://127.0.0.1:2525?tls=off"

[channels.feed]
kind = "feed"
title = "All stories"
description = "Everything, as it comes"

[channels.brief]
kind = "email"
title = "The Daily Brief"
from = "Ravi Dispatch <brief@news.example.org>"
topics = { any = ["Region", "Rivers"] }
schedules = { instant = "each", twice_a_week = "0 7 * * MON,THU", daily = "0 7 * * *" }
default_schedule = "daily"
relays = ["main"]

[channels.toots]
kind = "mastodon"
server = "https://social.example"
token = "x"
"#;

/// A server with its database.
pub struct Site {
    pub db: Db,
    pub state: State,
    pub public: String,
    pub admin: String,
    pub shutdown: CancellationToken,
    _dir: Option<tempfile::TempDir>,
}

impl Site {
    pub async fn open() -> Self {
        Self::within(Limits::default()).await
    }

    pub async fn within(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("courant.db").display());
        let db = Db::open(&url).await.unwrap();
        let mut site = Self::serve(db, configuration(""), limits).await;
        site._dir = Some(dir);
        site
    }

    /// Over a story's own database, with `more` in the configuration.
    pub async fn over(db: Db, more: &str) -> Self {
        Self::serve(db, configuration(more), Limits::default()).await
    }

    /// Over a story's own database; the publication's language is Urdu.
    pub async fn urdu(db: Db) -> Self {
        let text = CONFIG.replace("language = \"en\"", "language = \"ur\"");
        Self::serve(db, configuration_of(&text), Limits::default()).await
    }

    async fn serve(db: Db, config: Config, limits: Limits) -> Self {
        db.sync_sources(&["dispatch".into()], MORNING)
            .await
            .unwrap();
        let templates = Arc::new(Templates::load(None).unwrap());
        let config = Arc::new(config);
        let state = State::new(config, templates, db.clone(), MORNING)
            .await
            .unwrap();
        let shutdown = CancellationToken::new();
        let mut places = Vec::new();
        for (side, router) in [
            (Side::Public, public_router(state.clone())),
            (Side::Admin, admin_router(state.clone())),
        ] {
            let any_port = Listen::Tcp("127.0.0.1:0".into());
            let bound = Bound::bind(&any_port, side).await.unwrap();
            places.push(bound.place());
            tokio::spawn(serve_within(limits, bound, router, shutdown.clone()));
        }
        let admin = places.pop().unwrap();
        let public = places.pop().unwrap();
        Self {
            db,
            state,
            public,
            admin,
            shutdown,
            _dir: None,
        }
    }

    /// An article, first seen and released into `channels`.
    pub async fn article(&self, guid: &str, title: &str, channels: &[&str]) -> ArticleId {
        let change = Change::New {
            keys: keys(guid),
            revision: revision(title, MORNING),
            state: ArticleState::Waiting,
            eligible_at: MORNING,
            reason: String::new(),
            held_until: None,
        };
        let id = self.poll(change).await.new[0];
        let channels: Vec<String> = channels.iter().map(|c| (*c).to_owned()).collect();
        self.db
            .release_article(id, &channels, MORNING)
            .await
            .unwrap();
        id
    }

    /// A correction of an article.
    pub async fn correct(&self, id: ArticleId, guid: &str, title: &str) {
        let change = Change::Revise {
            article: id,
            keys: keys(guid),
            revision: revision(title, MORNING.plus_ms(60_000)),
            class: RevisionClass::Substantive,
            eligible_at: None,
        };
        self.poll(change).await;
    }

    async fn poll(&self, change: Change) -> courant::store::Applied {
        let memory = NextMemory {
            next_fetch_at: MORNING,
            baselined: true,
            ..NextMemory::default()
        };
        let fetch = FetchRow {
            status: Some(200),
            outcome: FetchOutcome::New,
            bytes: 1,
            entries: 1,
            duration_ms: 1,
            note: String::new(),
        };
        let until = MORNING.plus_ms(60_000);
        self.db
            .claim_sources("test", MORNING, until, 1, None)
            .await
            .unwrap();
        let result = PollResult {
            source: "dispatch".into(),
            owner: "test".into(),
            changes: vec![change],
            memory,
            fetch,
        };
        self.db.apply_poll(result, MORNING).await.unwrap()
    }

    /// An issue of `channel` with these articles, which are its whole ledger so far.
    pub async fn issue(
        &self,
        channel: &str,
        state: IssueState,
        title: &str,
        articles: &[ArticleId],
    ) -> IssueId {
        let newest = self.db.ledger_newest(channel).await.unwrap();
        let rows = articles.iter().enumerate().map(|(i, id)| IssueArticle {
            position: i64::try_from(i).unwrap(),
            article: *id,
            revision: 1,
            ledger_number: newest,
        });
        let issue = NewIssue {
            channel: channel.into(),
            schedule: "manual".into(),
            slot: format!("manual {title}"),
            zone: "UTC".into(),
            scheduled_at: MORNING,
            state,
            title: title.into(),
            rows: rows.collect(),
            upto: newest,
            recipients: Recipients::Nobody,
            priority: 0,
            content_key: title.into(),
        };
        self.db
            .freeze_issue(&issue, MORNING)
            .await
            .unwrap()
            .unwrap()
    }

    /// A confirmed reader of `brief`.
    pub async fn reader(&self, address: &str) -> SubscriberId {
        self.reader_who_is(SubscriptionState::Active, address, &["brief"])
            .await
    }

    pub async fn reader_who_is(
        &self,
        state: SubscriptionState,
        address: &str,
        channels: &[&str],
    ) -> SubscriberId {
        let reader = NewSubscriber {
            address: EmailAddress::parse(address).unwrap(),
            name: HeaderText::default(),
            language: None,
            timezone: None,
            channels: channels.iter().map(|c| (*c).to_owned()).collect(),
            schedule: None,
            topics: None,
            state,
        };
        self.db.import_subscriber(&reader, MORNING).await.unwrap();
        let key = reader.address.key();
        self.db.subscriber(&key).await.unwrap().unwrap().id
    }

    pub async fn token(&self, purpose: Purpose, id: SubscriberId) -> String {
        self.db
            .token_key()
            .await
            .unwrap()
            .seal(purpose, id, "brief")
    }

    /// The token of a confirmation mail that was made just now, and after readers were added.
    pub async fn confirmation(&self, id: SubscriberId) -> String {
        let made = UnixMillis::now().max(MORNING);
        self.confirmation_of(id, made).await
    }

    /// The token of a confirmation mail that was made at that instant.
    pub async fn confirmation_of(&self, id: SubscriberId, made: UnixMillis) -> String {
        let key = self.db.token_key().await.unwrap();
        key.seal_confirmation(id, "brief", made)
    }

    pub async fn get(&self, path: &str) -> Reply {
        request(&self.public, "GET", path, &[], b"").await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        request(&self.public, "GET", path, headers, b"").await
    }

    pub async fn admin(&self, path: &str) -> Reply {
        request(&self.admin, "GET", path, &[], b"").await
    }

    pub async fn post(&self, path: &str, form: &str) -> Reply {
        self.post_with(path, &[], form).await
    }

    pub async fn post_with(&self, path: &str, more: &[(&str, &str)], form: &str) -> Reply {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(more);
        request(&self.public, "POST", path, &headers, form.as_bytes()).await
    }
}

/// The publication's, with what a story adds to it.
pub fn configuration(more: &str) -> Config {
    configuration_of(&format!("{CONFIG}{more}"))
}

fn configuration_of(text: &str) -> Config {
    let path = Path::new("/nowhere/courant.toml");
    config::from_text(path, text, |_| Vec::new()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn keys(guid: &str) -> Vec<IdentityKey> {
    keys_of(Some(guid), None, "", "")
}

fn revision(title: &str, updated: UnixMillis) -> Revision {
    Revision {
        number: 1,
        seen_at: updated,
        url: "https://news.example.org/stories/1".into(),
        title: title.into(),
        summary: "In short.".into(),
        content_html: format!("<p>{}</p>", "Water rose in the Ravi. ".repeat(40)),
        authors: vec!["Ada Byron".into()],
        topics: vec!["Region".into()],
        image: None,
        language: "en".into(),
        published: MORNING,
        updated,
        words: 200,
        hash: title.into(),
    }
}

/// An answer to the last byte.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap_or((line, "")));
        Self {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One request on a connection of its own.
pub async fn request(
    place: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut stream = TcpStream::connect(place).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Reply::parse(&answer)
}
