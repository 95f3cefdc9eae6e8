//! All that is known of one article, for those who ask why it went or did not go.

use super::rows::{ArticleRow, all, article_columns, row, word};
use super::sql::{args, both, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{
    Article, ArticleId, IdentityKey, IssueId, IssueState, RevisionClass, UnixMillis,
};

row! {
    struct StandingRow {
        reason: String, held_until: Option<i64>, released_at: Option<i64>,
        retracted_at: Option<i64>, doubted_at: Option<i64>, doubt: Option<String>,
        confirmed_at: Option<i64>,
    }
}

/// What an article's row says beside its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Why it is held, ignored or retracted, for people; empty when there is nothing to say.
    pub reason: String,
    /// When it leaves its hold by itself, where it does.
    pub held_until: Option<UnixMillis>,
    /// When it was released; not known of articles released by older versions.
    pub released_at: Option<UnixMillis>,
    /// When it was retracted.
    pub retracted_at: Option<UnixMillis>,
    /// Since when its source says that it has taken the article back, and how we know; while it
    /// is not retracted for it yet.
    pub doubted: Option<(UnixMillis, String)>,
}

/// One revision without its text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RevisionLine {
    /// Its number.
    pub number: i64,
    /// When it was first seen.
    pub seen_at: UnixMillis,
    /// How far it is from the one before it; none for the first, and for those that older
    /// versions took in.
    pub class: Option<RevisionClass>,
    /// Its title.
    pub title: String,
    /// Words in the body.
    pub words: i64,
}

/// An issue that an article went out in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct IssueLine {
    /// The issue.
    pub issue: IssueId,
    /// Its channel.
    pub channel: String,
    /// The schedule it was made by.
    pub schedule: String,
    /// Where it stands.
    pub state: IssueState,
    /// When it was frozen.
    pub created_at: UnixMillis,
    /// The article's revision in it.
    pub revision: i64,
}

statements! {
    STANDING = both(
        "SELECT a.reason, a.held_until, a.released_at, a.retracted_at,
            w.first_at AS doubted_at, w.why AS doubt, w.confirmed_at
         FROM article a LEFT JOIN withdrawal w ON w.article_id = a.id WHERE a.id = $1"
    );
    KEYS_OF = both(
        "SELECT kind, value FROM article_key WHERE article_id = $1 ORDER BY kind, value LIMIT 100"
    );
    REVISIONS_OF = both(
        "SELECT revision, seen_at, class, title, words FROM article_revision
         WHERE article_id = $1 ORDER BY revision LIMIT 100"
    );
    ISSUES_OF = both(
        "SELECT i.id, i.channel, i.schedule, i.state, i.created_at, s.revision
         FROM issue_article s JOIN issue i ON i.id = s.issue_id
         WHERE s.article_id = $1 ORDER BY i.id LIMIT 500"
    );
    ARRIVALS = both(
        "SELECT q.at, COUNT(*) FROM (SELECT first_seen_at AS at FROM article
            WHERE source = $1 AND state IN ('waiting', 'released', 'retracted')
            ORDER BY id DESC LIMIT $2) q
         GROUP BY q.at ORDER BY q.at"
    );
    NEWEST_OF = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        concat!(
            ") SELECT ", article_columns!(), " FROM asked q
             CROSS JOIN article a JOIN article_revision v
                ON v.article_id = a.id AND v.revision = a.revision
             WHERE a.id = q.asked_id ORDER BY a.id"
        )
    );
}

impl Db {
    /// What an article's row says beside its state.
    pub async fn standing(&self, id: ArticleId) -> Result<Option<Standing>, StoreError> {
        let row: Option<StandingRow> = self.one(&STANDING, args![id]).await?;
        Ok(row.map(|row| {
            let open = row.confirmed_at.is_none();
            let doubted = row.doubted_at.filter(|_| open).map(UnixMillis);
            Standing {
                reason: row.reason,
                held_until: row.held_until.map(UnixMillis),
                released_at: row.released_at.map(UnixMillis),
                retracted_at: row.retracted_at.map(UnixMillis),
                doubted: doubted.map(|at| (at, row.doubt.unwrap_or_default())),
            }
        }))
    }

    /// The names an article is known by.
    pub async fn keys_of(&self, id: ArticleId) -> Result<Vec<IdentityKey>, StoreError> {
        let rows: Vec<(String, String)> = self.all(&KEYS_OF, args![id]).await?;
        let key = |(kind, value): (String, String)| {
            let kind = word("a key's kind", &kind)?;
            Ok(IdentityKey { kind, value })
        };
        rows.into_iter().map(key).collect()
    }

    /// The revisions of an article that are kept, oldest first.
    pub async fn revisions_of(&self, id: ArticleId) -> Result<Vec<RevisionLine>, StoreError> {
        let rows: Vec<(i64, i64, String, String, i64)> = self.all(&REVISIONS_OF, args![id]).await?;
        let line = |(number, seen_at, class, title, words): (i64, i64, String, String, i64)| {
            let class = Some(class).filter(|class| !class.is_empty());
            let class = class.map(|class| word("a revision's class", &class));
            Ok(RevisionLine {
                number,
                seen_at: UnixMillis(seen_at),
                class: class.transpose()?,
                title,
                words,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// The issues that hold an article, oldest first.
    pub async fn issues_of(&self, id: ArticleId) -> Result<Vec<IssueLine>, StoreError> {
        let rows: Vec<(i64, String, String, String, i64, i64)> =
            self.all(&ISSUES_OF, args![id]).await?;
        let line = |(issue, channel, schedule, state, at, revision): (
            i64,
            String,
            String,
            String,
            i64,
            i64,
        )| {
            Ok(IssueLine {
                issue: IssueId(issue),
                channel,
                schedule,
                state: word("an issue's state", &state)?,
                created_at: UnixMillis(at),
                revision,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// How many of a source's last `most_articles` articles came in at which polls, oldest
    /// first: those that were there at the first poll and those that are held count for nothing.
    pub async fn arrivals(
        &self,
        source: &str,
        most_articles: usize,
    ) -> Result<Vec<(UnixMillis, i64)>, StoreError> {
        let rows: Vec<(i64, i64)> = self
            .all(&ARRIVALS, args![source, most(most_articles)])
            .await?;
        Ok(rows
            .into_iter()
            .map(|(at, n)| (UnixMillis(at), n))
            .collect())
    }

    /// These articles with their newest revisions, those that there are.
    pub async fn newest_of(&self, ids: &[ArticleId]) -> Result<Vec<Article>, StoreError> {
        let ids: Vec<[i64; 1]> = ids.iter().map(|id| [id.0]).collect();
        all(self
            .all::<ArticleRow>(&NEWEST_OF, args![&json(&ids)])
            .await?)
    }
}
