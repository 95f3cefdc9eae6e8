//! Signing up: taken in, admitted, asked to confirm, confirmed, forgotten.

use std::time::Duration;

use courant::domain::{
    DeliveryState, EmailAddress, Issue, IssueState, SubscriptionState, SuppressionReason, TokenKey,
    UnixMillis,
};
use courant::store::{Claimed, Db, Imported, SignUp, SignUpAnswer};

use crate::kit::{
    LATER, NOW, claim, confirm, count, everyone, keys, planned, publish, reader, settle,
    subscription, went,
};
use crate::support::databases::both_databases;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const ADA: &str = "ada@example.org";

pub fn token_key() -> TokenKey {
    TokenKey::new(&[7; 32])
}

pub fn wish(address: &str, channels: &[&str]) -> SignUp {
    SignUp {
        address: EmailAddress::parse(address).unwrap(),
        channels: channels.iter().map(|&channel| channel.into()).collect(),
        network: None,
        evidence: "form, 203.0.113.7".into(),
    }
}

pub async fn take(db: &Db, signup: &SignUp, now: UnixMillis) -> SignUpAnswer {
    let hour = Duration::from_secs(3600);
    db.take_signup(signup, 30, hour, now).await.unwrap()
}

/// Signs up and is admitted; how many mails that made.
pub async fn sign_up(db: &Db, address: &str, channels: &[&str], now: UnixMillis) -> usize {
    let taken = take(db, &wish(address, channels), now).await;
    assert_eq!(taken, SignUpAnswer::Taken);
    admit(db, "form", now).await
}

pub async fn admit(db: &Db, via: &str, now: UnixMillis) -> usize {
    let channels = ["brief", "weekly", "alerts"].map(str::to_owned);
    let keys = token_key();
    let admitted = db.admit_signups(&keys, &channels, via, 100, now, || true);
    admitted.await.unwrap().1
}

pub async fn newest(db: &Db) -> Issue {
    db.issues(None, None, 1).await.unwrap().remove(0)
}

/// Sends what is due; to whom.
pub async fn send(db: &Db, now: UnixMillis) -> Vec<String> {
    let claimed = claim(db, "w", now, now.plus_ms(60_000), 1000).await;
    let sent: Vec<_> = claimed
        .iter()
        .map(|one| went(one, DeliveryState::Sent, "250 ok"))
        .collect();
    assert_eq!(settle(db, &sent, "w", now).await, sent.len());
    db.finish_issues(now).await.unwrap();
    let address = |one: &Claimed| one.reader.as_ref().unwrap().address.clone();
    claimed.iter().map(address).collect()
}

pub async fn confirm_all(db: &Db, address: &str, now: UnixMillis) -> Vec<String> {
    let id = db.subscriber(address).await.unwrap().unwrap().id;
    db.confirm_subscriptions(&token_key(), id, &[], "link", now)
        .await
        .unwrap()
}

async fn state_of(db: &Db, address: &str) -> SubscriptionState {
    subscription(db, address, "brief").await.state
}

#[tokio::test]
async fn a_sign_up_gets_one_mail_and_after_confirming_what_comes_from_then_on() {
    both_databases(async |db: Db| {
        publish(&db, "brief", &["before"]).await;
        assert_eq!(
            sign_up(&db, "Ada@example.org", &["brief", "weekly"], NOW).await,
            1
        );
        assert_eq!(db.waiting_signups().await.unwrap(), 0);
        assert_eq!(state_of(&db, ADA).await, SubscriptionState::Pending);
        let round = newest(&db).await;
        assert!(round.is_confirmation());
        assert_eq!(
            (&*round.channel, round.state),
            ("brief", IssueState::Sending)
        );
        assert_eq!(send(&db, NOW).await, ["Ada@example.org"]);
        assert_eq!(newest(&db).await.state, IssueState::Done);

        publish(&db, "brief", &["between"]).await;
        let audience = db.audience(&everyone("brief", "daily"), 2).await.unwrap();
        assert!(audience.is_empty(), "nobody confirmed");
        assert_eq!(confirm_all(&db, ADA, LATER).await, ["brief", "weekly"]);
        assert!(
            confirm_all(&db, ADA, LATER).await.is_empty(),
            "once is enough"
        );
        let tie = subscription(&db, ADA, "brief").await;
        assert_eq!((tie.state, tie.cursor), (SubscriptionState::Active, 2));

        publish(&db, "brief", &["after"]).await;
        let issue = planned(&db, everyone("brief", "daily"), 2).await;
        let id = db.freeze_issue(&issue, LATER).await.unwrap().unwrap();
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 1);
        assert_eq!(db.issue(id).await.unwrap().unwrap().number, 1);
        let record = db.consent_events(ADA).await.unwrap();
        let record: Vec<_> = record
            .iter()
            .map(|(c, k, _, d)| (&**c, &**k, &**d))
            .collect();
        let from = "form, 203.0.113.7";
        assert_eq!(
            record,
            [
                ("brief", "requested", from),
                ("weekly", "requested", from),
                ("brief", "confirmed", "link"),
                ("weekly", "confirmed", "link")
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn one_address_is_asked_three_times_however_often_it_is_entered() {
    both_databases(async |db: Db| {
        let mut mails = Vec::new();
        for hour in 0..60 * 24 {
            let now = NOW.plus_ms(hour * HOUR);
            if sign_up(&db, "victim@example.org", &["brief"], now).await > 0 {
                mails.push(hour);
            }
        }
        assert_eq!(mails, [0, 24, 8 * 24]);
        // Whoever confirms is asked anew when they come back another time.
        let now = NOW.plus_ms(61 * DAY);
        assert_eq!(confirm_all(&db, "victim@example.org", now).await, ["brief"]);
        let id = db
            .subscriber("victim@example.org")
            .await
            .unwrap()
            .unwrap()
            .id;
        assert!(db.unsubscribe(id, "brief", "page", now).await.unwrap());
        assert_eq!(sign_up(&db, "victim@example.org", &["brief"], now).await, 1);
    })
    .await;
}

#[tokio::test]
async fn known_and_suppressed_addresses_get_no_mail_and_stay_as_they_are() {
    both_databases(async |db: Db| {
        db.import_subscriber(&reader(ADA, "brief"), NOW)
            .await
            .unwrap();
        assert_eq!(sign_up(&db, ADA, &["brief"], NOW).await, 0);
        assert_eq!(state_of(&db, ADA).await, SubscriptionState::Active);

        let reason = SuppressionReason::Complaint;
        db.suppress("bob@example.org", reason, "", NOW)
            .await
            .unwrap();
        assert_eq!(sign_up(&db, "bob@example.org", &["brief"], NOW).await, 0);
        assert_eq!(db.subscriber("bob@example.org").await.unwrap(), None);
        assert_eq!(db.waiting_signups().await.unwrap(), 0);
        // A second newsletter is asked for, and the first one is left alone.
        assert_eq!(sign_up(&db, ADA, &["brief", "weekly"], NOW).await, 1);
        assert_eq!(newest(&db).await.channel, "weekly");
        assert_eq!(state_of(&db, ADA).await, SubscriptionState::Active);
    })
    .await;
}

#[tokio::test]
async fn no_confirmation_mail_leaves_after_confirming_leaving_or_suppression() {
    both_databases(async |db: Db| {
        for (who, why) in [
            ("a@example.org", "the reader has confirmed already"),
            ("b@example.org", "the reader has unsubscribed"),
            ("c@example.org", "the address is suppressed (complaint)"),
            ("d@example.org", "the reader is not there any more"),
        ] {
            assert_eq!(sign_up(&db, who, &["brief"], NOW).await, 1);
            let claimed = claim(&db, "w", NOW, LATER, 10).await;
            let id = claimed[0].reader.as_ref().unwrap().subscriber;
            match who.as_bytes()[0] {
                b'a' => drop(confirm_all(&db, who, NOW).await),
                b'b' => assert!(db.unsubscribe(id, "brief", "page", NOW).await.unwrap()),
                b'c' => {
                    let reason = SuppressionReason::Complaint;
                    assert!(db.suppress(who, reason, "", NOW).await.unwrap());
                }
                _ => assert!(db.erase(who, NOW).await.unwrap()),
            }
            assert!(
                confirm(&db, &keys(&claimed), "w", NOW).await.is_empty(),
                "{who}"
            );
            let round = newest(&db).await;
            let state = Some(DeliveryState::Suppressed);
            let ended = db.deliveries(round.id, state, None, 10).await.unwrap();
            assert_eq!(ended.last().unwrap().reason, why);
        }
        // Somebody who has only asked gets no newsletter that was made out by mistake.
        assert_eq!(sign_up(&db, "e@example.org", &["brief"], NOW).await, 1);
        assert_eq!(send(&db, NOW).await, ["e@example.org"]);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_round_is_not_revived_and_a_paused_one_keeps_its_mails() {
    both_databases(async |db: Db| {
        assert_eq!(sign_up(&db, "a@example.org", &["brief"], NOW).await, 1);
        let first = newest(&db).await;
        assert_eq!(db.cancel_issue(first.id, NOW).await.unwrap(), Some(1));
        assert_eq!(sign_up(&db, "b@example.org", &["brief"], NOW).await, 1);
        let second = newest(&db).await;
        assert_eq!((first.number, second.number), (-1, -2));
        assert!(db.pause_issue(second.id, "no such sender").await.unwrap());
        assert_eq!(sign_up(&db, "c@example.org", &["brief"], NOW).await, 1);
        assert!(send(&db, NOW).await.is_empty());
        assert!(
            db.send_issue(second.id, IssueState::Paused, NOW)
                .await
                .unwrap()
        );
        assert_eq!(send(&db, NOW).await, ["b@example.org", "c@example.org"]);
        // The day after there is a round of its own.
        let tomorrow = NOW.plus_ms(DAY + 1);
        assert_eq!(sign_up(&db, "d@example.org", &["brief"], tomorrow).await, 1);
        assert_eq!(newest(&db).await.number, -3);
        assert!(db.archive("brief", None, 10).await.unwrap().is_empty());
        assert_eq!(db.newest_issue("brief").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_network_that_asks_too_often_waits_and_no_other_does() {
    both_databases(async |db: Db| {
        let hour = Duration::from_secs(3600);
        let from = |network: &str, n: i64| SignUp {
            network: Some(network.into()),
            ..wish(&format!("r{n}@example.org"), &["brief"])
        };
        for (n, expected) in (0..4).zip([
            SignUpAnswer::Taken,
            SignUpAnswer::Taken,
            SignUpAnswer::Taken,
            SignUpAnswer::TooMany,
        ]) {
            let answer = db
                .take_signup(&from("here", n), 3, hour, NOW)
                .await
                .unwrap();
            assert_eq!(answer, expected);
        }
        let elsewhere = from("there", 9);
        let answer = db.take_signup(&elsewhere, 3, hour, NOW).await.unwrap();
        assert_eq!(answer, SignUpAnswer::Taken);
        assert_eq!(db.waiting_signups().await.unwrap(), 4);
        let later = NOW.plus_ms(HOUR);
        let again = from("here", 3);
        let answer = db.take_signup(&again, 3, hour, later).await.unwrap();
        assert_eq!(answer, SignUpAnswer::Taken);
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_while_it_waits_is_asked_together() {
    both_databases(async |db: Db| {
        for channels in [["brief", "weekly"], ["weekly", "alerts"]] {
            let taken = take(&db, &wish(ADA, &channels), NOW).await;
            assert_eq!(taken, SignUpAnswer::Taken);
        }
        assert_eq!(db.waiting_signups().await.unwrap(), 1);
        assert_eq!(admit(&db, "form", NOW).await, 1);
        assert_eq!(
            confirm_all(&db, ADA, NOW).await,
            ["alerts", "brief", "weekly"]
        );
        assert_eq!(
            db.confirmations_since(NOW.plus_ms(-1), NOW).await.unwrap(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn only_what_is_named_is_confirmed() {
    both_databases(async |db: Db| {
        assert_eq!(sign_up(&db, ADA, &["brief", "weekly"], NOW).await, 1);
        assert_eq!(
            db.confirmations_since(NOW.plus_ms(-1), NOW).await.unwrap(),
            1
        );
        let id = db.subscriber(ADA).await.unwrap().unwrap().id;
        let only = ["weekly".to_owned(), "unknown".to_owned()];
        let keys = token_key();
        let confirmed = db.confirm_subscriptions(&keys, id, &only, "link", NOW);
        assert_eq!(confirmed.await.unwrap(), ["weekly"]);
        assert_eq!(state_of(&db, ADA).await, SubscriptionState::Pending);
    })
    .await;
}

#[tokio::test]
async fn whom_an_operator_enters_as_pending_is_asked_too_and_outside_the_rate() {
    both_databases(async |db: Db| {
        let mut ada = reader(ADA, "brief");
        ada.state = SubscriptionState::Pending;
        assert_eq!(
            db.import_subscriber(&ada, NOW).await.unwrap(),
            Imported::Added
        );
        assert_eq!(admit(&db, "form", NOW).await, 0);
        assert_eq!(admit(&db, "operator", NOW).await, 1);
        assert_eq!(
            db.confirmations_since(NOW.plus_ms(-1), NOW).await.unwrap(),
            0
        );
        assert_eq!(send(&db, NOW).await, [ADA]);
        // Entered again as confirmed elsewhere, they need not be asked.
        ada.state = SubscriptionState::Active;
        assert_eq!(
            db.import_subscriber(&ada, LATER).await.unwrap(),
            Imported::Updated
        );
        assert_eq!(state_of(&db, ADA).await, SubscriptionState::Active);
        // A dry run asks nobody.
        let mut bob = reader("bob@example.org", "brief");
        bob.state = SubscriptionState::Pending;
        db.judge_subscribers(&[bob], NOW).await.unwrap();
        assert_eq!(db.waiting_signups().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn who_never_confirms_is_forgotten_and_who_had_left_has_left_again() {
    both_databases(async |db: Db| {
        let mut imported = reader("imported@example.org", "brief");
        imported.state = SubscriptionState::Pending;
        db.import_subscriber(&imported, NOW).await.unwrap();
        db.import_subscriber(&reader("left@example.org", "brief"), NOW)
            .await
            .unwrap();
        let left = db.subscriber("left@example.org").await.unwrap().unwrap().id;
        assert!(db.unsubscribe(left, "brief", "page", NOW).await.unwrap());
        db.import_subscriber(&reader("other@example.org", "weekly"), NOW)
            .await
            .unwrap();
        for who in [ADA, "left@example.org", "other@example.org"] {
            assert_eq!(sign_up(&db, who, &["brief"], NOW).await, 1, "{who}");
        }
        let forgotten = db.forget_unconfirmed(NOW, 10, LATER).await.unwrap();
        assert_eq!(forgotten, 0, "not before its time");
        let forgotten = db.forget_unconfirmed(LATER, 10, LATER).await.unwrap();
        assert_eq!(forgotten, 3);
        assert_eq!(db.subscriber(ADA).await.unwrap(), None);
        assert!(db.consent_events(ADA).await.unwrap().is_empty());
        let state = state_of(&db, "left@example.org").await;
        assert_eq!(state, SubscriptionState::Unsubscribed);
        let other = db.subscriber("other@example.org").await.unwrap().unwrap();
        assert_eq!(db.subscriptions(other.id).await.unwrap().len(), 1);
        let kept = state_of(&db, "imported@example.org").await;
        assert_eq!(
            kept,
            SubscriptionState::Pending,
            "the operator's own entry stays"
        );
        // The limits remember whom nothing else remembers.
        assert_eq!(sign_up(&db, ADA, &["brief"], LATER).await, 0);
    })
    .await;
}
