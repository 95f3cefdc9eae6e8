//! Two daemons: never on one SQLite file, always welcome on one PostgreSQL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::process::{SOON, texts, until};
use crate::support::site::Item;
use crate::support::smtp::Sink;
use crate::{ALERTS, Scene, reader};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_daemon_on_one_sqlite_file_is_refused_at_once() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    scene.readers(1);
    let mut first = scene.house.start().await;
    let began = Instant::now();
    let second = scene.house.courant(&["run"]);
    let file = scene.house.path("courant.db");
    second.refused(1, &["another Courant daemon", &file.display().to_string()]);
    assert_eq!(second.err.trim().lines().count(), 1, "{}", second.err);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(first.is_running());
    // The first goes on as if nothing had been.
    scene.site.publish(Item::new(1));
    until("the first daemon mails", SOON, async || {
        (!scene.sink.accepted().is_empty()).then_some(())
    })
    .await;
    first.stop().await;
    // And with the first gone the file is free.
    scene.house.start().await.stop().await;
}

/// How long the two share the work.
const SHARED: Duration = Duration::from_secs(60);

/// A channel of each family, so that mails, files and posts are shared.
const CHANNELS: &str = r#"
[channels.feed]
kind = "feed"
[channels.hook]
kind = "webhook"
url = "https://hooks.example/courant"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_daemons_on_one_postgres_make_no_issue_and_no_mail_twice() {
    let scene = Scene::on_postgres(Sink::plain().await, &format!("{ALERTS}{CHANNELS}")).await;
    scene.readers(5);
    let (one, two) = tokio::join!(scene.house.start(), scene.house.start());
    let began = Instant::now();
    let mut stories = 0;
    // A story as soon as the one before has reached everybody, and two at once now and then.
    while began.elapsed() < SHARED {
        let more = 1 + stories % 2;
        for _ in 0..more {
            stories += 1;
            scene.site.publish(Item::new(stories));
        }
        until("everybody has the story", SOON, async || {
            (scene.sink.received() >= stories * 5).then_some(())
        })
        .await;
    }
    until("nothing is left to do", SOON, async || {
        let open = one.count(&["pending", "leased", "deferred"]).await;
        (open == 0 && one.count(&["sent"]).await as usize >= stories * 7).then_some(())
    })
    .await;
    one.stop().await;
    two.stop().await;
    let mut per_reader: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in scene.sink.accepted() {
        let message = mail_parser::MessageParser::default().parse(&mail.data);
        let subject = message
            .expect("a mail")
            .subject()
            .unwrap_or_default()
            .to_owned();
        per_reader
            .entry(mail.to[0].clone())
            .or_default()
            .push(subject);
    }
    for address in (0..5).map(reader) {
        let mut subjects = per_reader.remove(&address).expect("every reader has mail");
        subjects.sort();
        let all = subjects.len();
        subjects.dedup();
        assert_eq!((subjects.len(), all), (stories, stories), "{address}");
    }
    let issues = texts(&scene.database, "SELECT channel FROM issue").await;
    assert_eq!(issues.len(), stories * 3, "an issue per story and channel");
    let owners = texts(
        &scene.database,
        "SELECT DISTINCT relay FROM delivery WHERE state <> 'sent'",
    )
    .await;
    assert!(owners.is_empty(), "{owners:?}");
    println!("{stories} stories in {:?}", began.elapsed());
}
