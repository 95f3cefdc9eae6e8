//! Whoever was told that a mail is on its way gets it, whenever the daemon is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::kit::{Dice, deferred_are_due, quiet, rows, two_minutes_pass};
use crate::support::process::{SOON, get, post, texts, until};
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene, reader};

const KILLS: usize = 6;
const CONNECTIONS: usize = 4;

/// The token that the form carries for its next POST.
async fn token(address: &str) -> String {
    let (code, page) = get(address, "/subscribe").await;
    assert_eq!(code, 200, "{page}");
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().expect("its token").to_owned()
}

/// Signs one after the other up until nobody answers; those who were told that a mail comes.
async fn sign_up(address: String, first: usize) -> Vec<String> {
    let token = token(&address).await;
    let mut told = Vec::new();
    for number in first.. {
        let who = reader(number);
        let form = format!("email={who}&channel=brief&token={token}");
        match post(&address, "/subscribe", &form).await {
            Some((200, page)) if page.contains("Look into your mailbox") => told.push(who),
            Some(answer) => panic!("{answer:?}"),
            None => break,
        }
    }
    told
}

async fn nobody_waits_in_vain(scene: Scene) {
    let mut told = BTreeSet::new();
    let mut dice = Dice::new();
    for round in 0..KILLS {
        let mut daemon = scene.house.start().await;
        let asking = tokio::spawn(sign_up(daemon.public.clone(), 1000 * round));
        let life = 200 + dice.below(1000) as u64;
        tokio::time::sleep(Duration::from_millis(life)).await;
        daemon.kill();
        told.extend(asking.await.expect("it asks until nobody answers"));
        two_minutes_pass(&scene.database, "finished_at").await;
    }
    assert!(told.len() > KILLS, "only {} were told", told.len());
    let daemon = scene.house.start().await;
    until("everybody who was told has a mail", SOON, async || {
        deferred_are_due(&scene.database).await;
        let mails = scene.sink.accepted();
        let served: BTreeSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
        told.iter()
            .all(|who| served.contains(who.as_str()))
            .then_some(())
    })
    .await;
    quiet(&scene.sink, Duration::from_secs(2)).await;
    daemon.stop().await;
    let mails = scene.sink.accepted();
    let served: BTreeSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    let twice = mails.len() - served.len();
    let doubted = rows(&scene.database, "resent").await;
    assert!(
        twice <= doubted,
        "{twice} mails too many, {doubted} were in doubt"
    );
    assert!(doubted <= KILLS * CONNECTIONS, "{doubted} were in doubt");
}

/// A relay that takes its time, so that a kill finds mails on the wire.
async fn relay() -> (Sink, String) {
    let slow = Rule::at(Step::Dot, Fault::Delay(Duration::from_millis(5)));
    let settings = format!("connections = {CONNECTIONS}\n[signup]\nrate = \"10000/s\"\n{ALERTS}");
    (Sink::with(vec![slow]).await, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_was_told_that_a_mail_comes_gets_it_through_six_kills_on_sqlite() {
    let (sink, settings) = relay().await;
    nobody_waits_in_vain(Scene::on_sqlite(sink, &settings).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_was_told_that_a_mail_comes_gets_it_through_six_kills_on_postgres() {
    let (sink, settings) = relay().await;
    nobody_waits_in_vain(Scene::on_postgres(sink, &settings).await).await;
}

/// A daemon that is started anew asks the next one at once, and not when its predecessor's turn
/// would have ended.
async fn the_next_daemon_admits_at_once(scene: Scene) {
    for number in 0..2 {
        let daemon = scene.house.start().await;
        let (who, token) = (reader(number), token(&daemon.public).await);
        let form = format!("email={who}&channel=brief&token={token}");
        let answer = post(&daemon.public, "/subscribe", &form).await;
        assert_eq!(answer.expect("an answer").0, 200);
        until("the mail that asks is there", SOON, async || {
            let mails = scene.sink.accepted();
            mails.iter().any(|mail| mail.to == [&*who]).then_some(())
        })
        .await;
        daemon.stop().await;
        let held = "SELECT owner FROM lease WHERE name = 'sign-ups' AND lease_until > 0";
        assert!(texts(&scene.database, held).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_clean_stop_the_next_daemon_admits_at_once() {
    let (sink, settings) = relay().await;
    the_next_daemon_admits_at_once(Scene::on_sqlite(sink, &settings).await).await;
    let (sink, settings) = relay().await;
    the_next_daemon_admits_at_once(Scene::on_postgres(sink, &settings).await).await;
}
