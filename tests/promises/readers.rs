//! No reader misses an article.

use courant::domain::UnixMillis;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

async fn publish(room: &Newsroom, story: usize, now: UnixMillis) {
    room.site.publish(Item::new(story));
    room.look(now).await;
    room.tick(now).await;
}

#[tokio::test]
async fn who_changes_to_instant_with_three_stories_to_come_gets_all_three_in_full() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader("ada@readers.example", "weekly").await;
        room.reader("bob@readers.example", "instant").await;
        for story in 1..=2 {
            publish(&room, story, DAY_ONE.plus_ms(story as i64 * MINUTE)).await;
        }
        room.reader("ada@readers.example", "instant").await;
        publish(&room, 3, DAY_ONE.plus_ms(HOUR)).await;
        let mut got = room.stories_of("ada@readers.example");
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3]);
    })
    .await;
}
