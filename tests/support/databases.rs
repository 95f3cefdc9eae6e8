//! Each story on SQLite and on PostgreSQL.

use courant::store::Db;

use super::postgres::Cluster;

/// Tells a story twice: on a new SQLite file and on a new PostgreSQL database.
pub async fn both_databases(story: impl AsyncFn(Db)) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", dir.path().join("courant.db").display());
    told_on(&url, &story).await;
    told_on(&Cluster::shared().fresh_database().await, &story).await;
}

async fn told_on(url: &str, story: &impl AsyncFn(Db)) {
    let db = Db::open(url).await.expect("a new database opens");
    // Shown by the test runner only when the story fails.
    eprintln!("on {}", db.kind());
    story(db.clone()).await;
    db.close().await;
}
