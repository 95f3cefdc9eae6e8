//! What later looks at a source do to articles, and what is told of one.

use courant::domain::{
    ArticleId, ArticleState, IdentityKey, IssueState, KeyKind, RevisionClass, UnixMillis,
};
use courant::store::{Change, Db};

use crate::kit::{
    LATER, NOW, add_readers, everyone, key, new_article, planned, poll, publish, revision, take_in,
};
use crate::support::databases::both_databases;

/// Polls these changes in at `now`.
async fn change(db: &Db, changes: Vec<Change>, now: UnixMillis) -> Vec<ArticleId> {
    let only = ["dispatch".to_owned()];
    let claimed = db.claim_sources("w", now, now.plus_ms(1), 1, Some(&only));
    assert_eq!(claimed.await.unwrap().len(), 1);
    let applied = db.apply_poll(poll("dispatch", "w", changes), now).await;
    applied.unwrap().new
}

fn withdraw(article: ArticleId, confirmed: bool) -> Change {
    Change::Withdraw {
        article,
        why: "its page is gone".into(),
        confirmed,
    }
}

async fn state(db: &Db, id: ArticleId) -> ArticleState {
    db.article(id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_hold_that_ends_by_itself_is_due_like_any_other() {
    both_databases(async |db: Db| {
        take_in(&db, &["one"]).await;
        let suspect = Change::New {
            keys: vec![key("two")],
            revision: revision("two"),
            state: ArticleState::Held,
            eligible_at: LATER,
            reason: "it looks like article 1".into(),
            held_until: Some(LATER),
        };
        let id = change(&db, vec![suspect], NOW).await[0];
        let standing = db.standing(id).await.unwrap().unwrap();
        assert_eq!(standing.held_until, Some(LATER));
        let due = async |at| db.due_articles(at, 9).await.unwrap().len();
        assert_eq!((due(NOW).await, due(LATER).await), (1, 2));
        // An operator's word ends what time would have ended.
        let held = [ArticleState::Held];
        let set = db.set_article_state(id, &held, ArticleState::Held, "wait", None);
        assert!(set.await.unwrap());
        assert_eq!(due(LATER).await, 1);
        db.release_article(id, &["brief".into()], LATER)
            .await
            .unwrap();
        let standing = db.standing(id).await.unwrap().unwrap();
        assert_eq!(standing.released_at, Some(LATER));
        assert_eq!((standing.held_until, &*standing.reason), (None, ""));
    })
    .await;
}

#[tokio::test]
async fn another_date_counts_until_the_release() {
    both_databases(async |db: Db| {
        let id = take_in(&db, &["one"]).await[0];
        let redate = |at: UnixMillis| Change::Redate {
            article: id,
            published: at,
            eligible_at: at,
            reason: "its source dates it ahead".into(),
        };
        change(&db, vec![redate(LATER)], NOW).await;
        let article = db.article(id).await.unwrap().unwrap();
        assert_eq!(
            (
                article.eligible_at,
                article.revision.published,
                article.revision.updated
            ),
            (LATER, LATER, LATER)
        );
        assert!(db.due_articles(NOW, 9).await.unwrap().is_empty());
        assert!(db.article_reason(id).await.unwrap().contains("ahead"));
        db.release_article(id, &[], LATER).await.unwrap();
        change(&db, vec![redate(LATER.plus_ms(9))], NOW.plus_ms(2)).await;
        let article = db.article(id).await.unwrap().unwrap();
        assert_eq!(article.revision.published, LATER);
    })
    .await;
}

#[tokio::test]
async fn a_confirmed_withdrawal_retracts_and_a_restored_article_is_what_it_was() {
    both_databases(async |db: Db| {
        let id = publish(&db, "brief", &["one"]).await[0];
        change(&db, vec![withdraw(id, false)], NOW).await;
        assert_eq!(state(&db, id).await, ArticleState::Released);
        assert_eq!(db.open_withdrawals("dispatch").await.unwrap(), [(id, NOW)]);
        assert_eq!(db.open_withdrawals("other").await.unwrap(), []);
        let doubted = db.standing(id).await.unwrap().unwrap().doubted;
        assert_eq!(doubted, Some((NOW, "its page is gone".to_owned())));
        // The first word counts, however often it is repeated.
        change(&db, vec![withdraw(id, false)], NOW.plus_ms(2)).await;
        assert_eq!(db.open_withdrawals("dispatch").await.unwrap(), [(id, NOW)]);
        change(&db, vec![withdraw(id, true)], LATER).await;
        assert_eq!(state(&db, id).await, ArticleState::Retracted);
        let standing = db.standing(id).await.unwrap().unwrap();
        assert_eq!(
            (standing.retracted_at, standing.doubted),
            (Some(LATER), None)
        );
        assert_eq!(db.open_withdrawals("dispatch").await.unwrap(), []);

        let restore = Change::Restore {
            article: id,
            eligible_at: LATER,
        };
        change(&db, vec![restore.clone()], LATER.plus_ms(2)).await;
        assert_eq!(state(&db, id).await, ArticleState::Released);
        // What an operator withdrew, no source brings back.
        db.retract_article(id, "wrong").await.unwrap();
        change(&db, vec![restore], LATER.plus_ms(4)).await;
        assert_eq!(state(&db, id).await, ArticleState::Retracted);
    })
    .await;
}

#[tokio::test]
async fn a_feed_names_what_was_withdrawn_of_what_it_had() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 1).await;
        let ids = publish(&db, "brief", &["one", "two"]).await;
        let issue = planned(&db, everyone("brief", "daily"), 1).await;
        db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
        let unsent = publish_more(&db, "three").await;
        for id in [ids[0], unsent] {
            change(&db, vec![withdraw(id, true)], LATER.plus_ms(id.0)).await;
        }
        let gone = db.feed_withdrawn("brief", 9).await.unwrap();
        let gone: Vec<_> = gone.iter().map(|(article, at)| (article.id, *at)).collect();
        assert_eq!(gone, [(ids[0], LATER.plus_ms(ids[0].0))]);
        assert_eq!(db.feed_withdrawn("other", 9).await.unwrap().len(), 0);
    })
    .await;
}

async fn publish_more(db: &Db, title: &str) -> ArticleId {
    let id = change(db, vec![new_article(title)], NOW.plus_ms(2)).await[0];
    db.release_article(id, &["brief".into()], NOW)
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn an_article_withdrawn_between_plan_and_freeze_is_not_frozen() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 1).await;
        let ids = publish(&db, "brief", &["one", "two"]).await;
        let issue = planned(&db, everyone("brief", "daily"), 1).await;
        change(&db, vec![withdraw(ids[0], true)], NOW).await;
        assert_eq!(db.freeze_issue(&issue, NOW).await.unwrap(), None);
        let again = planned(&db, everyone("brief", "daily"), 1).await;
        let issue = db.freeze_issue(&again, NOW).await.unwrap().unwrap();
        assert_eq!(db.issue_articles(issue).await.unwrap().len(), 1);
        let lines = db.issues_of(ids[1]).await.unwrap();
        assert_eq!(
            (lines[0].issue, lines[0].state),
            (issue, IssueState::Sending)
        );
        assert_eq!((&*lines[0].schedule, lines[0].revision), ("daily", 1));
    })
    .await;
}

#[tokio::test]
async fn revisions_between_the_first_and_the_newest_go_but_for_those_that_went_out() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 1).await;
        let id = publish(&db, "brief", &["one"]).await[0];
        let revise = |number: i64| Change::Revise {
            article: id,
            keys: vec![key("one")],
            revision: revision(&format!("text {number}")),
            class: RevisionClass::Minor,
            eligible_at: None,
        };
        for number in 2..=40 {
            change(&db, vec![revise(number)], NOW.plus_ms(2 * number)).await;
            if number == 3 {
                let issue = planned(&db, everyone("brief", "daily"), 1).await;
                db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
            }
        }
        let lines = db.revisions_of(id).await.unwrap();
        let kept: Vec<i64> = lines.iter().map(|line| line.number).collect();
        let expected: Vec<i64> = [1, 3].into_iter().chain(22..=40).collect();
        assert_eq!(kept, expected);
        assert_eq!(
            (lines[0].class, lines[1].class),
            (None, Some(RevisionClass::Minor))
        );
    })
    .await;
}

#[tokio::test]
async fn weak_keys_lead_to_articles_and_keep_none_out() {
    both_databases(async |db: Db| {
        let weak = |kind, value: &str| IdentityKey::new(kind, value);
        let with_weak = |title: &str| {
            let Change::New {
                mut keys,
                revision,
                state,
                eligible_at,
                reason,
                held_until,
            } = new_article(title)
            else {
                unreachable!("it is a new article")
            };
            keys.push(weak(KeyKind::Content, "digest"));
            keys.push(weak(KeyKind::Headline, "the same day"));
            Change::New {
                keys,
                revision,
                state,
                eligible_at,
                reason,
                held_until,
            }
        };
        take_in(&db, &["zero"]).await;
        let ids = change(&db, vec![with_weak("one"), with_weak("two")], NOW).await;
        assert_eq!(ids.len(), 2, "a weak key kept an article out");
        let asked = [
            vec![key("three"), weak(KeyKind::Content, "digest")],
            vec![key("four"), weak(KeyKind::Headline, "another day")],
        ];
        let alike = db.find_alike("dispatch", &asked).await.unwrap();
        assert_eq!(alike, [vec![(KeyKind::Content, ids[0])], vec![]]);
        let known = db.find_articles("dispatch", &asked).await.unwrap();
        assert_eq!(known, [None, None], "a weak key identified an article");
        let names = db.keys_of(ids[0]).await.unwrap();
        assert_eq!(names.len(), 3);
        let texts = db
            .newest_of(&[ids[1], ArticleId(99), ids[0]])
            .await
            .unwrap();
        let texts: Vec<ArticleId> = texts.iter().map(|article| article.id).collect();
        assert_eq!(texts, ids);
        let arrivals = db.arrivals("dispatch", 9).await.unwrap();
        assert_eq!(arrivals, [(NOW, 3)]);
        assert_eq!(db.arrivals("dispatch", 2).await.unwrap(), [(NOW, 2)]);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_than_the_guid_is_told() {
    both_databases(async |db: Db| {
        let link = |value: &str| IdentityKey::new(KeyKind::Link, value);
        let both = |title: &str| Change::New {
            keys: vec![key(title), link(title)],
            revision: revision(title),
            state: ArticleState::Waiting,
            eligible_at: NOW,
            reason: String::new(),
            held_until: None,
        };
        take_in(&db, &[]).await;
        let ids = change(&db, vec![both("one"), both("two")], NOW).await;
        let asked = [
            vec![key("one"), link("one")],
            vec![key("one"), link("two")],
            vec![key("new"), link("two")],
            vec![key("one"), link("new")],
        ];
        let found = db.find_articles("dispatch", &asked).await.unwrap();
        let told: Vec<_> = found
            .into_iter()
            .flatten()
            .map(|k| (k.id, k.by_id, k.at_address, k.keys_known))
            .collect();
        let expected = [
            (ids[0], true, Some(ids[0]), 2),
            (ids[1], false, Some(ids[1]), 1),
            (ids[1], false, Some(ids[1]), 1),
            (ids[0], true, None, 1),
        ];
        assert_eq!(told, expected);
    })
    .await;
}
