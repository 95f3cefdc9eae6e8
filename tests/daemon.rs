//! The daemon as a process: killed, asked to stop, started twice, reloaded, watched; and sends that
//! go on through whatever befalls them.

mod support;

#[path = "daemon/clocks.rs"]
mod clocks;
#[path = "daemon/databases.rs"]
mod databases;
#[path = "daemon/disks.rs"]
mod disks;
#[path = "daemon/hubs.rs"]
mod hubs;
#[path = "daemon/invariants.rs"]
mod invariants;
#[path = "daemon/kills.rs"]
mod kills;
#[path = "daemon/kit.rs"]
mod kit;
#[path = "daemon/relays.rs"]
mod relays;
#[path = "daemon/signups.rs"]
mod signups;
#[path = "daemon/stops.rs"]
mod stops;
#[path = "daemon/takeovers.rs"]
mod takeovers;
#[path = "daemon/two.rs"]
mod two;
#[path = "daemon/watched.rs"]
mod watched;

use support::newsroom::configuration;
use support::postgres::Cluster;
use support::process::House;
use support::site::Site;
use support::smtp::Sink;

/// A channel that mails every article at once.
const ALERTS: &str = r#"
[channels.brief]
kind = "email"
title = "The Brief"
from = "News <brief@news.example>"
schedules = { instant = "each", daily = "0 7 * * *" }
default_schedule = "instant"
"#;

/// A house on a database of either kind, with what it watches and sends through.
struct Scene {
    house: House,
    site: Site,
    sink: Sink,
    database: String,
}

impl Scene {
    /// On a new SQLite file; `more` follows the relay's table.
    async fn on_sqlite(sink: Sink, more: &str) -> Self {
        let house = House::empty();
        let database = house.sqlite();
        Self::on(house, database, sink, more).await
    }

    /// On a new PostgreSQL database.
    async fn on_postgres(sink: Sink, more: &str) -> Self {
        let database = Cluster::shared().fresh_database().await;
        Self::on(House::empty(), database, sink, more).await
    }

    async fn on(house: House, database: String, sink: Sink, more: &str) -> Self {
        let site = Site::start().await;
        let text = configuration(&site.url, sink.port(), &database, more);
        house.write("courant.toml", text);
        // The baseline: what is published from here on is news.
        house.courant(&["poll"]).done();
        Self {
            house,
            site,
            sink,
            database,
        }
    }

    /// Subscribes that many readers to the instant mails of `brief`.
    fn readers(&self, count: usize) {
        let rows: String = (0..count).map(|n| format!("{}\n", reader(n))).collect();
        self.house.write("readers.csv", format!("email\n{rows}"));
        let import = ["subscribers", "import", "readers.csv", "--channel", "brief"];
        let report = self.house.json(&import);
        assert_eq!(report["added"], count, "{report}");
    }
}

fn reader(number: usize) -> String {
    format!("reader{number}@readers.example")
}
