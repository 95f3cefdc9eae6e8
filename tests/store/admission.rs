//! Admitting sign-ups: in which order, in whose name, and what happens meanwhile.

use std::time::Duration;

use courant::domain::{SubscriptionState, UnixMillis};
use courant::store::{Db, SignUpAnswer};

use crate::kit::{LATER, NOW, reader};
use crate::signup::{admit, confirm_all, newest, send, sign_up, take, token_key, wish};
use crate::support::databases::both_databases;

const DAY: i64 = 86_400_000;
const RULE: Duration = Duration::from_secs(900);
const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

async fn wait(db: &Db, address: &str, channels: &[&str], now: UnixMillis) {
    let taken = take(db, &wish(address, channels), now).await;
    assert_eq!(taken, SignUpAnswer::Taken);
}

#[tokio::test]
async fn who_asks_again_keeps_their_turn() {
    both_databases(async |db: Db| {
        wait(&db, ADA, &["brief"], NOW).await;
        wait(&db, BOB, &["brief"], NOW.plus_ms(1)).await;
        // A stranger enters her address over and over, and does not keep her waiting with it.
        for n in 2..5 {
            wait(&db, ADA, &["brief"], NOW.plus_ms(n)).await;
        }
        let first = db
            .admit_signups(&token_key(), &[], "form", 1, LATER, || true)
            .await;
        assert_eq!(first.unwrap(), (1, 1));
        assert_eq!(send(&db, LATER).await, [ADA]);
        assert_eq!(admit(&db, "form", LATER).await, 1);
        assert_eq!(send(&db, LATER).await, [BOB]);
    })
    .await;
}

#[tokio::test]
async fn what_an_operator_enters_and_what_is_asked_for_by_the_form_are_apart() {
    both_databases(async |db: Db| {
        for form_first in [true, false] {
            let address = format!("{form_first}@example.org");
            let mut entered = reader(&address, "brief");
            entered.state = SubscriptionState::Pending;
            if form_first {
                wait(&db, &address, &["weekly"], NOW).await;
            }
            db.import_subscriber(&entered, NOW).await.unwrap();
            if !form_first {
                wait(&db, &address, &["weekly"], NOW).await;
            }
            assert_eq!(db.waiting_signups().await.unwrap(), 2);
            let mails = [
                admit(&db, "operator", NOW).await,
                admit(&db, "form", NOW).await,
            ];
            assert_eq!(mails, [1, 0], "one address is asked once");
            assert_eq!(confirm_all(&db, &address, NOW).await, ["brief", "weekly"]);
            let record = db.consent_events(&address).await.unwrap();
            let asked = record.iter().filter(|(_, kind, ..)| kind == "requested");
            let asked: Vec<&str> = asked.map(|(channel, ..)| &**channel).collect();
            assert_eq!(asked, ["weekly"], "they did not ask for the other one");
        }
    })
    .await;
}

#[tokio::test]
async fn who_confirms_leaves_and_comes_back_on_one_day_is_asked_again() {
    both_databases(async |db: Db| {
        for hour in 0..3 {
            let now = NOW.plus_ms(hour * 3_600_000);
            assert_eq!(sign_up(&db, ADA, &["brief"], now).await, 1);
            assert_eq!(send(&db, now).await, [ADA]);
            assert_eq!(confirm_all(&db, ADA, now).await, ["brief"]);
            let id = db.subscriber(ADA).await.unwrap().unwrap().id;
            assert!(db.unsubscribe(id, "brief", "page", now).await.unwrap());
        }
        // The next one shares the day's last round.
        assert_eq!(sign_up(&db, BOB, &["brief"], LATER).await, 1);
        assert_eq!(newest(&db).await.number, -3);
    })
    .await;
}

#[tokio::test]
async fn a_newsletter_that_is_gone_keeps_nobody_from_the_others() {
    both_databases(async |db: Db| {
        assert_eq!(sign_up(&db, ADA, &["a_gone_one", "brief"], NOW).await, 1);
        assert_eq!(newest(&db).await.channel, "brief");
        assert_eq!(send(&db, NOW).await, [ADA]);
        // Another daemon may know it, or the operator puts it back: the mail waits for that.
        assert_eq!(sign_up(&db, BOB, &["a_gone_one"], NOW).await, 1);
        assert_eq!(newest(&db).await.channel, "a_gone_one");
    })
    .await;
}

#[tokio::test]
async fn who_is_erased_while_they_wait_is_not_asked() {
    both_databases(async |db: Db| {
        wait(&db, ADA, &["brief"], NOW).await;
        assert!(db.erase(ADA, NOW).await.unwrap());
        assert_eq!(db.waiting_signups().await.unwrap(), 0);
        assert_eq!(admit(&db, "form", NOW).await, 0);
        assert_eq!(db.subscriber(ADA).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_erased_while_they_are_admitted_is_gone_or_was_never_asked() {
    both_databases(async |db: Db| {
        for n in 0..30 {
            let address = format!("r{n}@example.org");
            wait(&db, &address, &["brief", "weekly"], NOW).await;
            let (left, right, who) = (db.clone(), db.clone(), address.clone());
            let admission = tokio::spawn(async move { admit(&left, "form", NOW).await });
            let erasure = tokio::spawn(async move { right.erase(&who, NOW).await.unwrap() });
            admission.await.unwrap();
            assert!(erasure.await.unwrap());
            assert_eq!(db.subscriber(&address).await.unwrap(), None);
        }
        assert!(send(&db, NOW).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn two_daemons_that_admit_at_once_ask_each_address_once() {
    both_databases(async |db: Db| {
        for n in 0..40 {
            wait(&db, &format!("r{n}@example.org"), &["brief"], NOW).await;
        }
        let one = |db: Db| tokio::spawn(async move { admit(&db, "form", NOW).await });
        let (left, right) = (one(db.clone()), one(db.clone()));
        assert_eq!(left.await.unwrap() + right.await.unwrap(), 40);
        let mut asked = send(&db, NOW).await;
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked.len(), 40);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_ran_ahead_keeps_nobody_from_signing_up() {
    both_databases(async |db: Db| {
        let ahead = NOW.plus_ms(3650 * DAY);
        assert_eq!(sign_up(&db, ADA, &["brief"], ahead).await, 1);
        let from = |n: i64| courant::store::SignUp {
            network: Some("here".into()),
            ..wish(&format!("n{n}@example.org"), &["brief"])
        };
        let hour = Duration::from_secs(3600);
        let ask = async |n, now| db.take_signup(&from(n), 1, hour, now).await.unwrap();
        assert_eq!(ask(0, ahead).await, SignUpAnswer::Taken);
        db.mend_times(NOW, RULE).await.unwrap();
        assert_eq!(ask(1, NOW).await, SignUpAnswer::Taken);
        assert_eq!(ask(2, NOW).await, SignUpAnswer::TooMany);
        assert_eq!(db.confirmations_since(NOW, NOW).await.unwrap(), 0);
        let forgotten = db.forget_unconfirmed(NOW.plus_ms(1), 10, NOW).await;
        assert_eq!(forgotten.unwrap(), 1, "who never confirmed");
        let tomorrow = NOW.plus_ms(DAY);
        assert_eq!(sign_up(&db, ADA, &["brief"], tomorrow).await, 1 + 2);
    })
    .await;
}

#[tokio::test]
async fn mails_and_networks_of_a_time_that_has_not_come_use_up_no_limit() {
    both_databases(async |db: Db| {
        let (ahead, apart) = (NOW.plus_ms(365 * DAY), NOW.plus_ms(1000));
        let hour = Duration::from_secs(3600);
        assert_eq!(sign_up(&db, ADA, &["brief"], ahead).await, 1);
        let before = NOW.plus_ms(-60_000);
        assert_eq!(db.confirmations_since(before, NOW).await.unwrap(), 0);
        let from = |n: i64| courant::store::SignUp {
            network: Some("here".into()),
            ..wish(&format!("n{n}@example.org"), &["brief"])
        };
        let ask = async |n, now| db.take_signup(&from(n), 1, hour, now).await.unwrap();
        assert_eq!(ask(0, ahead).await, SignUpAnswer::Taken);
        assert_eq!(ask(1, NOW).await, SignUpAnswer::Taken);
        // The clock of another machine may be a little ahead.
        assert_eq!(sign_up(&db, BOB, &["brief"], apart).await, 3);
        assert_eq!(db.confirmations_since(before, NOW).await.unwrap(), 3);
        assert_eq!(ask(2, NOW).await, SignUpAnswer::TooMany);
    })
    .await;
}

#[tokio::test]
async fn a_mail_counts_against_the_rate_also_when_its_reader_has_confirmed_and_for_a_day() {
    both_databases(async |db: Db| {
        let before = NOW.plus_ms(-1);
        for mails in 1..4 {
            assert_eq!(sign_up(&db, ADA, &["brief"], NOW).await, 1);
            assert_eq!(confirm_all(&db, ADA, NOW).await, ["brief"]);
            let counted = db.confirmations_since(before, NOW).await.unwrap();
            assert_eq!(counted, mails);
            let id = db.subscriber(ADA).await.unwrap().unwrap().id;
            assert!(db.unsubscribe(id, "brief", "page", NOW).await.unwrap());
        }
        assert_eq!(sign_up(&db, BOB, &["brief"], NOW).await, 1);
        for (days, left) in [(1, 4), (2, 1)] {
            let now = NOW.plus_ms(days * DAY);
            db.forget_unconfirmed(before, 10, now).await.unwrap();
            let counted = db.confirmations_since(before, NOW).await.unwrap();
            assert_eq!(counted, left, "after {days} days");
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_wishes_for_one_address_at_once_none_is_lost() {
    both_databases(async |db: Db| {
        for n in 0..30 {
            let address = format!("r{n}@example.org");
            let one = |channel: &'static str| {
                let (db, wish) = (db.clone(), wish(&address, &[channel]));
                tokio::spawn(async move { take(&db, &wish, NOW).await })
            };
            let (brief, weekly, admission) = (one("brief"), one("weekly"), {
                let db = db.clone();
                tokio::spawn(async move { admit(&db, "form", NOW).await })
            });
            assert_eq!(brief.await.unwrap(), SignUpAnswer::Taken);
            assert_eq!(weekly.await.unwrap(), SignUpAnswer::Taken);
            admission.await.unwrap();
            admit(&db, "form", NOW).await;
            let confirmed = confirm_all(&db, &address, NOW).await;
            assert_eq!(confirmed, ["brief", "weekly"], "{address}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_network_that_asks_many_times_at_once_gets_no_more_than_its_limit() {
    both_databases(async |db: Db| {
        let hour = Duration::from_secs(3600);
        let asking = (0..24).map(|n| {
            let db = db.clone();
            tokio::spawn(async move {
                let signup = courant::store::SignUp {
                    network: Some("here".into()),
                    ..wish(&format!("n{n}@example.org"), &["brief"])
                };
                db.take_signup(&signup, 5, hour, NOW).await.unwrap()
            })
        });
        let mut taken = 0;
        for answer in asking.collect::<Vec<_>>() {
            taken += i64::from(answer.await.unwrap() == SignUpAnswer::Taken);
        }
        assert_eq!((taken, db.waiting_signups().await.unwrap()), (5, 5));
    })
    .await;
}

#[tokio::test]
async fn whose_turn_is_over_admits_nobody_else() {
    both_databases(async |db: Db| {
        for n in 0..4 {
            wait(&db, &format!("r{n}@example.org"), &["brief"], NOW).await;
        }
        let left = std::cell::Cell::new(2);
        let is_ours = || left.replace(left.get() - 1) > 0;
        let (keys, channels) = (token_key(), ["brief".to_owned()]);
        let admitted = db.admit_signups(&keys, &channels, "form", 100, NOW, is_ours);
        assert_eq!(admitted.await.unwrap(), (2, 2));
        assert_eq!(db.waiting_signups().await.unwrap(), 2);
    })
    .await;
}
