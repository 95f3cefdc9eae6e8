//! Out of the hold and into the ledgers.

use tracing::{info, warn};

use crate::domain::{Article, ArticleState, UnixMillis};
use crate::store::StoreError;

use super::App;
use super::decide::embargo_reason;

/// Articles taken in one go.
const BATCH: usize = 500;

/// Releases every article whose hold has ended; answers how many entered a ledger.
///
/// An article that some channel's `where` fails on is held for an operator, with the error as
/// the reason: dropping it would be silent, and mailing it might be wrong.
///
/// # Errors
/// The store's.
pub async fn release_due(app: &App, now: UnixMillis) -> Result<usize, StoreError> {
    let mut entered = 0;
    loop {
        let due = app.db.due_articles(now, BATCH).await?;
        if due.is_empty() {
            return Ok(entered);
        }
        for article in due {
            entered += usize::from(release(app, &article, now).await?);
        }
    }
}

/// Releases one article into the ledgers of the channels that take it; whether any did.
///
/// # Errors
/// The store's.
pub async fn release(app: &App, article: &Article, now: UnixMillis) -> Result<bool, StoreError> {
    let mut channels = Vec::new();
    for (id, channel) in app.channels.iter() {
        match channel.select.takes(article) {
            Ok(true) => channels.push(id.clone()),
            Ok(false) => {}
            Err(error) => {
                let reason = format!("the `where` of channel `{id}` failed on it: {error}");
                warn!(article.id = article.id.0, channel.name = id, error = %error, "held");
                let from = [ArticleState::Waiting, ArticleState::Held];
                app.db
                    .set_article_state(article.id, &from, ArticleState::Held, &reason, None)
                    .await?;
                return Ok(false);
            }
        }
    }
    let rows = app.db.release_article(article.id, &channels, now).await?;
    info!(
        article.id = article.id.0,
        article.title = article.revision.title,
        channels = ?rows,
        "released"
    );
    Ok(!rows.is_empty())
}

/// Lets a held article that is dated ahead wait for its date: whoever lets a whole flood go has
/// not looked at each. `false` when it was not held.
///
/// # Errors
/// The store's.
pub async fn keep_embargo(app: &App, article: &Article) -> Result<bool, StoreError> {
    let published = article.revision.published;
    let reason = embargo_reason(published, article.first_seen);
    let (from, to) = ([ArticleState::Held], ArticleState::Waiting);
    app.db
        .set_article_state(article.id, &from, to, &reason, Some(published))
        .await
}
