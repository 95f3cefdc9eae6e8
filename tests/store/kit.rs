//! Small makers of what the stories begin with.

use courant::domain::{
    ArticleId, ArticleState, DeliveryId, DeliveryState, EmailAddress, HeaderText, IdentityKey,
    IssueArticle, IssueId, IssueState, KeyKind, Revision, Slot, Subscription, SubscriptionState,
    Transition, UnixMillis,
};
use courant::store::{
    AudienceFilter, Change, Claimed, Db, Fate, FetchOutcome, FetchRow, NewIssue, NewSubscriber,
    NextMemory, PollResult, Recipients, Settled, VariantGroup, ZoneFilter,
};

pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
pub const LATER: UnixMillis = UnixMillis(1_700_000_060_000);

pub fn key(value: &str) -> IdentityKey {
    IdentityKey {
        kind: KeyKind::Guid,
        value: value.to_owned(),
    }
}

pub fn revision(title: &str) -> Revision {
    Revision {
        number: 1,
        seen_at: NOW,
        url: format!("https://news.example/{title}"),
        title: title.to_owned(),
        summary: "in short".into(),
        content_html: "<p>at length, in اردو too</p>".into(),
        authors: vec!["Ada".into()],
        topics: vec!["Region".into(), "Pakistan".into()],
        image: None,
        language: "en".into(),
        published: NOW,
        updated: NOW,
        words: 3,
        hash: format!("hash of {title}"),
    }
}

pub fn new_article(title: &str) -> Change {
    Change::New {
        keys: vec![key(title)],
        revision: revision(title),
        state: ArticleState::Waiting,
        eligible_at: NOW,
        reason: String::new(),
        held_until: None,
    }
}

pub fn poll(source: &str, owner: &str, changes: Vec<Change>) -> PollResult {
    PollResult {
        source: source.into(),
        owner: owner.into(),
        changes,
        memory: NextMemory {
            etag: Some("\"7\"".into()),
            next_fetch_at: LATER,
            baselined: true,
            ..NextMemory::default()
        },
        fetch: FetchRow {
            status: Some(200),
            outcome: FetchOutcome::New,
            bytes: 100,
            entries: 1,
            duration_ms: 5,
            note: String::new(),
        },
    }
}

/// Polls these articles in, and leaves them waiting.
pub async fn take_in(db: &Db, titles: &[&str]) -> Vec<ArticleId> {
    let source = "dispatch".to_owned();
    db.sync_sources(std::slice::from_ref(&source), NOW)
        .await
        .unwrap();
    let only = [source];
    let claimed = db
        .claim_sources("kit", NOW, LATER, 9, Some(&only))
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    let changes = titles.iter().map(|title| new_article(title)).collect();
    db.apply_poll(poll("dispatch", "kit", changes), NOW)
        .await
        .unwrap()
        .new
}

/// Polls these articles in and releases them to `channel`.
pub async fn publish(db: &Db, channel: &str, titles: &[&str]) -> Vec<ArticleId> {
    let ids = take_in(db, titles).await;
    for id in &ids {
        let lines = db
            .release_article(*id, &[channel.to_owned()], NOW)
            .await
            .unwrap();
        assert_eq!(lines.len(), 1);
    }
    ids
}

pub fn reader(address: &str, channel: &str) -> NewSubscriber {
    NewSubscriber {
        address: EmailAddress::parse(address).unwrap(),
        name: HeaderText::clean("A Reader"),
        language: None,
        timezone: None,
        channels: vec![channel.to_owned()],
        schedule: None,
        topics: None,
        state: SubscriptionState::Active,
    }
}

pub async fn add_readers(db: &Db, channel: &str, count: usize) {
    let readers: Vec<_> = (0..count)
        .map(|i| reader(&format!("r{i}@example.org"), channel))
        .collect();
    db.import_subscribers(&readers, NOW).await.unwrap();
}

pub async fn subscription(db: &Db, address: &str, channel: &str) -> Subscription {
    let person = db.subscriber(address).await.unwrap().unwrap();
    let all = db.subscriptions(person.id).await.unwrap();
    all.into_iter().find(|s| s.channel == channel).unwrap()
}

/// Everyone on `schedule`, the channel's default.
pub fn everyone<'a>(channel: &'a str, schedule: &'a str) -> AudienceFilter<'a> {
    AudienceFilter {
        channel,
        schedule: Some(schedule),
        is_default: true,
        zone: ZoneFilter::Any,
    }
}

/// An issue of the ledger's lines above the lowest cursor for all of `filter`, each group
/// getting what is above its own cursor: what planning does, without topics.
pub async fn planned<'a>(db: &Db, filter: AudienceFilter<'a>, slot: i64) -> NewIssue<'a> {
    let upto = db.ledger_newest(filter.channel).await.unwrap();
    let groups = db.audience(&filter, upto).await.unwrap();
    let lowest = groups.iter().map(|g| g.cursor).min().unwrap_or(upto);
    let lines = db
        .ledger_rows(filter.channel, lowest, upto, 100)
        .await
        .unwrap();
    let rows: Vec<IssueArticle> = (0i64..)
        .zip(&lines)
        .map(|(position, line)| IssueArticle {
            position,
            article: line.article.id,
            revision: line.article.revision.number,
            ledger_number: line.number,
        })
        .collect();
    let above = |cursor: i64| -> Vec<i64> {
        rows.iter()
            .filter(|r| r.ledger_number > cursor)
            .map(|r| r.position)
            .collect()
    };
    let groups = groups
        .into_iter()
        .map(|g| VariantGroup {
            positions: Some(above(g.cursor)).filter(|list| !list.is_empty()),
            cursor: g.cursor,
            topics: g.topics,
            language: g.language,
        })
        .collect();
    NewIssue {
        channel: filter.channel.into(),
        schedule: filter.schedule.unwrap_or("manual").into(),
        slot: Slot::At {
            at: UnixMillis(slot),
            zone: "UTC".into(),
        }
        .to_string(),
        zone: "UTC".into(),
        scheduled_at: UnixMillis(slot),
        state: IssueState::Sending,
        title: String::new(),
        rows,
        upto,
        recipients: Recipients::Readers { filter, groups },
        priority: 5,
        content_key: format!("{lowest}-{upto}"),
    }
}

/// Publishes one article to `readers` readers of `brief` and freezes it.
pub async fn issue_for(db: &Db, readers: usize) -> IssueId {
    add_readers(db, "brief", readers).await;
    publish(db, "brief", &["a"]).await;
    let issue = planned(db, everyone("brief", "daily"), 1).await;
    db.freeze_issue(&issue, NOW).await.unwrap().unwrap()
}

/// Takes what is due, of the most urgent issues first.
pub async fn claim(
    db: &Db,
    owner: &str,
    now: UnixMillis,
    until: UnixMillis,
    limit: usize,
) -> Vec<Claimed> {
    let mut claimed = Vec::new();
    for ready in db.ready_issues(now).await.unwrap() {
        let left = limit - claimed.len();
        let of_issue = db.claim_deliveries(owner, ready.issue.id, now, until, left);
        claimed.extend(of_issue.await.unwrap());
    }
    claimed
}

/// Deliveries and their generations.
pub fn keys(claimed: &[Claimed]) -> Vec<(DeliveryId, i64)> {
    claimed.iter().map(|c| (c.id, c.generation)).collect()
}

/// Which of these may be sent.
pub async fn confirm(
    db: &Db,
    rows: &[(DeliveryId, i64)],
    owner: &str,
    now: UnixMillis,
) -> Vec<DeliveryId> {
    db.confirm_deliveries(rows, owner, now).await.unwrap()
}

/// Settles, and answers how many were written.
pub async fn settle(db: &Db, settled: &[Settled], owner: &str, now: UnixMillis) -> usize {
    let settlement = db.settle(settled, owner, now).await.unwrap();
    assert!(settlement.written + settlement.lost.len() <= settled.len());
    settlement.written
}

pub fn went(claimed: &Claimed, state: DeliveryState, reason: &str) -> Settled {
    Settled {
        id: claimed.id,
        generation: claimed.generation,
        fate: Fate::Tried(Transition {
            state,
            due_at: LATER,
            counted: true,
            suppress: false,
            reason: reason.into(),
        }),
        relay: Some("main".into()),
    }
}

pub async fn count(db: &Db, issue: IssueId, state: DeliveryState) -> i64 {
    let counts = db.issue_counts(issue).await.unwrap();
    counts.get(&state).copied().unwrap_or(0)
}
