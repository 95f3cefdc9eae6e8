//! A correction reaches what was published as files.

use courant::pipeline::housekeeping;
use courant::store::Db;

use crate::support::newsroom::{DAY_ONE, MINUTE, Newsroom};
use crate::support::site::Item;

#[tokio::test]
async fn an_exported_feed_says_the_corrected_title_and_drops_a_withdrawn_article() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("t.db").display());
    let more = format!(
        "[channels.all]\nkind = \"feed\"\nexport = \"{}\"",
        dir.path().join("feeds").display()
    );
    let room = Newsroom::open(Db::open(&url).await.unwrap(), &more).await;
    let file = || std::fs::read_to_string(dir.path().join("feeds/all.rss")).unwrap();
    room.site.publish(Item::new(1));
    room.look(DAY_ONE).await;
    room.tick(DAY_ONE).await;
    assert!(file().contains("Story 1"));
    room.site.edit("https://news.example/?p=1", |item| {
        item.title = "Story one, put right".into();
    });
    let later = DAY_ONE.plus_ms(MINUTE);
    room.look(later).await;
    housekeeping::tidy(&room.app, later).await.unwrap();
    assert!(file().contains("put right"));
    let articles = room.app.db.articles(&Default::default(), 1).await.unwrap();
    let id = articles[0].id;
    room.app.db.retract_article(id, "wrong").await.unwrap();
    housekeeping::tidy(&room.app, later).await.unwrap();
    assert!(!file().contains("put right"));
}
