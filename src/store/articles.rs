//! Articles and their states on the way into the ledgers.

use super::rows::{ArticleRow, all, article_columns, maybe};
use super::sql::{args, both, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{Article, ArticleId, ArticleState, UnixMillis};

/// Which articles to list.
#[derive(Debug, Clone, Default)]
pub struct ArticleFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only in this state.
    pub state: Option<ArticleState>,
    /// Only older ones than this, for the next page.
    pub before: Option<ArticleId>,
}

/// A statement over articles with their newest revisions; `$more` are further columns.
macro_rules! newest {
    ($rest:expr) => {
        newest!("", $rest)
    };
    ($more:expr, $rest:expr) => {
        concat!(
            "SELECT ",
            $more,
            article_columns!(),
            " FROM article a
             JOIN article_revision v ON v.article_id = a.id AND v.revision = a.revision ",
            $rest
        )
    };
}
pub(super) use newest;

statements! {
    ARTICLE = both(newest!("WHERE a.id = $1"));
    ARTICLES = both(newest!(
        "WHERE a.id < $1 AND (a.source = $2 OR $2 IS NULL) AND (a.state = $3 OR $3 IS NULL)
         ORDER BY a.id DESC LIMIT $4"
    ));
    REVISION = both(concat!(
        "SELECT ", article_columns!(), " FROM article a
         JOIN article_revision v ON v.article_id = a.id WHERE a.id = $1 AND v.revision = $2"
    ));
    DUE_ARTICLES = both(newest!(
        "WHERE a.id IN (
            SELECT w.id FROM article w WHERE w.state = 'waiting' AND w.eligible_at <= $1
            UNION ALL SELECT h.id FROM article h WHERE h.held_until <= $1)
         ORDER BY a.eligible_at, a.id LIMIT $2"
    ));
    NEXT_ELIGIBLE = both(
        "SELECT MIN(q.at) FROM (
            SELECT MIN(eligible_at) AS at FROM article WHERE state = 'waiting'
            UNION ALL SELECT MIN(held_until) FROM article WHERE held_until IS NOT NULL) q"
    );
    SINCE = both("SELECT COUNT(*) FROM article WHERE source = $1 AND first_seen_at > $2");
    HELD = both(
        "SELECT COUNT(*) FROM
            (SELECT a.state, a.held_until FROM article a ORDER BY a.id DESC LIMIT $1) n
         WHERE n.state = 'held' AND n.held_until IS NULL"
    );
    REASON = both("SELECT reason FROM article WHERE id = $1");
    SET_STATE = list!(
        "WITH allowed AS (SELECT r.value ->> 0 AS word FROM",
        ") UPDATE article SET state = $3, reason = $4, held_until = NULL,
            eligible_at = COALESCE($5, eligible_at)
         WHERE id = $2 AND state IN (SELECT word FROM allowed)"
    );
}

impl Db {
    /// An article with its newest revision.
    pub async fn article(&self, id: ArticleId) -> Result<Option<Article>, StoreError> {
        maybe(self.one::<ArticleRow>(&ARTICLE, args![id]).await?)
    }

    /// Articles with their newest revisions, newest first.
    pub async fn articles(
        &self,
        filter: &ArticleFilter,
        limit: usize,
    ) -> Result<Vec<Article>, StoreError> {
        let values = args![
            filter.before.map_or(i64::MAX, |id| id.0),
            &filter.source,
            filter.state.map(ArticleState::as_str),
            most(limit),
        ];
        all(self.all::<ArticleRow>(&ARTICLES, values).await?)
    }

    /// An article with one of its revisions.
    pub async fn revision(
        &self,
        id: ArticleId,
        number: i64,
    ) -> Result<Option<Article>, StoreError> {
        maybe(self.one::<ArticleRow>(&REVISION, args![id, number]).await?)
    }

    /// Articles whose hold is over, the longest over first; held ones that leave it by
    /// themselves among them.
    pub async fn due_articles(
        &self,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Article>, StoreError> {
        all(self
            .all::<ArticleRow>(&DUE_ARTICLES, args![now, most(limit)])
            .await?)
    }

    /// When the next hold ends.
    pub async fn next_eligible(&self) -> Result<Option<UnixMillis>, StoreError> {
        let row: Option<(Option<i64>,)> = self.one(&NEXT_ELIGIBLE, args![]).await?;
        Ok(row.and_then(|(at,)| at).map(UnixMillis))
    }

    /// How many articles of a source were first seen after `since`.
    pub async fn articles_since(&self, source: &str, since: UnixMillis) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&SINCE, args![source, since]).await?;
        Ok(row.map_or(0, |(n,)| n))
    }

    /// How many of the newest articles wait until a person decides about them. Older ones have
    /// been decided about by having been left.
    pub async fn held_articles(&self) -> Result<i64, StoreError> {
        const NEWEST: usize = 10_000;
        let row: Option<(i64,)> = self.one(&HELD, args![most(NEWEST)]).await?;
        Ok(row.map_or(0, |(n,)| n))
    }

    /// Why an article is held or ignored, for people; empty when there is nothing to say.
    pub async fn article_reason(&self, id: ArticleId) -> Result<String, StoreError> {
        let row: Option<(String,)> = self.one(&REASON, args![id]).await?;
        Ok(row.map_or_else(String::new, |(reason,)| reason))
    }

    /// Moves an article from one of the states `from` to another, with why; a new end of its
    /// hold where one is given. `false` when it was in none of them: nothing happened.
    pub async fn set_article_state(
        &self,
        id: ArticleId,
        from: &[ArticleState],
        to: ArticleState,
        reason: &str,
        eligible_at: Option<UnixMillis>,
    ) -> Result<bool, StoreError> {
        let from: Vec<[&str; 1]> = from.iter().map(|state| [state.as_str()]).collect();
        let from = json(&from);
        let values = args![&from, id, to.as_str(), reason, eligible_at];
        Ok(self.run(&SET_STATE, values).await? > 0)
    }
}
