//! Which host a source is asked at: the one that its address names, or where it has moved for
//! good. Sources of one host are asked one after the other.

use std::collections::BTreeMap;

use url::{Position, Url};

use super::{App, OpenSource};
use crate::domain::UnixMillis;
use crate::store::{Db, StoreError};

impl App {
    /// The host a source is fetched from; its name where it has none.
    #[must_use]
    pub fn host_of(&self, source: &str, moved_to: Option<&str>) -> String {
        let url = self.sources.get(source).and_then(|s| s.adapter.url());
        host(source, url, moved_to)
    }

    /// Notes that a source is asked at another place from now on.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle_host(
        &self,
        source: &str,
        moved_to: Option<&str>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let host = self.host_of(source, moved_to);
        self.db
            .settle_hosts(&[(source.to_owned(), host, 0)], now)
            .await
    }
}

fn host(source: &str, url: Option<&Url>, moved_to: Option<&str>) -> String {
    let moved = moved_to.and_then(|to| Url::parse(to).ok());
    let url = moved.as_ref().or(url);
    url.map_or(source, |url| {
        &url[Position::BeforeHost..Position::AfterPort]
    })
    .to_owned()
}

/// Notes at which host each source is asked, its name where it has none; for those of the
/// operator's own with the longest pause, in milliseconds.
pub(super) async fn settle(
    db: &Db,
    sources: &BTreeMap<String, OpenSource>,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let moved = db.moved_sources().await?;
    let one = |(id, source): (&String, &OpenSource)| {
        let moved_to = moved.get(id).map(String::as_str);
        let every = source.config.every.as_millis().min(1 << 60) as i64;
        let own = if source.config.own { every } else { 0 };
        (id.clone(), host(id, source.adapter.url(), moved_to), own)
    };
    let hosts: Vec<_> = sources.iter().map(one).collect();
    db.settle_hosts(&hosts, now).await
}
