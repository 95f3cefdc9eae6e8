//! Payloads: what a social channel would send, exactly.

use super::rows::{parsed, row};
use super::sql::{args, both, json, most, statements};
use super::{Db, StoreError};
use crate::domain::{DeliveryId, Payload, UnixMillis};

/// A payload with its place in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPayload {
    /// Its key; newer ones are higher.
    pub id: i64,
    /// The outbox row it was made for.
    pub delivery: DeliveryId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// What would be sent.
    pub payload: Payload,
}

row! {
    struct PayloadRow { id: i64, delivery_id: i64, created_at: i64, document: String, }
}

impl TryFrom<PayloadRow> for StoredPayload {
    type Error = StoreError;
    fn try_from(row: PayloadRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            delivery: DeliveryId(row.delivery_id),
            created_at: UnixMillis(row.created_at),
            payload: parsed("a payload", &row.document)?,
        })
    }
}

statements! {
    SAVE = both(
        "INSERT INTO payload
            (channel, kind, issue_id, article_id, delivery_id, text, document, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (delivery_id) DO UPDATE SET text = excluded.text, document = excluded.document"
    );
    PAYLOADS = both(
        "SELECT id, delivery_id, created_at, document FROM payload
         WHERE id < $1 AND (channel = $2 OR $2 IS NULL) ORDER BY id DESC LIMIT $3"
    );
}

impl Db {
    /// Keeps the payload of a delivery; a later try replaces it.
    pub async fn save_payload(
        &self,
        delivery: DeliveryId,
        payload: &Payload,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let document = json(payload);
        let values = args![
            &payload.channel,
            &payload.kind,
            payload.issue,
            payload.article.map(|id| id.0),
            delivery,
            &payload.text,
            &document,
            now,
        ];
        self.run(&SAVE, values).await.map(drop)
    }

    /// Payloads, newest first: of one channel or of all, older than `before` for the next page.
    pub async fn payloads(
        &self,
        channel: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredPayload>, StoreError> {
        let values = args![before.unwrap_or(i64::MAX), channel, most(limit)];
        super::rows::all(self.all::<PayloadRow>(&PAYLOADS, values).await?)
    }
}
