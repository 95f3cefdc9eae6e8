//! What a source takes back.

use std::sync::{Arc, Mutex};

use courant::domain::{Article, ArticleState, UnixMillis, keys_of};
use courant::net::Client;
use courant::pipeline::app::OpenSource;
use courant::pipeline::publish::feed_doc;
use courant::sources::{self, BoxFuture, Memory, PollError, Polled, Source, Withdrawal};
use courant::store::{ArticleFilter, Db};

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

const ADA: &str = "ada@readers.example";

/// The feed, and beside it the guids that its site takes back.
struct Withdrawing {
    feed: Box<dyn Source>,
    gone: Arc<Mutex<Vec<String>>>,
}

impl Source for Withdrawing {
    fn poll<'a>(
        &'a self,
        memory: &'a Memory,
        client: &'a Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(async move {
            let mut polled = self.feed.poll(memory, client).await?;
            if !polled.not_modified {
                let gone = self.gone.lock().unwrap();
                polled.withdrawn = gone.iter().map(|guid| withdrawal(guid)).collect();
            }
            Ok(polled)
        })
    }

    fn url(&self) -> Option<&url::Url> {
        self.feed.url()
    }
}

fn withdrawal(guid: &str) -> Withdrawal {
    Withdrawal {
        keys: keys_of(Some(guid), None, "", ""),
        why: "the feed says that it was deleted".into(),
    }
}

struct Story {
    room: Newsroom,
    gone: Arc<Mutex<Vec<String>>>,
}

impl Story {
    /// One reader of the daily digest and one feed; two articles are there, in the ledgers.
    async fn begin(db: Db, schedule: &str) -> Self {
        let feed = "[channels.feed]\nkind = \"feed\"\n";
        let mut room = Newsroom::open(db, &format!("{BRIEF}{feed}")).await;
        let gone = Arc::default();
        let config = room.app.config.sources["news"].clone();
        let withdrawing = Withdrawing {
            feed: sources::open(&config).unwrap(),
            gone: Arc::clone(&gone),
        };
        let adapter = Box::new(withdrawing);
        let source = OpenSource {
            config,
            adapter,
            rules: Default::default(),
        };
        room.app.sources = Arc::new([("news".to_owned(), source)].into());
        room.reader(ADA, schedule).await;
        room.site.set(vec![Item::new(2), Item::new(1)]);
        let story = Self { room, gone };
        story.look(DAY_ONE).await;
        story.room.tick(DAY_ONE).await;
        story
    }

    fn take_back(&self, number: usize) {
        let guid = format!("https://news.example/?p={number}");
        self.gone.lock().unwrap().push(guid);
        let rest = (1..=2).filter(|n| *n != number).map(Item::new).collect();
        self.room.site.set(rest);
    }

    async fn look(&self, now: UnixMillis) -> String {
        let reports = self.room.look(now).await;
        assert_eq!(reports[0].error, None);
        reports[0].notes.join("\n")
    }

    async fn article(&self, title: &str) -> Article {
        let all = self
            .room
            .app
            .db
            .articles(&ArticleFilter::default(), 9)
            .await;
        let mut all = all.unwrap().into_iter();
        all.find(|a| a.revision.title == title).unwrap()
    }

    /// The titles and tombstones of the feed.
    async fn feed(&self) -> (Vec<String>, usize) {
        let app = &self.room.app;
        let channel = &app.channels["feed"].config;
        let settings = channel.settings.parse().unwrap_or_default();
        let doc = feed_doc(&app.db, &app.config, channel, &settings)
            .await
            .unwrap();
        let titles = doc.items.iter().map(|item| item.title.clone()).collect();
        (titles, doc.withdrawn.len())
    }
}

#[tokio::test]
async fn a_withdrawal_heard_twice_drops_an_article_from_the_digest_to_come_and_from_feeds() {
    both_databases(async |db| {
        let story = Story::begin(db, "daily").await;
        story.take_back(1);
        assert_eq!(story.look(DAY_ONE.plus_ms(MINUTE)).await, "");
        assert_eq!(story.article("Story 1").await.state, ArticleState::Released);
        // Too soon, and then heard again although the feed has not changed.
        story.look(DAY_ONE.plus_ms(9 * MINUTE)).await;
        assert_eq!(story.article("Story 1").await.state, ArticleState::Released);
        let notes = story.look(DAY_ONE.plus_ms(12 * MINUTE)).await;
        assert!(notes.contains("article 1 is retracted"), "{notes}");
        let article = story.article("Story 1").await;
        assert_eq!(article.state, ArticleState::Retracted);
        let reason = story.room.app.db.article_reason(article.id).await.unwrap();
        assert_eq!(reason, "the feed says that it was deleted");
        assert_eq!(story.feed().await, (vec!["Story 2".to_owned()], 1));
        story.room.tick(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(story.room.stories_of(ADA), [2]);
        // Settled: the feed is asked whether it has changed again.
        story.look(DAY_ONE.plus_ms(2 * HOUR)).await;
        story.look(DAY_ONE.plus_ms(3 * HOUR)).await;
        assert_eq!(story.room.site.answers().last(), Some(&304));
    })
    .await;
}

#[tokio::test]
async fn what_was_mailed_is_not_mailed_about_when_it_is_withdrawn() {
    both_databases(async |db| {
        let story = Story::begin(db, "instant").await;
        assert_eq!(story.room.mails_of(ADA).len(), 2);
        story.take_back(1);
        story.look(DAY_ONE.plus_ms(MINUTE)).await;
        let notes = story.look(DAY_ONE.plus_ms(HOUR)).await;
        assert!(
            notes.contains("mails and posts that went out stay"),
            "{notes}"
        );
        story.room.tick(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(story.room.mails_of(ADA).len(), 2);
        assert_eq!(story.feed().await, (vec!["Story 2".to_owned()], 1));
    })
    .await;
}

#[tokio::test]
async fn an_article_that_is_there_again_takes_the_suspicion_and_the_retraction_back() {
    both_databases(async |db| {
        let story = Story::begin(db, "daily").await;
        let both = || vec![Item::new(2), Item::new(1)];
        story.take_back(1);
        story.look(DAY_ONE.plus_ms(MINUTE)).await;
        story.gone.lock().unwrap().clear();
        story.room.site.set(both());
        story.look(DAY_ONE.plus_ms(2 * MINUTE)).await;
        let open = story.room.app.db.open_withdrawals("news").await.unwrap();
        assert_eq!(open, []);
        // Again: a first word of its own, and a second.
        story.take_back(1);
        story.look(DAY_ONE.plus_ms(13 * MINUTE)).await;
        assert_eq!(story.article("Story 1").await.state, ArticleState::Released);
        story.look(DAY_ONE.plus_ms(24 * MINUTE)).await;
        assert_eq!(
            story.article("Story 1").await.state,
            ArticleState::Retracted
        );
        story.gone.lock().unwrap().clear();
        story.room.site.set(both());
        story.look(DAY_ONE.plus_ms(40 * MINUTE)).await;
        assert_eq!(story.article("Story 1").await.state, ArticleState::Released);
        assert_eq!(story.feed().await.1, 0);
        story.room.tick(DAY_ONE.plus_ms(HOUR)).await;
        let mut got = story.room.stories_of(ADA);
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn an_article_that_leaves_the_feed_is_not_withdrawn() {
    both_databases(async |db| {
        let story = Story::begin(db, "daily").await;
        story.room.site.set(vec![Item::new(2)]);
        for minute in [1, 20, 40] {
            story.look(DAY_ONE.plus_ms(minute * MINUTE)).await;
        }
        story.room.tick(DAY_ONE.plus_ms(HOUR)).await;
        let mut got = story.room.stories_of(ADA);
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    })
    .await;
}
