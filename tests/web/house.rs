//! A whole Courant whose public pages are served: for those who send it something.

use std::path::Path;
use std::sync::Arc;

use courant::config::{self, Listen};
use courant::domain::{Article, UnixMillis};
use courant::pipeline::ingest::PollReport;
use courant::pipeline::{App, Clock, Wake, ingest, release, websub};
use courant::runtime::check_kinds;
use courant::store::{ArticleFilter, Db, HubSubscription};
use courant::templates::Templates;
use courant::web::{Bound, Limits, Side, State, public_router, serve_within};
use tokio_util::sync::CancellationToken;

use crate::support::hub::send;
use crate::support::newsroom::{DAY_ONE, configuration};
use crate::support::site::{Item, Site};

/// The house, over a site with a feed.
pub struct House {
    pub app: App,
    pub site: Site,
    pub base: String,
    state: State,
    shutdown: CancellationToken,
    text: String,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl House {
    /// At the beginning of the first day, the feed's baseline taken; `more` is added to the
    /// configuration.
    pub async fn open(db: Db, more: &str) -> Self {
        let site = Site::start().await;
        site.publish(Item::new(0));
        let any_port = Listen::Tcp("127.0.0.1:0".into());
        let bound = Bound::bind(&any_port, Side::Public).await.unwrap();
        let base = format!("http://{}", bound.place());
        let text = configuration(&site.url, 25, "sqlite:unused.db", more)
            .replace("http://letters.example", &base)
            .replace("every = \"1s\"", "every = \"1h\"");
        let app = app(&db, &text, Clock::standing(DAY_ONE)).await;
        let (config, templates) = (app.config.clone(), app.templates.clone());
        let state = State::new(config, templates, db, DAY_ONE).await.unwrap();
        state.take_in_for(app.clone());
        let shutdown = CancellationToken::new();
        let router = public_router(state.clone());
        let limits = Limits::default();
        tokio::spawn(serve_within(limits, bound, router, shutdown.clone()));
        let house = Self {
            app,
            site,
            base,
            state,
            shutdown,
            text,
        };
        house.poll(DAY_ONE).await;
        house
    }

    /// Changes the configuration, as a reload does.
    pub async fn reload(&mut self, change: impl Fn(&str) -> String) {
        let text = change(&self.text);
        assert_ne!(text, self.text, "nothing was changed");
        self.app = app(&self.app.db, &text, self.app.clock.clone()).await;
        self.state.take_in_for(self.app.clone());
    }

    /// Polls the feed, due or not.
    pub async fn poll(&self, now: UnixMillis) -> PollReport {
        self.app.clock.set(now);
        let only = ["news".to_owned()];
        let mut reports = ingest::poll(&self.app, Some(&only), now).await.unwrap();
        reports.pop().expect("the feed was polled")
    }

    /// Polls what is due, and says what was.
    pub async fn poll_due(&self, now: UnixMillis) -> Vec<String> {
        self.app.clock.set(now);
        let reports = ingest::poll(&self.app, None, now).await.unwrap();
        reports.into_iter().map(|report| report.source).collect()
    }

    /// Lets the site name hubs, and asks them.
    pub async fn follow(&self, hubs: &[&str], now: UnixMillis) {
        self.site.offer_hubs(hubs);
        self.site.publish(Item::new(900).titled("With hubs"));
        self.poll(now).await;
        self.ask_hubs(now).await;
    }

    /// One round of asking hubs.
    pub async fn ask_hubs(&self, now: UnixMillis) {
        self.app.clock.set(now);
        websub::step(&self.app, now).await.unwrap();
    }

    /// The feed's subscription.
    pub async fn subscription(&self) -> HubSubscription {
        let all = self.app.db.hub_subscriptions().await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }

    /// A POST to `/push/…`, with the test's token.
    pub async fn push(&self, source: &str, body: &str) -> (u16, serde_json::Value) {
        let token = ("authorization", TOKEN);
        self.push_with(source, &[token, JSON], body).await
    }

    pub async fn push_with(
        &self,
        source: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, serde_json::Value) {
        let url = format!("{}/push/{source}", self.base);
        let (status, kind, answer) = send("POST", &url, headers, body.as_bytes()).await;
        assert_eq!(kind, "application/json", "{status} {answer}");
        (status, serde_json::from_str(&answer).expect("JSON"))
    }

    /// The articles of a source, newest first, after their holds.
    pub async fn articles(&self, source: &str) -> Vec<Article> {
        release::release_due(&self.app, self.app.clock.now())
            .await
            .unwrap();
        let filter = ArticleFilter {
            source: Some(source.into()),
            ..ArticleFilter::default()
        };
        self.app.db.articles(&filter, 100).await.unwrap()
    }

    pub async fn titles(&self, source: &str) -> Vec<String> {
        let articles = self.articles(source).await;
        articles.into_iter().map(|a| a.revision.title).collect()
    }
}

pub const TOKEN: &str = "Bearer a-token-that-nobody-guesses";
pub const JSON: (&str, &str) = ("content-type", "application/json");

async fn app(db: &Db, text: &str, clock: Clock) -> App {
    courant::net::install_crypto();
    let config = config::from_text(Path::new("house.toml"), text, check_kinds)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let templates = Templates::load(None).unwrap();
    let owner = courant::runtime::owner("run");
    let open = App::open(
        config,
        templates,
        db.clone(),
        owner,
        Arc::new(Wake::default()),
    );
    // On the heap: stories hold it across their waits.
    let mut app = Box::pin(open).await.unwrap();
    app.clock = clock;
    app
}
