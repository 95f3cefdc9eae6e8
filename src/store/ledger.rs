//! The ledgers: per channel the numbered list of articles, in the order they became eligible.
//!
//! Whoever numbers something in a channel holds that channel's row until the commit, so
//! numbers are dense and become visible in their order: a reader who has seen number 7 will
//! never find a new number 6. Channels are locked in the order of their names.

use super::articles::newest;
use super::rows::{ArticleRow, Two, all, article_columns, row};
use super::sql::{Tx, args, both, dialects, most, statements};
use super::{Db, StoreError};
use crate::domain::{Article, ArticleId, UnixMillis};

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// Its number, 1 for the first.
    pub number: i64,
    /// The article with its newest revision.
    pub article: Article,
}

row! {
    struct Numbered { number: i64, }
}

row! {
    struct Retracted { retracted_at: i64, }
}

statements! {
    RELEASE = both(
        "UPDATE article SET state = 'released', reason = '', held_until = NULL, released_at = $2
         WHERE id = $1 AND state IN ('waiting', 'held')"
    );
    MAKE_CHANNEL = both("INSERT INTO channel (name) VALUES ($1) ON CONFLICT (name) DO NOTHING");
    LOCK_CHANNEL = dialects(
        "SELECT ledger_newest, cursor FROM channel WHERE name = $1",
        "SELECT ledger_newest, cursor FROM channel WHERE name = $1 FOR UPDATE",
    );
    ENTER = both(
        "INSERT INTO ledger (channel, number, article_id, entered_at)
         SELECT $1, c.ledger_newest + 1, $2, $3 FROM channel c WHERE c.name = $1
         ON CONFLICT (channel, article_id) DO NOTHING RETURNING number"
    );
    NUMBERED = both("UPDATE channel SET ledger_newest = $2 WHERE name = $1");
    NEWEST = both("SELECT ledger_newest FROM channel WHERE name = $1");
    LEDGER_OF = both(
        "SELECT channel, number, entered_at FROM ledger WHERE article_id = $1 ORDER BY channel"
    );
    LEDGER_ROWS = both(newest!(
        "l.number, ",
        "JOIN ledger l ON l.article_id = a.id
         WHERE l.channel = $1 AND l.number > $2 AND l.number <= $3
           AND a.state NOT IN ('retracted', 'ignored')
         ORDER BY l.number LIMIT $4"
    ));
    /// Those that a channel has published and that were retracted since, the last first.
    FEED_WITHDRAWN = both(newest!(
        "a.retracted_at, ",
        "JOIN ledger l ON l.article_id = a.id
         WHERE l.channel = $1 AND a.state = 'retracted' AND a.retracted_at IS NOT NULL
           AND EXISTS (SELECT 1 FROM issue_article s JOIN issue i ON i.id = s.issue_id
                WHERE s.article_id = a.id AND i.channel = $1
                  AND i.state IN ('sending', 'paused', 'done'))
         ORDER BY a.retracted_at DESC, a.id DESC LIMIT $2"
    ));
    FEED_ARTICLES = both(newest!(
        "JOIN ledger l ON l.article_id = a.id
         WHERE l.channel = $1 AND a.state NOT IN ('retracted', 'ignored')
           AND EXISTS (SELECT 1 FROM issue_article s JOIN issue i ON i.id = s.issue_id
                WHERE s.article_id = a.id AND i.channel = $1
                  AND i.state IN ('sending', 'paused', 'done'))
         ORDER BY l.number DESC LIMIT $2"
    ));
}

/// Locks a channel until the end of the transaction, making its row at first sight. Returns
/// its newest ledger number and its cursor.
pub(super) async fn lock_channel(tx: &mut Tx, channel: &str) -> Result<(i64, i64), StoreError> {
    tx.run(&MAKE_CHANNEL, args![channel]).await?;
    Ok(tx
        .one(&LOCK_CHANNEL, args![channel])
        .await?
        .unwrap_or_default())
}

impl Db {
    /// Ends an article's hold: every channel of `channels` gets it in its ledger, under the
    /// next number. Returns the new lines; none when the article is not (or no longer) waiting
    /// or held, or when all the channels had it.
    pub async fn release_article(
        &self,
        id: ArticleId,
        channels: &[String],
        now: UnixMillis,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let mut channels = channels.to_vec();
        channels.sort();
        channels.dedup();
        let mut tx = self.begin().await?;
        let mut lines = Vec::new();
        if tx.run(&RELEASE, args![id, now]).await? == 0 {
            return Ok(lines);
        }
        for channel in channels {
            lock_channel(&mut tx, &channel).await?;
            let number: Option<(i64,)> = tx.one(&ENTER, args![&channel, id, now]).await?;
            if let Some((number,)) = number {
                tx.run(&NUMBERED, args![&channel, number]).await?;
                lines.push((channel, number));
            }
        }
        tx.commit().await?;
        Ok(lines)
    }

    /// The channels that have an article, with its number there and since when.
    pub async fn ledger_of(
        &self,
        id: ArticleId,
    ) -> Result<Vec<(String, i64, UnixMillis)>, StoreError> {
        let rows: Vec<(String, i64, i64)> = self.all(&LEDGER_OF, args![id]).await?;
        Ok(rows
            .into_iter()
            .map(|(channel, n, at)| (channel, n, UnixMillis(at)))
            .collect())
    }

    /// The newest number in a channel's ledger, 0 when it is empty.
    pub async fn ledger_newest(&self, channel: &str) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&NEWEST, args![channel]).await?;
        Ok(row.map_or(0, |(number,)| number))
    }

    /// The lines above `after` up to `upto`, with newest revisions, without articles that were
    /// retracted or ignored since.
    pub async fn ledger_rows(
        &self,
        channel: &str,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let values = args![channel, after, upto, most(limit)];
        let rows: Vec<Two<Numbered, ArticleRow>> = self.all(&LEDGER_ROWS, values).await?;
        let line = |Two(place, article): Two<Numbered, ArticleRow>| {
            let article = article.try_into()?;
            Ok(LedgerRow {
                number: place.number,
                article,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// The articles that a channel has published and that were retracted since, with when, the
    /// last first.
    pub async fn feed_withdrawn(
        &self,
        channel: &str,
        limit: usize,
    ) -> Result<Vec<(Article, UnixMillis)>, StoreError> {
        let rows: Vec<Two<Retracted, ArticleRow>> = self
            .all(&FEED_WITHDRAWN, args![channel, most(limit)])
            .await?;
        let line = |Two(at, article): Two<Retracted, ArticleRow>| {
            Ok((article.try_into()?, UnixMillis(at.retracted_at)))
        };
        rows.into_iter().map(line).collect()
    }

    /// The articles a channel has published, newest in its ledger first, with newest revisions
    /// and without those that were retracted or ignored since.
    pub async fn feed_articles(
        &self,
        channel: &str,
        limit: usize,
    ) -> Result<Vec<Article>, StoreError> {
        all(self
            .all::<ArticleRow>(&FEED_ARTICLES, args![channel, most(limit)])
            .await?)
    }
}
