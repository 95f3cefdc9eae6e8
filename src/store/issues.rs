//! Issues after their freeze: what they hold, and what operators do with them.

use super::rows::{
    ArticleRow, DeliveryRow, IssueRow, Two, all, article_columns, issue_columns, maybe, parsed, row,
};
use super::sql::{args, both, most, statements};
use super::{Db, StoreError};
use crate::domain::{Article, ArticleId, Delivery, DeliveryState, Issue, IssueArticle, IssueId};

row! {
    struct PlaceRow { position: i64, frozen: i64, ledger_number: i64, }
}

macro_rules! issues {
    ($rest:expr) => {
        concat!("SELECT ", issue_columns!(), " FROM issue i ", $rest)
    };
}

/// For people: the reader's address, where there still is one.
macro_rules! deliveries {
    ($which:expr, $order:expr) => {
        concat!(
            "SELECT d.id, d.issue_id, d.subscriber_id, d.state, d.attempts, d.due_at, d.reason,
                COALESCE(s.address, CASE WHEN d.subscriber_id IS NULL THEN d.recipient
                    ELSE 's' || CAST(d.subscriber_id AS TEXT) END) AS recipient
             FROM issue i CROSS JOIN delivery d LEFT JOIN subscriber s ON s.id = d.subscriber_id
             WHERE i.id = $1 AND d.issue_id = $1 AND ",
            $which,
            " ORDER BY ",
            $order,
            " LIMIT $4"
        )
    };
}

statements! {
    ISSUE = both(issues!("WHERE i.id = $1"));
    ISSUES = both(issues!(
        "WHERE i.id < $1 AND (i.channel = $2 OR $2 IS NULL) ORDER BY i.id DESC LIMIT $3"
    ));
    NEWEST = both(issues!(
        "WHERE i.channel = $1 AND i.number > 0 ORDER BY i.number DESC LIMIT 1"
    ));
    RESTING = both(issues!(
        "WHERE i.state = 'waiting' OR i.state = 'paused' ORDER BY i.id DESC LIMIT $1"
    ));
    BY_NUMBER = both(issues!("WHERE i.channel = $1 AND i.number = $2"));
    ARCHIVE = both(issues!(
        "WHERE i.channel = $1 AND i.number > 0 AND i.number < $2
           AND i.state IN ('sending', 'paused', 'done')
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
    /// The ids of the issue's deliveries lie together, so that a page of those of a frequent
    /// state is a short walk.
    DELIVERIES = both(deliveries!(
        "d.id > $3 AND d.id >= i.first_delivery AND d.id <= i.last_delivery
         AND (d.state = $2 OR $2 = '')",
        "d.id"
    ));
    /// Few at any time, whatever their ids: the sums keep SQLite from walking along these.
    LEASED_DELIVERIES = both(deliveries!(
        "d.lease_owner > '' AND d.id + 0 > $3 AND d.state = 'leased' AND d.state = $2",
        "d.id + 0"
    ));
    APART_DELIVERIES = both(deliveries!(
        "d.id > $3 AND d.state <> 'pending' AND d.state <> 'leased' AND d.state <> 'sent'
         AND d.state = $2",
        "d.id"
    ));
}

impl Db {
    /// An issue.
    pub async fn issue(&self, id: IssueId) -> Result<Option<Issue>, StoreError> {
        maybe(self.one::<IssueRow>(&ISSUE, args![id]).await?)
    }

    /// Issues, rounds of confirmation mail among them, newest first: of one channel or of all, older than `before` for the next page.
    pub async fn issues(
        &self,
        channel: Option<&str>,
        before: Option<IssueId>,
        limit: usize,
    ) -> Result<Vec<Issue>, StoreError> {
        let values = args![before.map_or(i64::MAX, |id| id.0), channel, most(limit)];
        all(self.all::<IssueRow>(&ISSUES, values).await?)
    }

    /// A channel's newest publication.
    pub async fn newest_issue(&self, channel: &str) -> Result<Option<Issue>, StoreError> {
        maybe(self.one::<IssueRow>(&NEWEST, args![channel]).await?)
    }

    /// The issues that wait for an operator, newest first.
    pub async fn resting_issues(&self, limit: usize) -> Result<Vec<Issue>, StoreError> {
        all(self.all::<IssueRow>(&RESTING, args![most(limit)]).await?)
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

    /// Deliveries of an issue, in one state or all, after `after` for the next page.
    pub async fn deliveries(
        &self,
        id: IssueId,
        state: Option<DeliveryState>,
        after: Option<crate::domain::DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        use DeliveryState::{Leased, Pending, Sent};
        let sql = match state {
            None | Some(Pending | Sent) => &DELIVERIES,
            Some(Leased) => &LEASED_DELIVERIES,
            Some(_) => &APART_DELIVERIES,
        };
        let state = state.map_or("", DeliveryState::as_str);
        let values = args![id, state, after.map_or(0, |id| id.0), most(limit)];
        all(self.all::<DeliveryRow>(sql, values).await?)
    }
}
