//! Sources, articles and ledgers.

use std::collections::BTreeSet;

use courant::domain::{ArticleId, ArticleState, Image, Revision, RevisionClass, UnixMillis};
use courant::store::{ArticleFilter, Change, Db, StoreError};

use crate::kit::{LATER, NOW, key, new_article, poll, publish, revision, take_in};
use crate::support::databases::both_databases;

#[tokio::test]
async fn a_source_is_due_at_once_and_forgotten_only_in_part() {
    both_databases(async |db: Db| {
        let both = ["a".to_owned(), "b".to_owned()];
        db.sync_sources(&both, NOW).await.unwrap();
        assert_eq!(db.next_fetch().await.unwrap(), Some(NOW));
        assert_eq!(
            db.claim_sources("w", NOW, LATER, 1, None)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            db.claim_sources("x", NOW, LATER, 9, None)
                .await
                .unwrap()
                .len(),
            1
        );
        assert!(
            db.claim_sources("y", NOW, LATER, 9, None)
                .await
                .unwrap()
                .is_empty()
        );
        db.apply_poll(poll("a", "w", vec![new_article("one")]), NOW)
            .await
            .unwrap();
        db.sync_sources(&both[1..], NOW).await.unwrap();
        let sources = db.sources().await.unwrap();
        assert_eq!(sources[0].etag.as_deref(), Some("\"7\""));
        assert!(sources[0].baselined && sources[0].last_ok_at == Some(NOW));
        assert_eq!(
            sources[0].next_fetch_at, None,
            "a source that left is never due"
        );
        db.sync_sources(&both, LATER).await.unwrap();
        assert_eq!(db.sources().await.unwrap()[0].next_fetch_at, Some(LATER));
        assert_eq!(db.article_counts().await.unwrap()["a"], 1);
        assert_eq!(db.trim_fetches(LATER, LATER).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_poll_under_a_lost_lease_writes_nothing() {
    both_databases(async |db: Db| {
        db.sync_sources(&["a".into()], NOW).await.unwrap();
        db.claim_sources("slow", NOW, NOW.plus_ms(5), 1, None)
            .await
            .unwrap();
        let after = NOW.plus_ms(6);
        assert_eq!(
            db.claim_sources("quick", after, LATER, 1, None)
                .await
                .unwrap()
                .len(),
            1
        );
        let late = db
            .apply_poll(poll("a", "slow", vec![new_article("one")]), after)
            .await;
        assert!(matches!(late, Err(StoreError::LeaseLost(source)) if source == "a"));
        assert!(
            db.articles(&ArticleFilter::default(), 9)
                .await
                .unwrap()
                .is_empty()
        );
        db.apply_poll(poll("a", "quick", vec![new_article("one")]), after)
            .await
            .unwrap();
    })
    .await;
}

/// A correction with a picture and a new name.
fn revised(article: ArticleId) -> Change {
    Change::Revise {
        article,
        keys: vec![key("new-name")],
        revision: Revision {
            image: Some(Image {
                url: "https://x.example/i.png".into(),
                alt: "a river".into(),
            }),
            ..revision("corrected")
        },
        class: RevisionClass::Minor,
        eligible_at: Some(LATER),
    }
}

#[tokio::test]
async fn an_article_is_known_by_any_of_its_names_and_revised_once_per_change() {
    both_databases(async |db: Db| {
        let ids = take_in(&db, &["one", "two"]).await;
        let asked = [
            vec![key("new-name"), key("one")],
            vec![key("three")],
            vec![key("two")],
        ];
        let found = db.find_articles("dispatch", &asked).await.unwrap();
        let known = found[0].as_ref().unwrap();
        assert_eq!((known.id, known.revision, known.keys_known), (ids[0], 1, 1));
        assert_eq!(found[1], None);
        assert_eq!(found[2].as_ref().unwrap().id, ids[1]);
        assert_eq!(
            db.find_articles("other", &asked).await.unwrap(),
            vec![None, None, None]
        );

        let changes = vec![
            revised(ids[0]),
            revised(ids[0]),
            Change::Alias {
                article: ids[1],
                keys: vec![key("zwei")],
            },
            new_article("two"),
            new_article("three"),
            new_article("three"),
        ];
        db.claim_sources("w", NOW, LATER, 1, Some(&["dispatch".into()]))
            .await
            .unwrap();
        let applied = db
            .apply_poll(poll("dispatch", "w", changes), NOW)
            .await
            .unwrap();
        assert_eq!((applied.new.len(), applied.revised), (1, vec![ids[0]]));
        let article = db.article(ids[0]).await.unwrap().unwrap();
        assert_eq!((article.revision.number, article.eligible_at), (2, LATER));
        assert_eq!(article.revision.title, "corrected");
        assert_eq!(article.revision.image.unwrap().alt, "a river");
        assert_eq!(
            db.revision(ids[0], 1)
                .await
                .unwrap()
                .unwrap()
                .revision
                .title,
            "one"
        );
        assert_eq!(article.revision.topics, ["Region", "Pakistan"]);
        let found = db
            .find_articles("dispatch", &[vec![key("new-name")], vec![key("zwei")]])
            .await;
        let found: Vec<ArticleId> = found.unwrap().into_iter().flatten().map(|k| k.id).collect();
        assert_eq!(found, ids);
    })
    .await;
}

#[tokio::test]
async fn a_hold_ends_by_time_and_states_move_only_as_allowed() {
    both_databases(async |db: Db| {
        let ids = take_in(&db, &["one", "two"]).await;
        assert_eq!(db.next_eligible().await.unwrap(), Some(NOW));
        assert!(
            db.due_articles(NOW.plus_ms(-1), 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(db.due_articles(NOW, 9).await.unwrap().len(), 2);
        let (waiting, held) = ([ArticleState::Waiting], ArticleState::Held);
        assert!(
            db.set_article_state(ids[0], &waiting, held, "too many at once", None)
                .await
                .unwrap()
        );
        assert!(
            !db.set_article_state(ids[0], &waiting, held, "again", None)
                .await
                .unwrap()
        );
        assert_eq!(db.article_reason(ids[0]).await.unwrap(), "too many at once");
        assert_eq!(db.due_articles(NOW, 9).await.unwrap().len(), 1);
        let filter = ArticleFilter {
            state: Some(held),
            ..Default::default()
        };
        assert_eq!(db.articles(&filter, 9).await.unwrap()[0].id, ids[0]);
        assert!(db.retract_article(ids[1], "withdrawn").await.unwrap());
        assert!(
            db.release_article(ids[1], &["brief".into()], NOW)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(db.ledger_newest("brief").await.unwrap(), 0);
        let lines = db
            .release_article(ids[0], &["brief".into(), "feed".into()], NOW)
            .await
            .unwrap();
        assert_eq!(lines, [("brief".to_owned(), 1), ("feed".to_owned(), 1)]);
        let of = db.ledger_of(ids[0]).await.unwrap();
        assert_eq!(
            of,
            [("brief".to_owned(), 1, NOW), ("feed".to_owned(), 1, NOW)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_retracted_article_leaves_the_ledger_rows_but_not_the_numbers() {
    both_databases(async |db: Db| {
        let ids = publish(&db, "brief", &["one", "two", "three"]).await;
        db.retract_article(ids[1], "withdrawn").await.unwrap();
        let rows = db.ledger_rows("brief", 0, 9, 9).await.unwrap();
        assert_eq!(rows.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(db.ledger_rows("brief", 1, 2, 9).await.unwrap().len(), 0);
        assert_eq!(db.ledger_newest("brief").await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn ledger_numbers_are_dense_however_many_release_at_once() {
    both_databases(async |db: Db| {
        let titles: Vec<String> = (0..40).map(|i| format!("t{i}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let ids = take_in(&db, &titles).await;
        let mut releases = tokio::task::JoinSet::new();
        // Every article is released twice, by two tasks, into channels named in either order.
        for (i, id) in ids.iter().chain(&ids).enumerate() {
            let (db, id) = (db.clone(), *id);
            let mut channels = vec!["brief".to_owned(), "feed".to_owned()];
            if i % 2 == 0 {
                channels.reverse();
            }
            releases.spawn(async move { db.release_article(id, &channels, NOW).await });
        }
        let mut numbers = BTreeSet::new();
        let mut lines = 0;
        while let Some(released) = releases.join_next().await {
            for line in released.unwrap().unwrap() {
                lines += 1;
                numbers.insert(line);
            }
        }
        assert_eq!((lines, numbers.len()), (80, 80), "an article entered twice");
        for channel in ["brief", "feed"] {
            let rows = db.ledger_rows(channel, 0, i64::MAX, 99).await.unwrap();
            let got: Vec<i64> = rows.iter().map(|row| row.number).collect();
            assert_eq!(got, (1..=40).collect::<Vec<i64>>());
            let articles: BTreeSet<_> = rows.iter().map(|row| row.article.id).collect();
            assert_eq!(articles.len(), 40);
            assert_eq!(db.ledger_newest(channel).await.unwrap(), 40);
        }
        assert_eq!(db.next_eligible().await.unwrap(), None::<UnixMillis>);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_moves_is_asked_anew_and_keeps_its_articles() {
    both_databases(async |db| {
        take_in(&db, &["one"]).await;
        let place = |url: &str| [("dispatch".to_owned(), url.to_owned(), 600_000)];
        db.place_sources(&place("https://a.example/"), NOW)
            .await
            .unwrap();
        let claimed = db.claim_sources("w", NOW, LATER, 9, None).await.unwrap();
        let mut gone = poll("dispatch", "w", Vec::new());
        gone.memory.etag = Some("\"old\"".to_owned());
        gone.memory.gone = true;
        assert_eq!(claimed.len(), 1);
        db.apply_poll(gone, NOW).await.unwrap();

        // The same address again changes nothing; another one begins anew.
        let same = db
            .place_sources(&place("https://a.example/"), LATER)
            .await
            .unwrap();
        assert_eq!((same, db.sources().await.unwrap()[0].gone), (0, true));
        let moved = db
            .place_sources(&place("https://b.example/"), LATER)
            .await
            .unwrap();
        let memory = db.sources().await.unwrap().remove(0);
        assert_eq!((moved, memory.gone, memory.etag), (1, false, None));
        assert!(memory.baselined, "what was known stays known");

        // A shorter pause counts at once.
        db.claim_sources("w", LATER, LATER.plus_ms(1), 9, None)
            .await
            .unwrap();
        let mut calm = poll("dispatch", "w", Vec::new());
        calm.memory.next_fetch_at = LATER.plus_ms(86_400_000);
        db.apply_poll(calm, LATER).await.unwrap();
        db.place_sources(&place("https://b.example/"), LATER)
            .await
            .unwrap();
        let next = db.sources().await.unwrap().remove(0).next_fetch_at;
        assert_eq!(next, Some(LATER.plus_ms(600_000)));
    })
    .await;
}
