//! What goes wrong on the way out, and what operators do about it: nothing lost, nothing twice.

use courant::domain::{
    DeliveryState, EmailAddress, Issue, IssueState, SuppressionReason, UnixMillis,
};
use courant::templates::Templates;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Step};

const ADA: &str = "ada@readers.example";
const BEN: &str = "ben@readers.example";

fn at(days: i64, minutes: i64) -> UnixMillis {
    DAY_ONE.plus_ms(days * DAY + minutes * MINUTE)
}

async fn publish(room: &Newsroom, number: usize, now: UnixMillis) {
    room.site.publish(Item::new(number));
    room.look(now).await;
    room.tick(now).await;
}

/// A newsroom with two readers who get each article at once.
async fn with_readers(db: courant::store::Db, more: &str) -> Newsroom {
    let room = Newsroom::open(db, &format!("{BRIEF}{more}")).await;
    for who in [ADA, BEN] {
        room.reader(who, "instant").await;
    }
    room
}

async fn newest_issue(room: &Newsroom) -> Issue {
    room.app.db.issues(None, None, 1).await.unwrap().remove(0)
}

async fn count(room: &Newsroom, issue: &Issue, state: DeliveryState) -> i64 {
    let counts = room.app.db.issue_counts(issue.id).await.unwrap();
    counts.get(&state).copied().unwrap_or_default()
}

async fn unsubscribe(room: &Newsroom, address: &str) {
    let key = EmailAddress::parse(address).unwrap().key();
    let person = room.app.db.subscriber(&key).await.unwrap().unwrap();
    let left = room
        .app
        .db
        .unsubscribe(person.id, "brief", "link", at(0, 0));
    assert!(left.await.unwrap());
}

#[tokio::test]
async fn an_issue_waits_for_approval_and_its_patience_starts_with_it() {
    both_databases(async |db| {
        let room = with_readers(db, "approve = true\n").await;
        publish(&room, 1, at(0, 0)).await;
        room.live(at(0, 10), at(3, 0), 12 * HOUR).await;
        let issue = newest_issue(&room).await;
        assert_eq!(issue.state, IssueState::Waiting);
        assert!(room.sink.mails().is_empty());
        // Approved three days later, into a greylist: that is the first try of this mail.
        let greylist = Rule::at(Step::Rcpt, Fault::reply("451 4.7.1 later")).times(2);
        room.sink.set_rules(vec![greylist]);
        let now = at(3, 10);
        let sent = room.app.db.send_issue(issue.id, IssueState::Waiting, now);
        assert!(sent.await.unwrap());
        room.tick(now).await;
        assert_eq!(count(&room, &issue, DeliveryState::Deferred).await, 2);
        room.live(at(3, 11), at(3, 20), MINUTE).await;
        for who in [ADA, BEN] {
            assert_eq!(room.stories_of(who), [1], "{who}");
        }
        let again = room.app.db.send_issue(issue.id, IssueState::Waiting, now);
        assert!(!again.await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_paused_issue_rests_and_a_cancelled_one_never_comes() {
    both_databases(async |db| {
        let room = with_readers(db, "").await;
        let held = Rule::at(Step::Rcpt, Fault::reply("451 4.3.0 later")).times(4);
        room.sink.set_rules(vec![held]);
        publish(&room, 1, at(0, 0)).await;
        let first = newest_issue(&room).await;
        publish(&room, 2, at(0, 0)).await;
        let second = newest_issue(&room).await;
        let db = &room.app.db;
        assert!(
            db.set_issue_state(first.id, &[IssueState::Sending], IssueState::Paused)
                .await
                .unwrap()
        );
        assert_eq!(db.cancel_issue(second.id, at(0, 0)).await.unwrap(), Some(2));
        room.live(at(0, 1), at(1, 0), HOUR).await;
        assert!(room.sink.mails().is_empty());
        assert!(
            db.send_issue(first.id, IssueState::Paused, at(1, 0))
                .await
                .unwrap()
        );
        room.live(at(1, 0), at(1, 30), 10 * MINUTE).await;
        for who in [ADA, BEN] {
            assert_eq!(room.stories_of(who), [1], "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_leaves_or_is_suppressed_after_the_freeze_gets_no_mail() {
    both_databases(async |db| {
        let room = with_readers(db, "approve = true\n").await;
        room.reader("cyd@readers.example", "instant").await;
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        unsubscribe(&room, ADA).await;
        let key = EmailAddress::parse(BEN).unwrap().key();
        let db = &room.app.db;
        db.suppress(&key, SuppressionReason::Complaint, "", at(0, 1))
            .await
            .unwrap();
        db.send_issue(issue.id, IssueState::Waiting, at(0, 2))
            .await
            .unwrap();
        room.tick(at(0, 2)).await;
        let counts = room.counts();
        assert_eq!(counts.keys().collect::<Vec<_>>(), ["cyd@readers.example"]);
        assert_eq!(count(&room, &issue, DeliveryState::Suppressed).await, 2);
        assert_eq!(newest_issue(&room).await.state, IssueState::Done);
    })
    .await;
}

#[tokio::test]
async fn a_tenth_refused_for_now_is_served_later_and_nobody_twice() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        for number in 0..100 {
            let who = format!("reader{number}@readers.example");
            room.reader(&who, "instant").await;
        }
        let later = Fault::reply("451 4.3.0 later");
        room.sink
            .set_rules(vec![Rule::at(Step::Rcpt, later).percent(10)]);
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        let deferred = count(&room, &issue, DeliveryState::Deferred).await;
        assert!(deferred > 0 && deferred < 50, "{deferred}");
        assert_eq!(room.sink.accepted().len() as i64, 100 - deferred);
        room.live(at(0, 1), at(0, 5), MINUTE).await;
        room.sink.set_rules(Vec::new());
        room.live(at(0, 6), at(0, 60), 5 * MINUTE).await;
        assert!(room.counts().values().all(|mails| *mails == 1));
        assert_eq!(room.counts().len(), 100);
        assert_eq!(newest_issue(&room).await.state, IssueState::Done);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_not_mailed_again() {
    both_databases(async |db| {
        let room = with_readers(db, "").await;
        let unknown = Fault::reply("550 5.1.1 no such user");
        room.sink
            .set_rules(vec![Rule::at(Step::Rcpt, unknown).to(ADA)]);
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        assert_eq!(count(&room, &issue, DeliveryState::Failed).await, 1);
        let key = EmailAddress::parse(ADA).unwrap().key();
        let (reason, _, said) = room.app.db.suppressed(&key).await.unwrap().unwrap();
        assert_eq!(reason, SuppressionReason::Bounce);
        assert!(said.contains("5.1.1"), "{said}");
        room.sink.set_rules(Vec::new());
        publish(&room, 2, at(0, 5)).await;
        room.live(at(0, 6), at(1, 0), HOUR).await;
        assert_eq!(room.stories_of(BEN), [1, 2]);
        assert_eq!(room.stories_of(ADA), Vec::<usize>::new());
        let asked = |(_, line): &(usize, String)| line.contains(ADA);
        assert_eq!(room.sink.commands().iter().filter(|c| asked(c)).count(), 1);
    })
    .await;
}

/// The Message-IDs of everything that came whole, answered or not.
fn message_ids(room: &Newsroom, who: &str) -> Vec<String> {
    let parser = mail_parser::MessageParser::default();
    room.sink
        .mails()
        .iter()
        .filter(|mail| mail.to.iter().any(|to| to == who))
        .map(|mail| {
            let message = parser.parse(&mail.data).unwrap();
            message.message_id().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn an_unanswered_mail_is_sent_once_more_under_its_own_message_id() {
    both_databases(async |db| {
        let room = with_readers(db, "").await;
        room.sink
            .set_rules(vec![Rule::at(Step::Dot, Fault::Close).to(ADA)]);
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        assert_eq!(count(&room, &issue, DeliveryState::Uncertain).await, 1);
        // It is lost again: one repetition is all there is.
        room.live(at(0, 1), at(0, 60), MINUTE).await;
        let ids = message_ids(&room, ADA);
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
        assert_eq!(count(&room, &issue, DeliveryState::Uncertain).await, 1);
        assert_eq!(message_ids(&room, BEN).len(), 1);
        assert_eq!(newest_issue(&room).await.state, IssueState::Done);
    })
    .await;
}

#[tokio::test]
async fn an_unanswered_mail_is_held_where_the_channel_says_so() {
    both_databases(async |db| {
        let room = with_readers(db, "uncertain = \"hold\"\n").await;
        let lost = Rule::at(Step::Dot, Fault::Close).to(ADA).times(1);
        room.sink.set_rules(vec![lost]);
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        room.live(at(0, 1), at(1, 0), HOUR).await;
        assert_eq!(count(&room, &issue, DeliveryState::Uncertain).await, 1);
        assert_eq!(message_ids(&room, ADA).len(), 1);
        let retried = room
            .app
            .db
            .retry_issue(issue.id, DeliveryState::Uncertain, at(1, 1))
            .await
            .unwrap();
        assert_eq!(retried, 1);
        room.tick(at(1, 1)).await;
        let ids = message_ids(&room, ADA);
        assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
        assert_eq!(count(&room, &issue, DeliveryState::Sent).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_is_away_costs_no_try_and_no_mail() {
    both_databases(async |db| {
        let room = with_readers(db, "").await;
        let away = Fault::ReplyAndClose("421 4.3.2 closing".to_owned());
        room.sink.set_rules(vec![Rule::at(Step::Greeting, away)]);
        publish(&room, 1, at(0, 0)).await;
        let issue = newest_issue(&room).await;
        let rows = room.app.db.deliveries(issue.id, None, None, 9).await;
        for row in rows.unwrap() {
            assert_eq!((row.state, row.attempts), (DeliveryState::Deferred, 0));
        }
        room.sink.set_rules(Vec::new());
        // The relay itself rests by the machine's clock; a new house knows nothing of that.
        let other = room.beside(BRIEF).await;
        other.clock.set(at(0, 30));
        courant::pipeline::dispatch::drain(&other, |_| {})
            .await
            .unwrap();
        for who in [ADA, BEN] {
            assert_eq!(room.stories_of(who), [1], "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_broken_template_pauses_its_own_issue_and_a_mended_one_sends_it() {
    const OTHER: &str = r#"
[channels.other]
kind = "feed"
"#;
    both_databases(async |db| {
        let mut room = with_readers(db, OTHER).await;
        let dir = tempfile::tempdir().unwrap();
        let email = dir.path().join("email");
        std::fs::create_dir(&email).unwrap();
        let mine = |text: &str| {
            std::fs::write(email.join("article.html"), format!("<p>{text}</p>")).unwrap();
            std::fs::write(email.join("article.txt"), text).unwrap();
            std::sync::Arc::new(Templates::load(Some(dir.path())).unwrap())
        };
        let broken = [
            "{{ article.nothing_of_this_name }}",
            // Nobody could leave by such a link.
            "{{ article.url }} {{ links.unsubscribe|upper }}",
        ];
        room.app.templates = mine(broken[0]);
        publish(&room, 1, at(0, 0)).await;
        let issues = room.app.db.issues(Some("brief"), None, 9).await.unwrap();
        assert_eq!(issues[0].state, IssueState::Paused);
        room.app.templates = mine(broken[1]);
        let resumed = room
            .app
            .db
            .send_issue(issues[0].id, IssueState::Paused, at(0, 1));
        assert!(resumed.await.unwrap());
        room.tick(at(0, 1)).await;
        let issue = room.app.db.issue(issues[0].id).await.unwrap().unwrap();
        assert_eq!(issue.state, IssueState::Paused);
        let served = room.app.db.feed_articles("other", 9).await.unwrap();
        assert_eq!(served.len(), 1, "the feed did not go on");
        assert!(room.sink.mails().is_empty());
        room.app.templates = mine("{{ article.url }} {{ links.unsubscribe }}");
        publish(&room, 2, at(2, 0)).await;
        assert_eq!(room.stories_of(ADA), [2], "a later issue goes out");
        let resumed = room
            .app
            .db
            .send_issue(issues[0].id, IssueState::Paused, at(2, 1));
        assert!(resumed.await.unwrap());
        room.tick(at(2, 2)).await;
        for who in [ADA, BEN] {
            assert_eq!(room.stories_of(who), [2, 1], "{who}");
        }
    })
    .await;
}
