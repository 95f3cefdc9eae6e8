//! What an operator is told is how it is.

use courant::domain::UnixMillis;
use courant::pipeline::status::status;
use courant::store::Db;

use crate::support::newsroom::{BRIEF, Newsroom};

#[tokio::test]
async fn the_status_of_a_daemon_says_that_a_relay_is_down_and_which_connections_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("t.db").display());
    let more = format!("{BRIEF}\n[relays.down]\nurl = \"smtp://127.0.0.1:1?tls=off\"");
    let room = Newsroom::open_unpolled(Db::open(&url).await.unwrap(), &more).await;
    let (app, now) = (&room.app, UnixMillis::now());
    let relay = |id: &str| app.relays.iter().find(|relay| *relay.id == *id).unwrap();
    // A handful of failures in a row, as many as connections are tried at first.
    for _ in 0..5 {
        assert!(relay("down").open().await.is_err());
    }
    let _open = relay("main").open().await.unwrap();
    let live = status(&app.db, &app.config, Some(&app.relays), now, now).await;
    let live = live.unwrap().relays;
    assert!(live[0].state.starts_with("paused for"), "{live:?}");
    assert_eq!((live[1].state.as_str(), live[1].connections), ("ok", 1));
    let told = status(&app.db, &app.config, None, now, now).await.unwrap();
    assert_eq!(told.relays[0].state, "configured");
}
