//! Signing up: one mail that asks, and nothing before the answer.

use courant::domain::{SubscriberId, UnixMillis};
use courant::pipeline::signup;
use courant::store::Db;
use mail_parser::{HeaderValue, Message, MessageParser};

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Step};

const ADA: &str = "ada@readers.example";

fn at(minutes: i64) -> UnixMillis {
    DAY_ONE.plus_ms(minutes * MINUTE)
}

async fn room(db: Db, more: &str) -> Newsroom {
    Newsroom::open(db, &format!("{BRIEF}{more}")).await
}

/// The one mail a reader got.
fn only_mail(room: &Newsroom, address: &str) -> Vec<u8> {
    let mails = room.sink.accepted();
    let mut to = mails.iter().filter(|mail| mail.to == [address]);
    let mail = to.next().expect("a mail").data.clone();
    assert!(to.next().is_none(), "more than one mail to {address}");
    mail
}

fn parsed(mail: &[u8]) -> Message<'_> {
    MessageParser::default()
        .parse(mail)
        .expect("a mail that parses")
}

/// The part of the link in a mail that is the reader's; the same in both of its parts.
fn token(mail: &Message<'_>) -> String {
    let token = |text: &str| {
        let (_, rest) = text.split_once("/confirm/").expect("a link to confirm");
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    let text = token(&mail.body_text(0).expect("a text part"));
    assert_eq!(token(&mail.body_html(0).expect("an HTML part")), text);
    text
}

/// Confirms with the token, as the page does.
async fn confirm(room: &Newsroom, token: &str, now: UnixMillis) -> SubscriberId {
    let (id, channel, _) = room.app.keys.open_confirmation(token, now).unwrap();
    assert_eq!(channel, "brief");
    let confirmed = room
        .app
        .db
        .confirm_subscriptions(&room.app.keys, id, &[], "link", now);
    assert_eq!(confirmed.await.unwrap(), ["brief"]);
    id
}

#[tokio::test]
async fn who_confirms_gets_the_next_article_and_none_before() {
    both_databases(async |db| {
        let room = room(db, "").await;
        room.sign_up(ADA, at(0)).await;
        room.site.publish(Item::new(1));
        room.look(at(0)).await;
        room.tick(at(1)).await;
        room.live(at(2), at(24 * 60), HOUR).await;
        let mail = only_mail(&room, ADA);
        let mail = parsed(&mail);
        let subject = mail.subject().unwrap();
        assert_eq!(subject, "Please confirm your subscription to News");
        for header in [
            "List-Unsubscribe",
            "List-Id",
            "List-Unsubscribe-Post",
            "Archived-At",
        ] {
            assert_eq!(mail.header(header), None, "{header}");
        }
        confirm(&room, &token(&mail), at(24 * 60)).await;
        room.site.publish(Item::new(2));
        room.look(at(25 * 60)).await;
        room.live(at(25 * 60), at(3 * 24 * 60), HOUR).await;
        let stories = room.stories_of(ADA);
        assert_eq!(stories, [2]);
    })
    .await;
}

#[tokio::test]
async fn a_confirmation_that_a_relay_puts_off_comes_later_and_is_the_same_mail() {
    both_databases(async |db| {
        let room = room(db, "").await;
        let later = Rule::at(Step::Data, Fault::reply("451 4.7.1 later")).times(1);
        let lost = Rule::at(Step::Dot, Fault::Close).times(1);
        room.sink.set_rules(vec![later, lost]);
        room.sign_up(ADA, at(0)).await;
        room.live(at(0), at(30), MINUTE).await;
        let tries = room.sink.mails();
        assert!(
            tries.len() >= 2,
            "lost once and carried once: {}",
            tries.len()
        );
        let first = &tries[0].data;
        for again in &tries[1..] {
            assert_eq!(
                String::from_utf8_lossy(&again.data),
                String::from_utf8_lossy(first)
            );
        }
        let mail = only_mail(&room, ADA);
        confirm(&room, &token(&parsed(&mail)), at(40)).await;
    })
    .await;
}

#[tokio::test]
async fn no_more_are_asked_in_a_minute_than_the_rate_says_and_none_is_lost() {
    both_databases(async |db| {
        let room = room(db, "[signup]\nrate = \"3/m\"\n").await;
        for n in 0..10 {
            room.sign_up(&format!("r{n}@readers.example"), at(0)).await;
        }
        for (minute, asked) in [(0, 3), (1, 6), (2, 9), (3, 10), (4, 10)] {
            room.tick(at(minute).plus_ms(minute)).await;
            assert_eq!(room.counts().len(), asked, "after {minute} minutes");
        }
        assert!(room.counts().values().all(|&mails| mails == 1));
    })
    .await;
}

#[tokio::test]
async fn a_newsletter_in_urdu_asks_in_urdu() {
    both_databases(async |db| {
        let room = room(db, "languages = [\"ur\"]\n").await;
        room.sign_up(ADA, at(0)).await;
        room.tick(at(0)).await;
        let mail = only_mail(&room, ADA);
        let mail = parsed(&mail);
        assert_eq!(mail.subject().unwrap(), "اپنی رکنیت کی تصدیق کیجیے: News");
        let language = mail.header("Content-Language");
        assert!(matches!(language, Some(HeaderValue::Text(text)) if text == "ur"));
        let html = mail.body_html(0).unwrap();
        assert!(html.contains("<html lang=\"ur\" dir=\"rtl\">"), "{html}");
        token(&mail);
    })
    .await;
}

#[tokio::test]
async fn the_link_works_for_seven_days_and_whoever_does_not_use_it_is_forgotten() {
    both_databases(async |db| {
        let room = room(db, "").await;
        room.sign_up(ADA, at(0)).await;
        room.tick(at(0)).await;
        let mail = only_mail(&room, ADA);
        let token = token(&parsed(&mail));
        let late = at(0).plus_ms(7 * DAY + MINUTE);
        assert!(room.app.keys.open_confirmation(&token, late).is_err());
        let forget = async |now| signup::forget(&room.app, now).await.unwrap();
        forget(late).await;
        assert!(room.app.db.subscriber(ADA).await.unwrap().is_some());
        forget(at(0).plus_ms(8 * DAY + MINUTE)).await;
        assert_eq!(room.app.db.subscriber(ADA).await.unwrap(), None);
    })
    .await;
}
