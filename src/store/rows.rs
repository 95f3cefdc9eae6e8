//! Rows as the drivers read them, and how they become the domain's types.

use super::StoreError;
use crate::domain::{
    Article, ArticleId, Delivery, DeliveryId, Image, Issue, IssueId, Revision, Subscriber,
    SubscriberId, Subscription, UnixMillis,
};

/// Declares a struct that can be read, by column name, from a row of either driver.
macro_rules! row {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($(#[$fdoc:meta])* $fvis:vis $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        $vis struct $name { $($(#[$fdoc])* $fvis $field: $type,)* }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}
pub(super) use row;

/// Two groups of columns of one row.
#[derive(Debug, Clone)]
pub(super) struct Two<A, B>(pub A, pub B);

impl<'r, R: sqlx::Row, A, B> sqlx::FromRow<'r, R> for Two<A, B>
where
    A: sqlx::FromRow<'r, R>,
    B: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self(A::from_row(row)?, B::from_row(row)?))
    }
}

/// The columns of [`ArticleRow`], from `article a` and `article_revision v`.
macro_rules! article_columns {
    () => {
        "a.id AS article_id, a.source, a.state, a.first_seen_at, a.eligible_at, \
         v.revision, v.seen_at, v.hash, v.url, v.title, v.summary, v.content_html, v.authors, \
         v.topics, v.image_url, v.image_alt, v.language, v.published_at, v.updated_at, v.words"
    };
}

/// The columns of [`IssueRow`], from `issue i`.
macro_rules! issue_columns {
    () => {
        "i.id AS issue_id, i.channel, i.number, i.schedule, i.slot, i.state AS issue_state, \
         i.title, i.created_at, i.ledger_upto, i.why_paused"
    };
}

/// The columns of [`SubscriptionRow`], from `subscription p`.
macro_rules! subscription_columns {
    () => {
        "p.subscriber_id, p.channel, p.state, p.schedule, p.topics, p.cursor, p.requested_at"
    };
}
pub(super) use {article_columns, issue_columns, subscription_columns};

/// A stored word or number of a closed set.
pub(super) fn word<T>(what: &'static str, text: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr<Err = String>,
{
    text.parse()
        .map_err(|e| StoreError::corrupt(what, text, &e))
}

/// A stored JSON value.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::corrupt(what, text, &e))
}

row! {
    pub(super) struct ArticleRow {
        article_id: i64, source: String, state: String, first_seen_at: i64, eligible_at: i64,
        revision: i64, seen_at: i64, hash: String, url: String, title: String,
        summary: String, content_html: String, authors: String, topics: String,
        image_url: Option<String>, image_alt: Option<String>, language: String,
        published_at: i64, updated_at: i64, words: i64,
    }
}

impl TryFrom<ArticleRow> for Article {
    type Error = StoreError;
    fn try_from(row: ArticleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ArticleId(row.article_id),
            source: row.source,
            state: word("an article's state", &row.state)?,
            first_seen: UnixMillis(row.first_seen_at),
            eligible_at: UnixMillis(row.eligible_at),
            revision: Revision {
                number: row.revision,
                seen_at: UnixMillis(row.seen_at),
                url: row.url,
                title: row.title,
                summary: row.summary,
                content_html: row.content_html,
                authors: parsed("an article's authors", &row.authors)?,
                topics: parsed("an article's topics", &row.topics)?,
                image: row.image_url.map(|url| Image {
                    url,
                    alt: row.image_alt.unwrap_or_default(),
                }),
                language: row.language,
                published: UnixMillis(row.published_at),
                updated: UnixMillis(row.updated_at),
                words: row.words,
                hash: row.hash,
            },
        })
    }
}

row! {
    pub(super) struct IssueRow {
        issue_id: i64, channel: String, number: i64, schedule: String, slot: String,
        issue_state: String, title: String, created_at: i64, ledger_upto: i64,
        why_paused: String,
    }
}

impl TryFrom<IssueRow> for Issue {
    type Error = StoreError;
    fn try_from(row: IssueRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: IssueId(row.issue_id),
            channel: row.channel,
            number: row.number,
            schedule: row.schedule,
            slot: row.slot,
            state: word("an issue's state", &row.issue_state)?,
            title: row.title,
            created_at: UnixMillis(row.created_at),
            ledger_upto: row.ledger_upto,
            why_paused: row.why_paused,
        })
    }
}

row! {
    pub(super) struct DeliveryRow {
        id: i64, issue_id: i64, subscriber_id: Option<i64>, recipient: String, state: String,
        attempts: i64, due_at: i64, reason: String,
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;
    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: DeliveryId(row.id),
            issue: IssueId(row.issue_id),
            subscriber: row.subscriber_id.map(SubscriberId),
            recipient: row.recipient,
            state: word("a delivery's state", &row.state)?,
            attempts: row.attempts,
            due_at: UnixMillis(row.due_at),
            reason: row.reason,
        })
    }
}

row! {
    pub(super) struct SubscriberRow {
        id: i64, address: String, name: String, language: Option<String>,
        timezone: Option<String>, created_at: i64,
    }
}

impl From<SubscriberRow> for Subscriber {
    fn from(row: SubscriberRow) -> Self {
        Self {
            id: SubscriberId(row.id),
            address: row.address,
            name: row.name,
            language: row.language,
            timezone: row.timezone,
            created_at: UnixMillis(row.created_at),
        }
    }
}

row! {
    pub(super) struct SubscriptionRow {
        subscriber_id: i64, channel: String, state: String, schedule: Option<String>,
        topics: String, cursor: i64, requested_at: i64,
    }
}

impl TryFrom<SubscriptionRow> for Subscription {
    type Error = StoreError;
    fn try_from(row: SubscriptionRow) -> Result<Self, StoreError> {
        Ok(Self {
            subscriber: SubscriberId(row.subscriber_id),
            channel: row.channel,
            state: word("a subscription's state", &row.state)?,
            schedule: row.schedule,
            topics: parsed("a subscription's topics", &row.topics)?,
            cursor: row.cursor,
            requested_at: UnixMillis(row.requested_at),
        })
    }
}

/// Turns rows into the domain's type, failing at the first that cannot be one.
pub(super) fn all<R, T>(rows: Vec<R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

/// Turns a row, if there is one, into the domain's type.
pub(super) fn maybe<R, T>(row: Option<R>) -> Result<Option<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    row.map(T::try_from).transpose()
}
