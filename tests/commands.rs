//! Every command as people and scripts meet it: what it says, what it changes, what it refuses
//! and with which exit status.

mod support;

#[path = "commands/articles.rs"]
mod articles;
#[path = "commands/audience.rs"]
mod audience;
#[path = "commands/demo.rs"]
mod demo;
#[path = "commands/keys.rs"]
mod keys;
#[path = "commands/products.rs"]
mod products;
#[path = "commands/refusals.rs"]
mod refusals;
#[path = "commands/sending.rs"]
mod sending;

use serde_json::Value;

use support::newsroom::configuration;
use support::process::House;
use support::site::{Item, Site};
use support::smtp::Sink;

/// A channel of each family.
const CHANNELS: &str = r#"
[channels.brief]
kind = "email"
title = "The Brief"
from = "News <brief@news.example>"
schedules = { daily = "0 7 * * *", weekly = "0 7 * * MON" }
default_schedule = "daily"
[channels.feed]
kind = "feed"
title = "Everything"
[channels.hook]
kind = "webhook"
url = "https://hooks.example/courant"
secret = "whsec_c2VjcmV0"
schedule = "0 8 * * *"
payloads = "posts"
"#;

/// A house with a site, a mail server, and the baseline taken.
struct Office {
    house: House,
    site: Site,
    sink: Sink,
}

impl Office {
    async fn open() -> Self {
        Self::with(CHANNELS).await
    }

    async fn with(channels: &str) -> Self {
        Self::over(House::empty(), channels).await
    }

    /// With an empty directory `templates`.
    async fn with_templates(channels: &str) -> Self {
        let house = House::empty();
        std::fs::create_dir(house.path("templates")).expect("the directory is ours");
        Self::over(house, channels).await
    }

    async fn over(house: House, channels: &str) -> Self {
        let (site, sink) = (Site::start().await, Sink::plain().await);
        let text = configuration(&site.url, sink.port(), "sqlite:courant.db", channels);
        house.write("courant.toml", text);
        house.courant(&["poll"]).done();
        Self { house, site, sink }
    }

    /// The same with a reader and that many stories in the ledgers.
    async fn with_news(stories: usize) -> Self {
        let office = Self::open().await;
        office.add("ada@readers.example");
        for number in 1..=stories {
            office.site.publish(Item::new(number));
        }
        office.house.courant(&["poll"]).done();
        office
    }

    fn add(&self, address: &str) {
        let add = ["subscribers", "add", address, "--channel", "brief"];
        self.house.courant(&add).done();
    }

    /// Everything a refusal must leave as it was.
    fn state(&self) -> Value {
        let mut status = self.house.json(&["status"]);
        status["uptime_s"].take();
        serde_json::json!([
            status,
            self.house.json(&["issues"]),
            self.house.json(&["articles"]),
            self.house.courant(&["subscribers", "export"]).done().out,
        ])
    }
}
