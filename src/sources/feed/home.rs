//! A feed source whose address is a web page: the page's feed is looked for once, and
//! remembered.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::net::{Client, Fetched};
use crate::sources::discover;
use crate::sources::{Memory, PollError};

/// What is kept in `Polled::state`.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// The page's address as it was configured then.
    home: Url,
    /// Its feed.
    feed: Url,
}

/// The feed that was found behind the page at `home`.
pub(super) fn remembered(memory: &Memory, home: &Url) -> Option<Url> {
    let remembered: Remembered = serde_json::from_str(memory.state.as_deref()?).ok()?;
    let is_web = matches!(remembered.feed.scheme(), "http" | "https");
    (remembered.home == *home && is_web).then_some(remembered.feed)
}

/// That the feed of the page at `home` is at `feed`, to be kept.
pub(super) fn to_remember(feed: &Url, home: &Url) -> Option<String> {
    let remembered = Remembered {
        home: home.clone(),
        feed: feed.clone(),
    };
    serde_json::to_string(&remembered).ok()
}

/// The document itself; or, when it is a web page, the page's feed and where that is.
pub(super) async fn feed_behind(
    fetched: Fetched,
    client: &Client,
) -> Result<(Fetched, Option<Url>), PollError> {
    if fetched.not_modified || !discover::is_page(&fetched.body) {
        return Ok((fetched, None));
    }
    match discover::feed_of_page(client, &fetched).await {
        Ok(feed) => {
            let url = feed.final_url.clone();
            Ok((feed, Some(url)))
        }
        Err(why) => {
            let at = &fetched.final_url;
            let message = format!("{at}: this is a web page, not a feed; {why}");
            Err(PollError::new(message))
        }
    }
}
