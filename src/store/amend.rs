//! What a later look at a source does to an article that is known: another date, a withdrawal,
//! its taking back; and how many of its revisions are kept.

use super::sql::{Tx, args, both, statements};
use super::{Db, StoreError};
use crate::domain::{ArticleId, UnixMillis};

/// Revisions kept of an article: the first, the newest of these, and what issues were frozen
/// with. A text that is another one at every look must not fill the database.
const MOST_REVISIONS: i64 = 20;

statements! {
    REDATE = both(
        "UPDATE article SET eligible_at = $2,
            held_until = CASE WHEN held_until < $2 THEN $2 ELSE held_until END,
            reason = CASE WHEN state = 'waiting' THEN $3 ELSE reason END
         WHERE id = $1 AND state IN ('waiting', 'held')"
    );
    REDATE_TEXT = both(
        "UPDATE article_revision SET published_at = $2,
            updated_at = CASE WHEN updated_at <= published_at OR updated_at < $2
                THEN $2 ELSE updated_at END
         WHERE article_id = $1
           AND revision = (SELECT a.revision FROM article a WHERE a.id = $1)"
    );
    FORGET_REVISIONS = both(
        "DELETE FROM article_revision WHERE article_id = $1 AND revision > 1 AND revision <= $2
           AND NOT EXISTS (SELECT 1 FROM issue_article s
                WHERE s.article_id = $1 AND s.revision = article_revision.revision)"
    );
    SUSPECT_WITHDRAWN = both(
        "INSERT INTO withdrawal (article_id, source, first_at, last_at, why)
         VALUES ($1, $2, $3, $3, $4)
         ON CONFLICT (article_id) DO UPDATE SET last_at = excluded.last_at"
    );
    CONFIRM_WITHDRAWN = both(
        "UPDATE withdrawal SET confirmed_at = $2, why = $3,
            was = (SELECT a.state FROM article a WHERE a.id = $1)
         WHERE article_id = $1 AND confirmed_at IS NULL"
    );
    RETRACT = both(
        "UPDATE article SET state = 'retracted', reason = $3, held_until = NULL,
            retracted_at = $2
         WHERE id = $1 AND state <> 'retracted'"
    );
    TAKE_BACK = both(
        "UPDATE article SET retracted_at = NULL, reason = '', eligible_at = CASE
                WHEN eligible_at < $2 THEN $2 ELSE eligible_at END,
            state = (SELECT w.was FROM withdrawal w WHERE w.article_id = $1)
         WHERE id = $1 AND state = 'retracted' AND EXISTS (SELECT 1 FROM withdrawal w
            WHERE w.article_id = $1 AND w.confirmed_at IS NOT NULL AND w.was IS NOT NULL)"
    );
    FORGET_WITHDRAWAL = both("DELETE FROM withdrawal WHERE article_id = $1");
    OPEN_WITHDRAWALS = both(
        "SELECT article_id, first_at FROM withdrawal
         WHERE source = $1 AND confirmed_at IS NULL ORDER BY article_id"
    );
}

/// Gives an article that was not released yet another date, and its hold another end.
pub(super) async fn redate(
    tx: &mut Tx,
    article: ArticleId,
    published: UnixMillis,
    eligible_at: UnixMillis,
    reason: &str,
) -> Result<(), StoreError> {
    let values = args![article, eligible_at, reason];
    if tx.run(&REDATE, values).await? > 0 {
        tx.run(&REDATE_TEXT, args![article, published]).await?;
    }
    Ok(())
}

/// Forgets what lies between the first revision and the newest ones.
pub(super) async fn forget_revisions(
    tx: &mut Tx,
    article: ArticleId,
    newest: i64,
) -> Result<(), StoreError> {
    let upto = newest - (MOST_REVISIONS - 1);
    if upto > 1 {
        tx.run(&FORGET_REVISIONS, args![article, upto]).await?;
    }
    Ok(())
}

/// Notes that a source has taken an article back; `confirmed` when it is to be believed, and the
/// article is retracted.
pub(super) async fn withdraw(
    tx: &mut Tx,
    source: &str,
    article: ArticleId,
    why: &str,
    confirmed: bool,
    now: UnixMillis,
) -> Result<(), StoreError> {
    tx.run(&SUSPECT_WITHDRAWN, args![article, source, now, why])
        .await?;
    if confirmed && tx.run(&CONFIRM_WITHDRAWN, args![article, now, why]).await? > 0 {
        tx.run(&RETRACT, args![article, now, why]).await?;
    }
    Ok(())
}

/// The source has the article again: what it said is forgotten, and an article that was
/// retracted for it is what it was before, in its hold until `eligible_at` at least.
pub(super) async fn restore(
    tx: &mut Tx,
    article: ArticleId,
    eligible_at: UnixMillis,
) -> Result<(), StoreError> {
    tx.run(&TAKE_BACK, args![article, eligible_at]).await?;
    tx.run(&FORGET_WITHDRAWAL, args![article]).await.map(drop)
}

impl Db {
    /// The articles of a source that it has taken back and that are not retracted yet, with when
    /// it first said so.
    pub async fn open_withdrawals(
        &self,
        source: &str,
    ) -> Result<Vec<(ArticleId, UnixMillis)>, StoreError> {
        let rows: Vec<(i64, i64)> = self.all(&OPEN_WITHDRAWALS, args![source]).await?;
        Ok(rows
            .into_iter()
            .map(|(id, at)| (ArticleId(id), UnixMillis(at)))
            .collect())
    }

    /// Withdraws an article at an operator's word: it leaves feeds, archive pages and issues
    /// still to come.
    pub async fn retract_article(&self, id: ArticleId, reason: &str) -> Result<bool, StoreError> {
        let values = args![id, UnixMillis::now(), reason];
        Ok(self.run(&RETRACT, values).await? > 0)
    }
}
