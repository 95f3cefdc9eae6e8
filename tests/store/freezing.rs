//! Freezing issues: exactly once, cursors with it, nobody misses and nobody repeats.

use std::collections::BTreeMap;

use courant::domain::{DeliveryState, IssueArticle, IssueState};
use courant::store::{
    AudienceFilter, Db, EmptyRun, Preferences, Recipients, RunOutcome, VariantGroup, ZoneFilter,
};

use crate::kit::{
    LATER, NOW, add_readers, claim, count, everyone, issue_for, planned, publish, reader,
    subscription,
};
use crate::support::databases::both_databases;

#[tokio::test]
async fn ten_planners_freeze_a_slot_once() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 7).await;
        publish(&db, "brief", &["a", "b"]).await;
        let mut planners = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let db = db.clone();
            planners.spawn(async move {
                let issue = planned(&db, everyone("brief", "daily"), 1).await;
                db.freeze_issue(&issue, NOW).await.unwrap()
            });
        }
        let made = planners.join_all().await;
        let made: Vec<_> = made.into_iter().flatten().collect();
        assert_eq!(made.len(), 1);
        let issue = db.issue(made[0]).await.unwrap().unwrap();
        assert_eq!(
            (issue.number, issue.ledger_upto, issue.state),
            (1, 2, IssueState::Sending)
        );
        assert_eq!(count(&db, made[0], DeliveryState::Pending).await, 7);
        assert_eq!(subscription(&db, "r3@example.org", "brief").await.cursor, 2);
        assert_eq!(db.issue_articles(made[0]).await.unwrap().len(), 2);
        assert_eq!(db.variant_positions(made[0], 0).await.unwrap(), [0, 1]);
    })
    .await;
}

#[tokio::test]
async fn two_schedules_at_once_serve_each_reader_once() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 20).await;
        publish(&db, "brief", &["a"]).await;
        // Both runs saw the same readers before either froze: say, a reader switched between.
        let any = AudienceFilter {
            schedule: None,
            ..everyone("brief", "x")
        };
        let mut plans = Vec::new();
        for slot in 1..=6 {
            let mut issue = planned(&db, any, slot).await;
            issue.schedule = format!("s{slot}");
            plans.push(issue);
        }
        let mut runs = tokio::task::JoinSet::new();
        for issue in plans {
            let db = db.clone();
            runs.spawn(async move { db.freeze_issue(&issue, NOW).await.unwrap() });
        }
        let made: Vec<_> = runs.join_all().await.into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "readers were served twice");
        assert_eq!(
            db.queue_counts().await.unwrap()[&DeliveryState::Pending],
            20
        );
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_switches_schedules_misses_nothing_and_repeats_nothing() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 1).await;
        let id = db.subscriber("r0@example.org").await.unwrap().unwrap().id;
        let mut got: BTreeMap<i64, u32> = BTreeMap::new();
        for round in 0i64..12 {
            publish(&db, "brief", &[&format!("t{round}")]).await;
            let schedule = ["instant", "daily", "weekly"][usize::try_from(round).unwrap() % 3];
            let preferences = Preferences {
                schedule: (schedule != "daily").then(|| schedule.to_owned()),
                topics: vec![],
                timezone: None,
            };
            assert!(db.set_preferences(id, "brief", &preferences).await.unwrap());
            for (i, name) in ["instant", "daily", "weekly"].into_iter().enumerate() {
                if name == "weekly" && round % 4 != 2 {
                    continue;
                }
                let filter = AudienceFilter {
                    is_default: name == "daily",
                    ..everyone("brief", name)
                };
                let issue = planned(&db, filter, round * 10 + i64::try_from(i).unwrap()).await;
                if issue.rows.is_empty() {
                    continue;
                }
                let frozen = db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
                for (place, _) in db.issue_articles(frozen).await.unwrap() {
                    *got.entry(place.ledger_number).or_default() += 1;
                }
            }
        }
        let cursor = subscription(&db, "r0@example.org", "brief").await.cursor;
        let expected: BTreeMap<i64, u32> = (1..=cursor).map(|n| (n, 1)).collect();
        assert_eq!(got, expected);
        assert!(cursor >= 10);
    })
    .await;
}

#[tokio::test]
async fn groups_share_variants_and_those_without_anything_are_moved_on() {
    both_databases(async |db: Db| {
        let mut sports = reader("sports@example.org", "brief");
        sports.topics = Some(vec!["Sports".into(), " Region".into(), "Sports".into()]);
        let mut region = reader("region@example.org", "brief");
        region.topics = Some(vec!["Region".into()]);
        let mut urdu = reader("urdu@example.org", "brief");
        urdu.language = Some("ur".into());
        let plain = reader("plain@example.org", "brief");
        db.import_subscribers(&[sports, region, urdu, plain], NOW)
            .await
            .unwrap();
        publish(&db, "brief", &["a", "b"]).await;
        let mut issue = planned(&db, everyone("brief", "daily"), 1).await;
        let Recipients::Readers { groups, .. } = &mut issue.recipients else {
            panic!()
        };
        assert_eq!(groups.len(), 4);
        for group in groups.iter_mut() {
            group.positions = match group.topics.as_slice() {
                [] => Some(vec![0, 1]),
                [one] if one == "Region" => Some(vec![1]),
                both => {
                    assert_eq!(both, ["Region", "Sports"]);
                    None
                }
            };
        }
        let id = db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        let of = |address: &str| {
            let one = claimed
                .iter()
                .find(|c| c.reader.as_ref().unwrap().address == address);
            one.map(|c| c.variant)
        };
        assert_eq!(of("sports@example.org"), None);
        assert_eq!(of("urdu@example.org"), of("plain@example.org"));
        let region = of("region@example.org").unwrap();
        assert_eq!(db.variant_positions(id, region).await.unwrap(), [1]);
        assert_eq!(
            subscription(&db, "sports@example.org", "brief")
                .await
                .cursor,
            2
        );
    })
    .await;
}

#[tokio::test]
async fn zones_split_the_audience() {
    both_databases(async |db: Db| {
        let mut karachi = reader("k@example.org", "brief");
        karachi.timezone = Some("Asia/Karachi".into());
        let mut berlin = reader("b@example.org", "brief");
        berlin.timezone = Some("Europe/Berlin".into());
        let all = [karachi, berlin, reader("n@example.org", "brief")];
        db.import_subscribers(&all, NOW).await.unwrap();
        publish(&db, "brief", &["a"]).await;
        let zones = db.audience_zones("brief", "daily", true).await.unwrap();
        let named = |zone: &str| Some(zone.to_owned());
        assert_eq!(zones, [None, named("Asia/Karachi"), named("Europe/Berlin")]);
        assert!(
            db.audience_zones("brief", "daily", false)
                .await
                .unwrap()
                .is_empty()
        );
        let readers = async |zone| {
            let filter = AudienceFilter {
                zone,
                ..everyone("brief", "daily")
            };
            let groups = db.audience(&filter, 1).await.unwrap();
            groups.iter().map(|g| g.readers).sum::<i64>()
        };
        assert_eq!(readers(ZoneFilter::Any).await, 3);
        assert_eq!(readers(ZoneFilter::Is("Asia/Karachi")).await, 1);
        assert_eq!(readers(ZoneFilter::IsOrUnset("Asia/Karachi")).await, 2);
        let filter = AudienceFilter {
            zone: ZoneFilter::Is("Europe/Berlin"),
            ..everyone("brief", "daily")
        };
        let issue = planned(&db, filter, 1).await;
        let id = db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 1);
        assert_eq!(subscription(&db, "b@example.org", "brief").await.cursor, 1);
        assert_eq!(subscription(&db, "k@example.org", "brief").await.cursor, 0);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_gets_each_line_once_even_from_two_slots() {
    both_databases(async |db: Db| {
        let ids = publish(&db, "toot", &["a", "b"]).await;
        let mut runs = tokio::task::JoinSet::new();
        for slot in 1..=4 {
            let mut issue = planned(&db, everyone("toot", "each"), slot).await;
            issue.recipients = Recipients::Endpoint("toot".into());
            issue.rows = vec![IssueArticle {
                position: 0,
                article: ids[0],
                revision: 1,
                ledger_number: 1,
            }];
            issue.upto = 1;
            let db = db.clone();
            runs.spawn(async move { db.freeze_issue(&issue, NOW).await.unwrap() });
        }
        let made: Vec<_> = runs.join_all().await.into_iter().flatten().collect();
        assert_eq!(made.len(), 1);
        assert_eq!(db.channel_cursor("toot").await.unwrap(), 1);
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        assert_eq!((claimed.len(), &*claimed[0].recipient), (1, "toot"));
        assert_eq!(claimed[0].reader, None);
    })
    .await;
}

#[tokio::test]
async fn runs_are_recorded_once_and_a_schedule_starts_where_it_was_first_seen() {
    both_databases(async |db: Db| {
        assert_eq!(
            db.last_scheduled("brief", "daily", "UTC", LATER)
                .await
                .unwrap(),
            None
        );
        db.start_schedule("brief", "daily", "UTC", NOW)
            .await
            .unwrap();
        db.start_schedule("brief", "daily", "UTC", LATER)
            .await
            .unwrap();
        assert_eq!(
            db.last_scheduled("brief", "daily", "UTC", LATER)
                .await
                .unwrap(),
            Some(NOW)
        );
        assert_eq!(
            db.last_scheduled("brief", "daily", "Asia/Karachi", LATER)
                .await
                .unwrap(),
            None
        );
        let record = async |slot| {
            let skipped = RunOutcome::Skipped;
            db.record_run(
                "brief", "daily", slot, "UTC", LATER, skipped, "no news", LATER,
            )
            .await
            .unwrap()
        };
        assert!(record("s").await && !record("s").await);
        assert_eq!(
            db.last_scheduled("brief", "daily", "UTC", LATER)
                .await
                .unwrap(),
            Some(LATER)
        );
        let runs = db.runs("brief", 9).await.unwrap();
        assert_eq!((runs.len(), &*runs[0].3), (1, "no news"));
    })
    .await;
}

#[tokio::test]
async fn a_run_with_nothing_to_say_moves_cursors_and_delivers_nothing() {
    both_databases(async |db: Db| {
        add_readers(&db, "brief", 2).await;
        publish(&db, "brief", &["a"]).await;
        let filter = everyone("brief", "daily");
        let group = VariantGroup {
            cursor: 0,
            topics: vec![],
            language: None,
            positions: Some(vec![0]),
        };
        let run = EmptyRun {
            channel: "brief",
            schedule: "daily",
            slot: "s",
            zone: "UTC",
            scheduled_at: NOW,
            why: "no news",
            upto: 1,
            readers: Some((filter, vec![group])),
        };
        assert!(db.pass_over(&run, NOW).await.unwrap());
        assert!(!db.pass_over(&run, NOW).await.unwrap());
        assert_eq!(subscription(&db, "r1@example.org", "brief").await.cursor, 1);
        assert_eq!(db.queue_counts().await.unwrap()[&DeliveryState::Pending], 0);
    })
    .await;
}

#[tokio::test]
async fn suppressed_and_pending_readers_are_no_audience() {
    both_databases(async |db: Db| {
        let mut pending = reader("pending@example.org", "brief");
        pending.state = courant::domain::SubscriptionState::Pending;
        db.import_subscriber(&pending, NOW).await.unwrap();
        db.import_subscriber(&reader("gone@example.org", "brief"), NOW)
            .await
            .unwrap();
        let reason = courant::domain::SuppressionReason::Complaint;
        assert!(
            db.suppress("gone@example.org", reason, "", NOW)
                .await
                .unwrap()
        );
        let id = issue_for(&db, 3).await;
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 3);
        assert_eq!(
            subscription(&db, "gone@example.org", "brief").await.cursor,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn a_freeze_that_is_cut_off_in_the_middle_has_happened_whole_or_not_at_all() {
    both_databases(async |db: Db| {
        const READERS: i64 = 3000;
        add_readers(&db, "brief", 3000).await;
        publish(&db, "brief", &["a"]).await;
        let filter = everyone("brief", "daily");
        let issue = planned(&db, filter, 1).await;
        let look = async || {
            let counts = db.queue_counts().await.unwrap();
            let groups = db.audience(&filter, issue.upto).await.unwrap();
            let waiting: i64 = groups.iter().map(|group| group.readers).sum();
            (counts[&DeliveryState::Pending], waiting)
        };
        let mut cuts = 0;
        loop {
            let patience = std::time::Duration::from_millis(cuts);
            let frozen = tokio::time::timeout(patience, db.freeze_issue(&issue, NOW)).await;
            let seen = look().await;
            // The cut may also fall between the commit and its answer.
            if !db.issues(None, None, 9).await.unwrap().is_empty() {
                break;
            }
            assert!(frozen.is_err(), "it was told that there is an issue");
            assert_eq!(seen, (0, READERS), "something happened");
            cuts += 1;
        }
        assert_eq!(look().await, (READERS, 0));
        assert!(cuts > 2, "it was never cut off");
        assert_eq!(db.issues(None, None, 9).await.unwrap().len(), 1);
        let again = db.freeze_issue(&issue, NOW).await.unwrap();
        assert_eq!(again, None, "the slot is taken");
    })
    .await;
}
