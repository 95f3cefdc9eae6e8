//! One source's trouble is its own.

use std::time::{Duration, Instant};

use courant::domain::UnixMillis;
use courant::pipeline::ingest::Poller;
use courant::store::Db;
use tokio::net::TcpListener;

use crate::support::newsroom::Newsroom;

#[tokio::test]
async fn a_source_that_hangs_keeps_no_other_waiting() {
    // Takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let more = format!(
        "[sources.hangs]\nkind = \"feed\"\nevery = \"1s\"\nurl = \"http://{}/feed/\"",
        silent.local_addr().unwrap()
    );
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("t.db").display());
    let db = Db::open(&url).await.unwrap();
    let room = Newsroom::open_unpolled(db, &more).await;
    let mut poller = Poller::default();
    let (mut polls, began) = (0, Instant::now());
    while polls < 3 && began.elapsed() < Duration::from_secs(30) {
        let reports = poller.step(&room.app, UnixMillis::now()).await.unwrap();
        polls += reports.iter().filter(|r| r.source == "news").count();
    }
    assert_eq!(polls, 3);
    assert!(!poller.is_idle(), "the other is still being waited for");
}
