//! What a supervisor, a balancer and an operator see of a running daemon.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::Value;

use crate::support::process::{Daemon, SOON, get, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene, reader};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reload_takes_a_good_file_and_refuses_a_bad_one() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    scene.readers(1);
    let daemon = scene.house.start().await;
    let good = scene.house.read("courant.toml");

    let renamed = good.replace("title = \"The Brief\"", "title = \"The Courier\"")
        + "[channels.extra]\nkind = \"feed\"\ntitle = \"Extra\"\n";
    scene.house.write("courant.toml", &renamed);
    daemon.signal("HUP");
    daemon.says("configuration reloaded").await;
    let status = daemon.status().await;
    let channels: Vec<&Value> = ids(&status["channels"]);
    assert_eq!(channels, ["brief", "extra"]);
    assert_eq!(get(&daemon.public, "/feeds/extra.rss").await.0, 200);
    let home = get(&daemon.public, "/").await.1;
    assert!(home.contains("The Courier"), "{home}");

    let bad = format!("{renamed}colour = \"red\"\n");
    scene.house.write("courant.toml", &bad);
    daemon.signal("HUP");
    let line = bad.lines().count();
    daemon.says("reload refused").await;
    daemon.says(&format!("courant.toml:{line}:1")).await;
    daemon.says("colour").await;
    assert_eq!(ids(&daemon.status().await["channels"]), ["brief", "extra"]);

    // And it still works, with what the good file said.
    scene.site.publish(Item::new(1));
    until("the mail comes", SOON, async || {
        let mails = scene.sink.accepted();
        let mail = mails.first()?;
        let text = String::from_utf8_lossy(&mail.data).into_owned();
        assert!(text.contains("The Courier"), "{text}");
        Some(())
    })
    .await;
    daemon.stop().await;
}

fn ids(list: &Value) -> Vec<&Value> {
    let list = list.as_array().expect("a list");
    list.iter().map(|row| &row["id"]).collect()
}

/// The keys of a document, in order.
fn keys(document: &Value) -> Vec<&str> {
    let document = document.as_object().expect("an object");
    document.keys().map(String::as_str).collect()
}

fn sorted<const N: usize>(mut keys: [&str; N]) -> [&str; N] {
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_operators_pages_say_how_things_stand() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    let daemon = scene.house.start().await;
    assert_eq!(daemon.admin("/healthz").await, (200, "ok\n".to_owned()));
    let (code, ready) = daemon.admin("/readyz").await;
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!((code, &ready["ready"]), (200, &Value::Bool(true)));
    let (code, metrics) = daemon.admin("/metrics").await;
    assert_eq!(code, 200);
    assert!(metrics.contains("# TYPE courant_"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    is_the_contracts(&daemon.status().await);
    // The command tells the same, and readers are told none of it.
    is_the_contracts(&scene.house.json(&["status"]));
    for path in ["/metrics", "/api/v1/status", "/readyz"] {
        assert_eq!(get(&daemon.public, path).await.0, 404, "{path}");
    }
    daemon.stop().await;
}

/// The status has exactly the contract's keys, times in RFC 3339 UTC.
fn is_the_contracts(status: &Value) {
    let top = [
        "version",
        "uptime_s",
        "sources",
        "channels",
        "deliveries",
        "relays",
    ];
    assert_eq!(keys(status), sorted(top));
    let source = [
        "id",
        "kind",
        "state",
        "last_fetch",
        "next_fetch",
        "articles",
        "error",
    ];
    assert_eq!(keys(&status["sources"][0]), sorted(source));
    let channel = ["id", "kind", "state", "next_run", "last_issue"];
    assert_eq!(keys(&status["channels"][0]), sorted(channel));
    let relay = [
        "id",
        "state",
        "connections",
        "rate_per_s",
        "window",
        "paused_until",
        "reason",
        "quota",
        "quota_used",
    ];
    assert_eq!(keys(&status["relays"][0]), sorted(relay));
    let deliveries = [
        "pending",
        "leased",
        "sent",
        "deferred",
        "failed",
        "suppressed",
        "uncertain",
        "cancelled",
    ];
    assert_eq!(keys(&status["deliveries"]), sorted(deliveries));
    for time in [
        &status["sources"][0]["last_fetch"],
        &status["channels"][0]["next_run"],
    ] {
        let time = time.as_str().expect("a time");
        assert!(
            time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(),
            "{time}"
        );
    }
}

/// What the daemon told a stand-in for systemd.
struct Systemd {
    socket: UnixDatagram,
    told: String,
}

impl Systemd {
    /// Waits until the daemon has said this.
    async fn hears(&mut self, word: &str) {
        until(word, SOON, async || {
            let mut buffer = [0; 4096];
            while let Ok(n) = self.socket.recv(&mut buffer) {
                self.told += &String::from_utf8_lossy(&buffer[..n]);
                self.told.push('\n');
            }
            self.told.lines().any(|line| line == word).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn systemd_hears_ready_alive_reloading_and_stopping() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    let path = scene.house.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket in a temporary directory");
    socket
        .set_nonblocking(true)
        .expect("sockets can be asked without waiting");
    let mut systemd = Systemd {
        socket,
        told: String::new(),
    };
    let mut command = scene.house.command(&["run"]);
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "600000");
    let daemon = Daemon::start(command).await;
    systemd.hears("READY=1").await;
    for _ in 0..3 {
        // Not once, but again and again.
        systemd.told.clear();
        systemd.hears("WATCHDOG=1").await;
    }
    daemon.signal("HUP");
    systemd.hears("RELOADING=1").await;
    assert!(systemd.told.contains("MONOTONIC_USEC="), "{}", systemd.told);
    systemd.hears("READY=1").await;
    daemon.signal("TERM");
    systemd.hears("STOPPING=1").await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_that_is_taken_stops_the_start_with_a_sentence() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken
        .local_addr()
        .map(|a| (a.to_string(), taken))
        .expect("bound");
    let text = scene.house.read("courant.toml");
    let text = text.replacen(
        "listen = \"127.0.0.1:0\"",
        &format!("listen = \"{}\"", taken.0),
        1,
    );
    scene.house.write("courant.toml", text);
    let told = scene.house.courant(&["run"]);
    told.refused(1, &[&taken.0]);
    drop(taken);
    scene.house.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_relay_says_of_an_address_is_for_the_operators_and_not_for_the_log() {
    let words = format!("550 5.1.1 <{}>: no such user", reader(0));
    let sink = Sink::with(vec![Rule::at(Step::Rcpt, Fault::reply(&words))]).await;
    let scene = Scene::on_sqlite(sink, ALERTS).await;
    scene.readers(1);
    let daemon = scene.house.start().await;
    scene.site.publish(Item::new(1));
    daemon.says("not sent").await;
    until("it is written down", SOON, async || {
        (daemon.count(&["failed"]).await == 1).then_some(())
    })
    .await;
    let log = daemon.log();
    assert!(log.contains("r***@readers.example"), "{log}");
    assert!(!log.contains(&reader(0)), "{log}");
    daemon.stop().await;
    let shown = scene.house.courant(&["issues", "show", "1"]).done().out;
    assert!(shown.contains(&words), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_balancer_sees_that_the_daemon_is_on_its_way_out() {
    let answer = Fault::Delay(Duration::from_secs(3));
    let sink = Sink::with(vec![Rule::at(Step::Dot, answer)]).await;
    let scene = Scene::on_sqlite(sink, ALERTS).await;
    scene.readers(1);
    let mut daemon = scene.house.start().await;
    scene.site.publish(Item::new(1));
    until("a message is on the wire", SOON, async || {
        (scene.sink.count("DATA") > 0).then_some(())
    })
    .await;
    daemon.signal("TERM");
    until("it is no longer ready", SOON, async || {
        let (code, body) = daemon.admin("/readyz").await;
        (code == 503 && body.contains("\"draining\":true")).then_some(())
    })
    .await;
    assert_eq!(daemon.admin("/healthz").await.0, 200);
    assert!(daemon.is_running());
    let began = std::time::Instant::now();
    assert_eq!(daemon.ended().await.code(), Some(0), "{}", daemon.log());
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it only waits for the message"
    );
    assert_eq!(scene.sink.accepted().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asked_twice_to_stop_the_daemon_does_not_wait_for_a_dead_server() {
    let sink = Sink::with(vec![Rule::at(Step::Dot, Fault::Hang)]).await;
    let scene = Scene::on_sqlite(sink, ALERTS).await;
    scene.readers(1);
    let mut daemon = scene.house.start().await;
    scene.site.publish(Item::new(1));
    until("a message is on the wire", SOON, async || {
        (scene.sink.received() > 0).then_some(())
    })
    .await;
    daemon.signal("TERM");
    daemon.says("shutting down").await;
    daemon.signal("TERM");
    let began = std::time::Instant::now();
    assert_eq!(daemon.ended().await.code(), Some(0), "{}", daemon.log());
    assert!(began.elapsed() < Duration::from_secs(30));
    // What was given up is known as doubtful at the next start.
    let daemon = scene.house.start().await;
    assert_eq!(daemon.count(&["uncertain"]).await, 1);
    daemon.stop().await;
}
