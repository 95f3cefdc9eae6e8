//! Issues after their freeze: what they hold, and what operators do with them.

use std::collections::BTreeMap;

use super::freeze::patiently;
use super::rows::{
    ArticleRow, DeliveryRow, IssueRow, Two, all, article_columns, issue_columns, maybe, parsed,
    row, word,
};
use super::sql::{args, both, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{
    Article, ArticleId, Delivery, DeliveryState, Issue, IssueArticle, IssueId, IssueState,
    UnixMillis,
};

row! {
    struct PlaceRow { position: i64, frozen: i64, ledger_number: i64, }
}

macro_rules! issues {
    ($rest:expr) => {
        concat!("SELECT ", issue_columns!(), " FROM issue i ", $rest)
    };
}

statements! {
    ISSUE = both(issues!("WHERE i.id = $1"));
    ISSUES = both(issues!(
        "WHERE i.id < $1 AND (i.channel = $2 OR $2 IS NULL) ORDER BY i.id DESC LIMIT $3"
    ));
    BY_NUMBER = both(issues!("WHERE i.channel = $1 AND i.number = $2"));
    ARCHIVE = both(issues!(
        "WHERE i.channel = $1 AND i.number < $2 AND i.state IN ('sending', 'paused', 'done')
           AND NOT EXISTS (SELECT 1 FROM issue o WHERE o.channel = i.channel
                AND o.content_key = i.content_key AND o.id < i.id
                AND o.state IN ('sending', 'paused', 'done'))
         ORDER BY i.number DESC LIMIT $3"
    ));
    ISSUE_ARTICLES = both(concat!(
        "SELECT s.position, s.revision AS frozen, s.ledger_number, ", article_columns!(),
        " FROM issue_article s JOIN article a ON a.id = s.article_id
         JOIN article_revision v ON v.article_id = a.id AND v.revision = s.revision
         WHERE s.issue_id = $1 ORDER BY s.position"
    ));
    VARIANT = both("SELECT positions FROM variant WHERE issue_id = $1 AND variant = $2");
    COUNTS = both("SELECT state, COUNT(*) FROM delivery WHERE issue_id = $1 GROUP BY state");
    ALL_COUNTS = both("SELECT state, COUNT(*) FROM delivery GROUP BY state");
    // For people: the reader's address, where there still is one, and not the row's key.
    DELIVERIES = both(
        "SELECT d.id, d.issue_id, d.subscriber_id, COALESCE(s.address, d.recipient) AS recipient,
            d.state, d.attempts, d.due_at, d.reason
         FROM delivery d LEFT JOIN subscriber s ON s.id = d.subscriber_id
         WHERE d.issue_id = $1 AND (d.state = $2 OR $2 IS NULL) AND d.id > $3
         ORDER BY d.id LIMIT $4"
    );
    SET_STATE = list!(
        "WITH allowed AS (SELECT r.value ->> 0 AS word FROM",
        ") UPDATE issue SET state = $3 WHERE id = $2 AND state IN (SELECT word FROM allowed)"
    );
    RENEW_PATIENCE = both(
        "UPDATE delivery SET since = $2
         WHERE issue_id = $1 AND state IN ('pending', 'deferred') AND since < $2"
    );
    SET_TITLE = both("UPDATE issue SET title = $2 WHERE id = $1");
    CANCEL = both(
        "UPDATE issue SET state = 'cancelled', finished_at = $2
         WHERE id = $1 AND state IN ('waiting', 'sending', 'paused')"
    );
    /// What is with a relay already is left to its answer.
    CANCEL_OPEN = both(
        "UPDATE delivery SET state = 'cancelled', finished_at = $2, lease_owner = NULL,
            lease_until = NULL, reason = 'the issue was cancelled'
         WHERE issue_id = $1 AND (state IN ('pending', 'deferred')
            OR (state = 'leased' AND NOT handed_over))"
    );
    REOPEN = both(
        "UPDATE issue SET state = 'sending', finished_at = NULL
         WHERE id = $1 AND state = 'done'"
    );
    RETRY = both(
        "UPDATE delivery SET state = 'deferred', due_at = $3, since = $3, finished_at = NULL,
            handed_over = FALSE
         WHERE issue_id = $1 AND state = $2 AND EXISTS
            (SELECT 1 FROM issue i WHERE i.id = $1 AND i.state <> 'cancelled')"
    );
    CANCELLED_WITH_OPEN = both(
        "SELECT i.id FROM issue i WHERE i.state = 'cancelled' AND EXISTS
            (SELECT 1 FROM delivery d WHERE d.issue_id = i.id AND d.state IN ('pending', 'deferred'))"
    );
    FINISH = both(
        "UPDATE issue SET state = 'done', finished_at = $1
         WHERE state = 'sending'
           AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = issue.id
                AND d.state IN ('pending', 'deferred'))
           AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = issue.id
                AND d.state = 'leased')
         RETURNING id"
    );
}

impl Db {
    /// An issue.
    pub async fn issue(&self, id: IssueId) -> Result<Option<Issue>, StoreError> {
        maybe(self.one::<IssueRow>(&ISSUE, args![id]).await?)
    }

    /// Issues, newest first: of one channel or of all, older than `before` for the next page.
    pub async fn issues(
        &self,
        channel: Option<&str>,
        before: Option<IssueId>,
        limit: usize,
    ) -> Result<Vec<Issue>, StoreError> {
        let values = args![before.map_or(i64::MAX, |id| id.0), channel, most(limit)];
        all(self.all::<IssueRow>(&ISSUES, values).await?)
    }

    /// An issue by its number in its channel.
    pub async fn issue_by_number(
        &self,
        channel: &str,
        number: i64,
    ) -> Result<Option<Issue>, StoreError> {
        maybe(
            self.one::<IssueRow>(&BY_NUMBER, args![channel, number])
                .await?,
        )
    }

    /// A channel's published issues, newest first, one per content key (its first); with
    /// numbers below `before` for the next page.
    pub async fn archive(
        &self,
        channel: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Issue>, StoreError> {
        let values = args![channel, before.unwrap_or(i64::MAX), most(limit)];
        all(self.all::<IssueRow>(&ARCHIVE, values).await?)
    }

    /// The articles of an issue, in order, at the revisions that were frozen. Their `state`
    /// says whether one was retracted since.
    pub async fn issue_articles(
        &self,
        id: IssueId,
    ) -> Result<Vec<(IssueArticle, Article)>, StoreError> {
        let rows: Vec<Two<PlaceRow, ArticleRow>> = self.all(&ISSUE_ARTICLES, args![id]).await?;
        let line = |Two(place, article): Two<PlaceRow, ArticleRow>| {
            let article: Article = article.try_into()?;
            let place = IssueArticle {
                position: place.position,
                article: ArticleId(article.id.0),
                revision: place.frozen,
                ledger_number: place.ledger_number,
            };
            Ok((place, article))
        };
        rows.into_iter().map(line).collect()
    }

    /// The positions of an issue's articles that one of its variants has.
    pub async fn variant_positions(
        &self,
        id: IssueId,
        variant: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let row: Option<(String,)> = self.one(&VARIANT, args![id, variant]).await?;
        row.map_or_else(
            || Ok(Vec::new()),
            |(text,)| parsed("a variant's positions", &text),
        )
    }

    /// How many deliveries of an issue are in each state; states without any are left out.
    pub async fn issue_counts(
        &self,
        id: IssueId,
    ) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
        counted(self.all(&COUNTS, args![id]).await?)
    }

    /// How many deliveries of all issues are in each state; all states are there.
    pub async fn queue_counts(&self) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
        let mut counts = counted(self.all(&ALL_COUNTS, args![]).await?)?;
        for state in DeliveryState::ALL {
            counts.entry(*state).or_default();
        }
        Ok(counts)
    }

    /// Deliveries of an issue, in one state or all, after `after` for the next page.
    pub async fn deliveries(
        &self,
        id: IssueId,
        state: Option<DeliveryState>,
        after: Option<crate::domain::DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let state = state.map(DeliveryState::as_str);
        let values = args![id, state, after.map_or(0, |id| id.0), most(limit)];
        all(self.all::<DeliveryRow>(&DELIVERIES, values).await?)
    }

    /// Lets an issue that waits or rests go out: approve, resume. Its deliveries' patience
    /// starts now; the time spent waiting for an operator is none of the relay's. `false` when
    /// it was not in the state `from`.
    pub async fn send_issue(
        &self,
        id: IssueId,
        from: IssueState,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let from = json(&[[from.as_str()]]);
        let to = IssueState::Sending.as_str();
        let mut tx = self.begin().await?;
        let changed = tx.run(&SET_STATE, args![&from, id, to]).await? > 0;
        if changed {
            patiently(&mut tx).await?;
            tx.run(&RENEW_PATIENCE, args![id, now]).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Moves an issue from one of the states `from` to another. `false` when it was in none of
    /// them.
    pub async fn set_issue_state(
        &self,
        id: IssueId,
        from: &[IssueState],
        to: IssueState,
    ) -> Result<bool, StoreError> {
        let from: Vec<[&str; 1]> = from.iter().map(|state| [state.as_str()]).collect();
        Ok(self
            .run(&SET_STATE, args![&json(&from), id, to.as_str()])
            .await?
            > 0)
    }

    /// Sets the subject or title an issue was composed under.
    pub async fn set_issue_title(&self, id: IssueId, title: &str) -> Result<(), StoreError> {
        self.run(&SET_TITLE, args![id, title]).await.map(drop)
    }

    /// Ends an issue: what has not been handed over never will be. Returns how many deliveries
    /// were cancelled; `None` when it was done or cancelled already.
    pub async fn cancel_issue(
        &self,
        id: IssueId,
        now: UnixMillis,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        if tx.run(&CANCEL, args![id, now]).await? == 0 {
            return Ok(None);
        }
        let cancelled = tx.run(&CANCEL_OPEN, args![id, now]).await?;
        tx.commit().await?;
        Ok(Some(cancelled))
    }

    /// Makes an issue's deliveries in `from` (failed or uncertain) due again, their patience
    /// starting anew, and reopens the issue if it was done. Returns how many. Deliveries of a
    /// cancelled issue stay.
    pub async fn retry_issue(
        &self,
        id: IssueId,
        from: DeliveryState,
        now: UnixMillis,
    ) -> Result<i64, StoreError> {
        if !matches!(from, DeliveryState::Failed | DeliveryState::Uncertain) {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let retried = tx.run(&RETRY, args![id, from.as_str(), now]).await?;
        if retried > 0 {
            tx.run(&REOPEN, args![id]).await?;
        }
        tx.commit().await?;
        Ok(retried)
    }

    /// Ends the issues being sent of which every delivery is in a final state, and cancels what
    /// came back to a cancelled issue. Returns the issues that are done now.
    pub async fn finish_issues(&self, now: UnixMillis) -> Result<Vec<IssueId>, StoreError> {
        let mut tx = self.begin().await?;
        let stragglers: Vec<(i64,)> = tx.all(&CANCELLED_WITH_OPEN, args![]).await?;
        for (id,) in stragglers {
            tx.run(&CANCEL_OPEN, args![id, now]).await?;
        }
        let done: Vec<(i64,)> = tx.all(&FINISH, args![now]).await?;
        tx.commit().await?;
        Ok(done.into_iter().map(|(id,)| IssueId(id)).collect())
    }
}

fn counted(rows: Vec<(String, i64)>) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
    rows.into_iter()
        .map(|(state, n)| Ok((word("a delivery's state", &state)?, n)))
        .collect()
}
