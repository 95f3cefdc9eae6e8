//! No reader misses an article.

use std::path::Path;

use courant::config;
use courant::domain::UnixMillis;
use courant::pipeline::{App, app, audience};
use courant::templates::Templates;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, HOUR, MINUTE, Newsroom, configuration};
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

#[tokio::test]
async fn who_picked_a_schedule_that_is_gone_follows_the_default() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader("ada@readers.example", "weekly").await;
        let fewer = BRIEF.replace(r#", weekly = "0 7 * * MON""#, "");
        let after: App = room
            .beside(&fewer.replace("\"daily\"", "\"instant\""))
            .await;
        audience::forget_schedules(&after).await.unwrap();
        let room = Newsroom { app: after, ..room };
        publish(&room, 1, DAY_ONE).await;
        assert_eq!(room.stories_of("ada@readers.example"), [1]);
    })
    .await;
}

#[test]
fn a_mail_template_without_a_way_out_or_an_address_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let email = dir.path().join("email");
    std::fs::create_dir(&email).unwrap();
    std::fs::write(email.join("bare.html"), "<p>{{ issue.title }}</p>").unwrap();
    let text = "{{ links.unsubscribe }} {{ site.postal_address }}";
    std::fs::write(email.join("bare.txt"), text).unwrap();
    let brief = format!("{BRIEF}template = \"bare\"\n");
    let text = configuration("http://127.0.0.1:9", 9, "sqlite:unused.db", &brief);
    let config = config::from_text(Path::new("t.toml"), &text, |_| Vec::new()).unwrap();
    let opened = app::open(&config, &Templates::load(Some(dir.path())).unwrap());
    let said: Vec<&str> = opened.problems.iter().map(|p| &*p.message).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("bare.html") && said[0].contains("unsubscribe"));
    assert!(said[1].contains("bare.html") && said[1].contains("postal address"));
}
