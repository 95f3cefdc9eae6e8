//! What is urgent beside a digest: while the daemon sends one, articles are pushed to a channel of
//! alerts and people sign up; how long after it each mail arrived. The same afterwards, with nothing
//! else to send. From the request to the last byte of the mail, so with all that is between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::publication::publish_news;
use super::support::hub::send;
use super::support::newsroom::configuration;
use super::support::process::{Daemon, House, get, post, until};
use super::support::site::Site;
use super::support::smtp::{Setup, Sink};

/// Alerts, and people who sign up, beside the digest and again after it.
const ROUNDS: usize = 10;
/// Who reads alerts.
const ALARMED: usize = 10;
/// The mails of a round: the alert's, and the one that asks for a confirmation.
const MAILS: usize = ALARMED + 1;
/// Longer than any digest here takes.
const PATIENCE: Duration = Duration::from_secs(3600);
const TOKEN: &str = "a-token-that-nobody-guesses";

/// The digest is due with the first minute that begins while the daemon runs.
const CHANNELS: &str = r#"connections = 10
[sources.desk]
kind = "push"
token = "a-token-that-nobody-guesses"
[channels.brief]
kind = "email"
from = "News <brief@news.example>"
sources = ["news"]
schedule = "* * * * *"
[channels.alerts]
kind = "email"
from = "News <alerts@news.example>"
sources = ["desk"]
schedule = "each"
"#;

/// When one round's requests were made.
struct Round {
    pushed: Instant,
    signed_up: Instant,
}

/// A daemon with a digest for `readers` before it.
struct Scene {
    readers: usize,
    sink: Sink,
    daemon: Daemon,
    rounds: Vec<Round>,
    _site: Site,
    _house: House,
}

/// Measures and prints; without a `database` on an SQLite file.
pub async fn measure(kind: &str, database: Option<String>, readers: usize) {
    let mut scene = Scene::open(database, readers).await;
    let began = scene.received(1).await;
    for round in 1..=ROUNDS {
        // Evenly over the digest, the last while some of it is left.
        scene.received(round * readers / (ROUNDS + 1)).await;
        scene.round().await;
    }
    let ended = scene.received(readers + ROUNDS * MAILS).await;
    for round in 1..=ROUNDS {
        scene.round().await;
        scene.received(readers + (ROUNDS + round) * MAILS).await;
    }
    let (took, rate) = (
        ended - began,
        readers as f64 / (ended - began).as_secs_f64(),
    );
    println!("courant run, {kind}, a digest to {readers} in {took:.1?}, {rate:.0}/s:");
    let arrivals = scene.arrivals();
    let (beside, alone) = scene.rounds.split_at(ROUNDS);
    report("beside it", beside, &arrivals, 0);
    report("alone", alone, &arrivals, ROUNDS);
    let later = scene.later(&arrivals);
    println!("  of the digest {later} mails came after the last of those beside it");
    scene.daemon.stop().await;
}

impl Scene {
    async fn open(database: Option<String>, readers: usize) -> Self {
        let (house, site) = (House::empty(), Site::start().await);
        let sink = Sink::start(Setup {
            keeps_data: false,
            ..Setup::default()
        })
        .await;
        let database = database.unwrap_or_else(|| house.sqlite());
        let text = configuration(&site.url, sink.port(), &database, CHANNELS);
        house.write("courant.toml", text);
        house.courant(&["poll"]).done();
        for (channel, count) in [("brief", readers), ("alerts", ALARMED)] {
            let rows: String = (0..count)
                .map(|n| format!("{channel}{n}@readers.example\n"))
                .collect();
            house.write("readers.csv", format!("email\n{rows}"));
            let import = ["subscribers", "import", "readers.csv", "--channel", channel];
            house.courant(&import).done();
        }
        publish_news(&site);
        house.courant(&["poll"]).done();
        let daemon = house.start().await;
        Self {
            readers,
            sink,
            daemon,
            rounds: Vec::new(),
            _site: site,
            _house: house,
        }
    }

    /// Waits until so many mails have come; the time.
    async fn received(&self, count: usize) -> Instant {
        let what = format!("{count} mails have come");
        until(&what, PATIENCE, async || {
            (self.sink.received() >= count).then(Instant::now)
        })
        .await
    }

    /// Pushes an article, and signs somebody up.
    async fn round(&mut self) {
        let (number, public) = (self.rounds.len(), &self.daemon.public);
        let (_, form) = get(public, "/subscribe").await;
        let (_, rest) = form.split_once("name=\"token\" value=\"").unwrap();
        let token = rest.split('"').next().unwrap();
        let form = format!("email={}&channel=brief&token={token}", newcomer(number));
        let article = format!(
            "{{\"id\": \"{number}\", \"url\": \"https://news.example/alert-{number}\",
              \"title\": \"Alert {number}\", \"content_html\": \"<p>River {number} rises.</p>\"}}"
        );
        let (url, token) = (
            format!("http://{public}/push/desk"),
            format!("Bearer {TOKEN}"),
        );
        let headers = [
            ("authorization", &*token),
            ("content-type", "application/json"),
        ];
        let pushed = Instant::now();
        let (code, _, answer) = send("POST", &url, &headers, article.as_bytes()).await;
        assert_eq!(code, 202, "{answer}");
        let signed_up = Instant::now();
        let answer = post(public, "/subscribe", &form).await;
        assert!(
            matches!(answer, Some((200, _))),
            "the sign-up was not taken"
        );
        self.rounds.push(Round { pushed, signed_up });
    }

    /// When each address got its mails.
    fn arrivals(&self) -> BTreeMap<String, Vec<Instant>> {
        let mut arrivals: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
        for mut mail in self.sink.mails() {
            arrivals.entry(mail.to.remove(0)).or_default().push(mail.at);
        }
        arrivals
    }

    /// How many of the digest's mails came after the last urgent one that was asked for beside it.
    fn later(&self, arrivals: &BTreeMap<String, Vec<Instant>>) -> usize {
        let beside = (0..ALARMED).map(|reader| arrivals[&alarmed(reader)][ROUNDS - 1]);
        let confirmed = (0..ROUNDS).map(|number| arrivals[&newcomer(number)][0]);
        let last = beside.chain(confirmed).max().unwrap();
        let digest = (0..self.readers).map(|n| arrivals[&format!("brief{n}@readers.example")][0]);
        digest.filter(|at| *at > last).count()
    }
}

fn alarmed(reader: usize) -> String {
    format!("alerts{reader}@readers.example")
}

fn newcomer(number: usize) -> String {
    format!("newcomer{number}@readers.example")
}

/// The median and the longest time of these rounds, of which the first has this number.
fn report(when: &str, rounds: &[Round], arrivals: &BTreeMap<String, Vec<Instant>>, first: usize) {
    let (mut alerts, mut confirmations) = (Vec::new(), Vec::new());
    for (round, number) in rounds.iter().zip(first..) {
        for reader in 0..ALARMED {
            // One alert a round, in order.
            alerts.push(arrivals[&alarmed(reader)][number] - round.pushed);
        }
        confirmations.push(arrivals[&newcomer(number)][0] - round.signed_up);
    }
    for (what, times) in [
        ("alerts, after the push", &mut alerts),
        ("confirmation mails, after the sign-up", &mut confirmations),
    ] {
        times.sort_unstable();
        let ms = |time: Duration| time.as_millis();
        println!(
            "  {when}, {} {what}: first {} ms, median {} ms, longest {} ms",
            times.len(),
            ms(times[0]),
            ms(times[times.len() / 2]),
            ms(times[times.len() - 1])
        );
    }
}
