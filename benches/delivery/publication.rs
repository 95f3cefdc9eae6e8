//! A publication with readers and a digest of the right size, and `courant` in its directory.

use std::process::Stdio;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use sqlx::{Connection, Executor};

use super::support::newsroom::configuration;
use super::support::process::House;
use super::support::site::{Item, Site};
use super::usage::Usage;

/// Articles that make a digest of about 22 KB.
const ARTICLES: usize = 6;
/// Where the relay's certificate is, for those that encrypt.
const CERTIFICATE: &str = "relay.pem";
const WORDS: usize = 300;

const PEOPLE: &str = "INSERT INTO subscriber (address, address_key, name, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
    SELECT 'r' || i || '@example.org', 'r' || i || '@example.org', '', 0 FROM n";
const TIES: &str = "INSERT INTO subscription
    (subscriber_id, channel, state, topics, cursor, requested_at)
    SELECT id, 'brief', 'active', '[]', 0, 0 FROM subscriber";

/// What is measured.
pub struct Setup {
    /// `None`: an SQLite file.
    pub database: Option<String>,
    pub port: u16,
    pub connections: usize,
    pub max_messages: usize,
    pub signed: bool,
    /// Of a relay that speaks TLS from the first byte.
    pub certificate: Option<CertificateDer<'static>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            database: None,
            port: 0,
            connections: 10,
            max_messages: 1000,
            signed: false,
            certificate: None,
        }
    }
}

pub struct Publication {
    house: House,
    _site: Site,
    size: usize,
}

impl Publication {
    /// With that many readers and news for them.
    pub async fn with_news(setup: Setup, readers: usize) -> Self {
        let (house, site) = open(&setup).await;
        let rows: String = (0..readers)
            .map(|n| format!("reader{n}@readers.example\n"))
            .collect();
        house.write("readers.csv", format!("email\n{rows}"));
        let import = ["subscribers", "import", "readers.csv", "--channel", "brief"];
        house.courant(&import).done();
        Self::new(house, site)
    }

    /// With a million readers and news for them.
    pub async fn with_a_million(setup: Setup) -> Self {
        let (house, site) = open(&setup).await;
        if let Some(url) = &setup.database {
            let mut db = sqlx::PgConnection::connect(url).await.unwrap();
            db.execute(PEOPLE).await.unwrap();
            db.execute(TIES).await.unwrap();
            db.execute("ANALYZE").await.unwrap();
        } else {
            let mut db = sqlx::SqliteConnection::connect(&house.sqlite())
                .await
                .unwrap();
            db.execute(PEOPLE).await.unwrap();
            db.execute(TIES).await.unwrap();
        }
        Self::new(house, site)
    }

    fn new(house: House, site: Site) -> Self {
        publish_news(&site);
        house.courant(&["poll"]).done();
        let mail = house.courant(&["preview", "brief", "--as", "eml"]).done();
        Self {
            house,
            _site: site,
            size: mail.out.len(),
        }
    }

    /// The size of one mail in bytes.
    pub fn message_size(&self) -> usize {
        self.size
    }

    /// `courant publish`, from its start to its end; every reader must have been served.
    pub fn publish(&self, readers: usize) -> Usage {
        let used = self.publish_for(Duration::from_secs(3600));
        let issue = self.house.json(&["issues", "show", "1"]);
        assert_eq!(issue["deliveries"]["sent"], readers, "{issue}");
        used
    }

    /// The same, ended after a while.
    pub fn publish_for(&self, most: Duration) -> Usage {
        let mut command = self.house.command(&["publish", "brief"]);
        command.env("SSL_CERT_FILE", self.house.path(CERTIFICATE));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        tokio::task::block_in_place(|| Usage::of(child.unwrap(), most))
    }
}

async fn open(setup: &Setup) -> (House, Site) {
    let (house, site) = (House::empty(), Site::start().await);
    let database = setup.database.clone().unwrap_or_else(|| house.sqlite());
    let dkim = if setup.signed {
        house.write(
            "courant.toml",
            configuration(&site.url, setup.port, &database, ""),
        );
        house
            .courant(&["dkim", "news.example", "--selector", "s1", "--out", "."])
            .done();
        "dkim = [{ domain = \"news.example\", selector = \"s1\", key = { file = \"dkim-news.example-s1.pem\" } }]"
    } else {
        ""
    };
    let more = format!(
        "connections = {}\nmax_messages = {}\n[channels.brief]\nkind = \"email\"\n\
         from = \"News <brief@news.example>\"\nschedule = \"0 7 * * *\"\n{dkim}\n",
        setup.connections, setup.max_messages
    );
    let mut text = configuration(&site.url, setup.port, &database, &more);
    if let Some(certificate) = &setup.certificate {
        house.write(CERTIFICATE, pem(certificate));
        text = text
            .replace("smtp://127.0.0.1", "smtps://localhost")
            .replace("?tls=off", "");
    }
    house.write("courant.toml", text);
    // The baseline: what is published from here on is news.
    house.courant(&["poll"]).done();
    (house, site)
}

fn pem(certificate: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// Publishes a digest's articles.
pub fn publish_news(site: &Site) {
    for number in 1..=ARTICLES {
        site.publish(Item {
            body: article(),
            ..Item::new(number)
        });
    }
}

fn article() -> String {
    let words = "the river canal reopened after months of repair while farmers waited for water";
    let words: Vec<&str> = words.split(' ').cycle().take(WORDS).collect();
    words
        .chunks(90)
        .map(|words| format!("<p>{}.</p>", words.join(" ")))
        .collect()
}
