//! What operators do with issues, and what archive and feeds read.

use courant::domain::{
    ArticleId, DeliveryState, IssueId, IssueState, Payload, RevisionClass, UnixMillis,
};
use courant::store::{Change, Db, Recipients};

use crate::kit::{
    LATER, NOW, claim, confirm, count, everyone, issue_for, key, keys, planned, poll, publish,
    revision, settle, went,
};
use crate::support::databases::both_databases;

#[tokio::test]
async fn cancelling_stops_all_but_what_is_with_a_relay() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 4).await;
        let claimed = claim(&db, "w", NOW, LATER, 2).await;
        let taken = keys(&claimed);
        assert_eq!(db.cancel_issue(id, NOW).await.unwrap(), Some(2));
        assert_eq!(db.cancel_issue(id, NOW).await.unwrap(), None);
        // The one that was not on the wire yet stays behind.
        assert!(confirm(&db, &taken[1..], "w", NOW).await.is_empty());
        // The one that was under way is refused for now: it does not come back.
        let settled = [went(&claimed[0], DeliveryState::Deferred, "451 later")];
        assert_eq!(settle(&db, &settled, "w", NOW).await, 1);
        db.finish_issues(NOW).await.unwrap();
        assert_eq!(count(&db, id, DeliveryState::Cancelled).await, 4);
        assert_eq!(
            db.retry_issue(id, DeliveryState::Failed, NOW)
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            db.issue(id).await.unwrap().unwrap().state,
            IssueState::Cancelled
        );
        assert!(claim(&db, "w", LATER, LATER, 9).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_paused_issue_rests_and_resumes_where_it_was() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let claimed = claim(&db, "w", NOW, LATER, 1).await;
        let sending = [IssueState::Sending];
        assert!(
            db.set_issue_state(id, &sending, IssueState::Paused)
                .await
                .unwrap()
        );
        assert!(
            !db.set_issue_state(id, &sending, IssueState::Paused)
                .await
                .unwrap()
        );
        assert!(claim(&db, "w", NOW, LATER, 9).await.is_empty());
        assert_eq!(db.next_due().await.unwrap(), None);
        // What was taken before the pause is given back untried.
        let taken = [(claimed[0].id, claimed[0].generation)];
        assert!(confirm(&db, &taken, "w", NOW).await.is_empty());
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 3);
        assert!(
            db.set_issue_state(id, &[IssueState::Paused], IssueState::Sending)
                .await
                .unwrap()
        );
        assert_eq!(db.next_due().await.unwrap(), Some(NOW));
        assert_eq!(claim(&db, "w", NOW, LATER, 9).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_issue_is_done_when_all_ended_and_opens_again_for_a_retry() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 2).await;
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        assert!(db.finish_issues(NOW).await.unwrap().is_empty());
        let settled = [
            went(&claimed[0], DeliveryState::Sent, "250 ok"),
            went(&claimed[1], DeliveryState::Failed, "550 no"),
        ];
        assert_eq!(settle(&db, &settled, "w", NOW).await, 2);
        assert_eq!(db.finish_issues(NOW).await.unwrap(), [id]);
        assert_eq!(db.issue(id).await.unwrap().unwrap().state, IssueState::Done);
        let failed = db
            .deliveries(id, Some(DeliveryState::Failed), None, 9)
            .await
            .unwrap();
        assert_eq!(
            (failed.len(), &*failed[0].reason, failed[0].attempts),
            (1, "550 no", 1)
        );
        assert_eq!(
            db.deliveries(id, None, Some(failed[0].id), 9)
                .await
                .unwrap()
                .len(),
            0
        );
        assert_eq!(
            db.retry_issue(id, DeliveryState::Sent, LATER)
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            db.retry_issue(id, DeliveryState::Failed, LATER)
                .await
                .unwrap(),
            1
        );
        let again = claim(&db, "w", LATER, LATER.plus_ms(9), 9).await;
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].made_at, again[0].since), (NOW, LATER));
    })
    .await;
}

#[tokio::test]
async fn many_deliveries_are_cancelled_in_parts_and_all_of_them() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 20_001).await;
        let taken = claim(&db, "w", NOW, LATER, 3).await;
        assert_eq!(db.cancel_issue(id, NOW).await.unwrap(), Some(19_998));
        assert_eq!(db.release_leases("w").await.unwrap(), taken.len() as i64);
        assert!(db.finish_issues(NOW).await.unwrap().is_empty());
        assert_eq!(count(&db, id, DeliveryState::Cancelled).await, 20_001);
    })
    .await;
}

#[tokio::test]
async fn issues_are_listed_by_page_and_found_by_number() {
    both_databases(async |db: Db| {
        let first = issue_for(&db, 1).await;
        publish(&db, "brief", &["b"]).await;
        let issue = planned(&db, everyone("brief", "daily"), 2).await;
        let second = db.freeze_issue(&issue, LATER).await.unwrap().unwrap();
        db.set_issue_title(second, "News of the day").await.unwrap();
        let ids =
            |issues: Vec<courant::domain::Issue>| issues.iter().map(|i| i.id).collect::<Vec<_>>();
        assert_eq!(
            ids(db.issues(None, None, 9).await.unwrap()),
            [second, first]
        );
        assert_eq!(
            ids(db.issues(Some("brief"), Some(second), 9).await.unwrap()),
            [first]
        );
        assert!(db.issues(Some("other"), None, 9).await.unwrap().is_empty());
        let found = db.issue_by_number("brief", 2).await.unwrap().unwrap();
        assert_eq!(
            (found.id, &*found.title, found.created_at),
            (second, "News of the day", LATER)
        );
        assert_eq!(db.issue_by_number("brief", 3).await.unwrap(), None);
    })
    .await;
}

/// An endpoint's issue over one ledger line.
async fn posted(db: &Db, article: ArticleId, number: i64, key: &str) -> IssueId {
    let mut issue = planned(db, everyone("feed", "each"), number).await;
    issue.rows = vec![courant::domain::IssueArticle {
        position: 0,
        article,
        revision: 1,
        ledger_number: number,
    }];
    issue.upto = number;
    issue.recipients = Recipients::Nobody;
    issue.state = IssueState::Done;
    issue.content_key = key.into();
    db.freeze_issue(&issue, NOW).await.unwrap().unwrap()
}

#[tokio::test]
async fn archive_shows_content_once_and_feeds_follow_corrections_and_retractions() {
    both_databases(async |db: Db| {
        let ids = publish(&db, "feed", &["a", "b", "c", "unpublished"]).await;
        let first = posted(&db, ids[0], 1, "same").await;
        posted(&db, ids[1], 2, "same").await;
        let third = posted(&db, ids[2], 3, "other").await;
        let archive = db.archive("feed", None, 9).await.unwrap();
        assert_eq!(
            archive.iter().map(|i| i.id).collect::<Vec<_>>(),
            [third, first]
        );
        assert_eq!(db.archive("feed", Some(3), 9).await.unwrap()[0].id, first);

        db.claim_sources("w", NOW, LATER, 1, Some(&["dispatch".into()]))
            .await
            .unwrap();
        let correction = Change::Revise {
            article: ids[0],
            keys: vec![key("a")],
            revision: revision("corrected"),
            class: RevisionClass::Substantive,
            eligible_at: None,
        };
        db.apply_poll(poll("dispatch", "w", vec![correction]), NOW)
            .await
            .unwrap();
        db.retract_article(ids[1], "withdrawn").await.unwrap();
        let titles: Vec<String> = db
            .feed_articles("feed", 9)
            .await
            .unwrap()
            .into_iter()
            .map(|a| a.revision.title)
            .collect();
        assert_eq!(titles, ["c", "corrected"]);
        let frozen = db.issue_articles(first).await.unwrap();
        assert_eq!(
            (frozen[0].0.revision, &*frozen[0].1.revision.title),
            (1, "a")
        );
    })
    .await;
}

#[tokio::test]
async fn a_payload_is_kept_once_per_delivery() {
    both_databases(async |db: Db| {
        let issue = issue_for(&db, 1).await;
        let delivery = db.deliveries(issue, None, None, 1).await.unwrap()[0].id;
        let payload = |text: &str| Payload {
            channel: "toot".into(),
            kind: "mastodon".into(),
            issue,
            article: None,
            text: text.into(),
            requests: vec![],
        };
        db.save_payload(delivery, &payload("first"), NOW)
            .await
            .unwrap();
        db.save_payload(delivery, &payload("second"), LATER)
            .await
            .unwrap();
        let kept = db.payloads(Some("toot"), None, 9).await.unwrap();
        assert_eq!(
            (kept.len(), &kept[0].payload, kept[0].created_at),
            (1, &payload("second"), NOW)
        );
        assert!(
            db.payloads(Some("other"), None, 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            db.payloads(None, Some(kept[0].id), 9)
                .await
                .unwrap()
                .is_empty()
        );
        let _: UnixMillis = kept[0].created_at;
    })
    .await;
}

#[tokio::test]
async fn the_patience_of_an_issue_that_waited_starts_when_it_is_let_go() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 2).await;
        let sending = [IssueState::Sending];
        db.set_issue_state(id, &sending, IssueState::Paused)
            .await
            .unwrap();
        let later = NOW.plus_ms(3 * 86_400_000);
        assert!(db.send_issue(id, IssueState::Paused, later).await.unwrap());
        assert!(!db.send_issue(id, IssueState::Paused, later).await.unwrap());
        let until = later.plus_ms(60_000);
        let claimed = claim(&db, "w", later, until, 9).await;
        assert_eq!(claimed.len(), 2);
        assert!(claimed.iter().all(|c| c.since == later && c.made_at == NOW));
    })
    .await;
}
