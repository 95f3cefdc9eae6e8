//! `/feeds/CHANNEL.rss`, `.atom`, `.json`: built once, kept in memory, given to all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::conditional::Representation;
use super::error::Error;
use super::state::State;
use crate::channels::feed::{self, FeedDoc, FeedSettings, Format};
use crate::config::ChannelConfig;
use crate::domain::UnixMillis;
use crate::pipeline::publish::feed_doc;

type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

#[derive(Debug, Clone)]
struct Kept {
    feed: Arc<Representation>,
    checked: Instant,
}

/// The feeds as they were last built, each looked at anew after a moment.
#[derive(Debug)]
pub struct FeedCache {
    /// How long a feed is given out without a look at the database.
    moment: Duration,
    slots: Mutex<HashMap<(String, Format), Slot>>,
}

impl FeedCache {
    /// An empty cache that looks again after `moment`.
    pub fn new(moment: Duration) -> Self {
        Self {
            moment,
            slots: Mutex::default(),
        }
    }

    /// Looks at every feed anew at its next request, as after a reload.
    pub fn forget(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            if let Ok(mut kept) = slot.try_lock()
                && let Some(kept) = kept.as_mut()
                && let Some(before) = kept.checked.checked_sub(self.moment)
            {
                kept.checked = before;
            }
        }
    }

    fn slot(&self, channel: &str, format: Format) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots
            .entry((channel.to_owned(), format))
            .or_default()
            .clone()
    }
}

/// GET `/feeds/{file}`.
///
/// # Errors
/// [`Error::NotFound`] for what is no feed; [`Error::Unavailable`] when it has never been built
/// and the database does not answer.
pub async fn feed(
    Shared(state): Shared<State>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (id, format) = split(&file).ok_or(Error::NotFound)?;
    let live = state.live();
    let channel = live.config.channels.get(id).ok_or(Error::NotFound)?;
    if channel.kind != feed::KIND {
        return Err(Error::NotFound);
    }
    if query.is_some() {
        return Ok(without_query(&file));
    }
    let kept = current(&state, channel, format).await?;
    let seconds = feed::fresh_for(channel).as_secs();
    let cache_control = format!("public, max-age={seconds}, stale-if-error=86400");
    let mut response = kept.answer(&headers, &cache_control, UnixMillis::now());
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

fn split(file: &str) -> Option<(&str, Format)> {
    let (id, ending) = file.rsplit_once('.')?;
    let format = Format::ALL.into_iter().find(|f| f.extension() == ending)?;
    Some((id, format))
}

/// A feed has one address (its `rel="self"`); a query is cache-busting or tracking. The
/// relative reference holds behind any proxy (RFC 9110 §10.2.2). `file` is a channel's id with
/// an ending, so it is plain ASCII.
fn without_query(file: &str) -> Response {
    let location = HeaderValue::from_str(file).unwrap_or(HeaderValue::from_static("."));
    let cache = HeaderValue::from_static("public, max-age=86400");
    let headers = [(LOCATION, location), (CACHE_CONTROL, cache)];
    (StatusCode::MOVED_PERMANENTLY, headers).into_response()
}

/// The feed as it is now. While the database does not answer, the last one is given: readers
/// are better off with it than with an error.
async fn current(
    state: &State,
    channel: &ChannelConfig,
    format: Format,
) -> Result<Arc<Representation>, Error> {
    let slot = state.feeds().slot(&channel.id, format);
    // One request builds, the others wait for it.
    let mut kept = slot.lock().await;
    if let Some(kept) = kept.as_ref()
        && kept.checked.elapsed() < state.feeds().moment
    {
        return Ok(kept.feed.clone());
    }
    let last = kept.as_ref().map(|kept| kept.feed.clone());
    let feed = match build(state, channel, format, last.clone()).await {
        Ok(feed) => feed,
        Err(error) => match last {
            Some(feed) => {
                tracing::warn!(channel.name = %channel.id, %error, "the feed is served as it was");
                feed
            }
            None => return Err(error),
        },
    };
    *kept = Some(Kept {
        feed: feed.clone(),
        checked: Instant::now(),
    });
    Ok(feed)
}

async fn build(
    state: &State,
    channel: &ChannelConfig,
    format: Format,
    last: Option<Arc<Representation>>,
) -> Result<Arc<Representation>, Error> {
    let settings: FeedSettings = channel.settings.parse().unwrap_or_default(); // checked at load
    let config = state.live().config;
    let doc = feed_doc(state.db(), &config, channel, &settings).await?;
    // Writing and compressing megabytes is no work for the threads that answer.
    tokio::task::spawn_blocking(move || represent(&doc, format, last, UnixMillis::now()))
        .await
        .map_err(|error| Error::Unavailable(Box::new(error)))
}

/// The last representation when the bytes are the same. `Last-Modified` is the newest change in
/// the feed, which survives a restart; when the content changed without one (an article was
/// withdrawn), it is now.
fn represent(
    doc: &FeedDoc,
    format: Format,
    last: Option<Arc<Representation>>,
    now: UnixMillis,
) -> Arc<Representation> {
    let body = format.write(doc);
    if let Some(last) = &last
        && last.is_of(&body)
    {
        return last.clone();
    }
    let newest = doc.updated();
    let before = last.and_then(|last| last.last_modified());
    let changed = match before {
        Some(before) if newest.0 / 1000 <= before.0 / 1000 => now,
        _ => newest,
    };
    let feed = Representation::new(format.media_type(), body);
    Arc::new(if changed.0 > 0 {
        feed.changed_at(changed)
    } else {
        feed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::feed::{FeedItem, SelfUrls};

    fn doc(updated: &[i64]) -> FeedDoc {
        let item = |ms: &i64| FeedItem {
            id: format!("urn:uuid:{ms}"),
            url: "https://news.example.org/".into(),
            title: "t".into(),
            summary: "s".into(),
            content_html: "<p>c</p>".into(),
            authors: vec![],
            topics: vec![],
            image: None,
            language: "en".into(),
            published: UnixMillis(*ms),
            updated: UnixMillis(*ms),
        };
        FeedDoc {
            title: "t".into(),
            home_url: "https://news.example.org/".into(),
            self_urls: SelfUrls::of("https://letters.example.org", "feed"),
            description: String::new(),
            language: "en".into(),
            fresh_for: Duration::from_secs(900),
            items: updated.iter().map(item).collect(),
            withdrawn: Vec::new(),
        }
    }

    #[test]
    fn last_modified_moves_with_the_content_and_only_with_it() {
        const T: i64 = 1_795_417_200_000;
        let now = UnixMillis(T + 50_000);
        let of = |updated: &[i64], last| represent(&doc(updated), Format::Rss, last, now);
        let first = of(&[T, T - 1000], None);
        assert_eq!(first.last_modified(), Some(UnixMillis(T)));
        let same = of(&[T, T - 1000], Some(first.clone()));
        assert!(Arc::ptr_eq(&first, &same));
        let newer = of(&[T + 9000, T], Some(same));
        assert_eq!(newer.last_modified(), Some(UnixMillis(T + 9000)));
        let withdrawn = of(&[T], Some(newer));
        assert_eq!(withdrawn.last_modified(), Some(now));
        assert_eq!(of(&[], None).last_modified(), None);
    }

    #[test]
    fn only_channel_and_ending_make_a_feeds_name() {
        assert_eq!(split("feed.rss"), Some(("feed", Format::Rss)));
        assert_eq!(split("feed.v2.atom"), Some(("feed.v2", Format::Atom)));
        for other in ["feed", "feed.xml", "feed.RSS", "feed.rss/", ""] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
