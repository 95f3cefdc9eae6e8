//! A feed that a hub sent us (W3C WebSub §7).

use url::Url;

use super::{hints, parse};
use crate::sources::{Document, PollError, Polled};

/// Reads a feed that came without being asked for.
pub(super) async fn read(document: Document, at: Url) -> Result<Polled, PollError> {
    let bytes = document.body.len();
    let told = at.clone();
    let work = move || parse::parse(&document.body, document.content_type.as_deref(), &at);
    // A parser of strangers' input may panic; the task is its guard beside catch_unwind.
    let parsed = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| PollError::new(format!("{told}: the feed's parser broke down on a push")))?
        .map_err(|why| PollError::new(format!("{told}: a push: {why}")))?;
    Ok(Polled {
        withdrawn: hints::withdrawn(&parsed.facts),
        shared_guids: parsed.shared_guids,
        entries: parsed.entries,
        feed_language: parsed.language,
        notes: parsed.notes,
        bytes,
        ..Polled::default()
    })
}
