//! Which articles the entries of a document are, by their keys.

use super::rows::{row, word};
use super::sql::{args, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{ArticleId, ArticleState, IdentityKey, KeyKind, UnixMillis};

/// An article that an entry's keys lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownArticle {
    /// Its key.
    pub id: ArticleId,
    /// Where it stands.
    pub state: ArticleState,
    /// The number of its newest revision.
    pub revision: i64,
    /// The hash of its newest revision.
    pub hash: String,
    /// When it was first seen.
    pub first_seen_at: UnixMillis,
    /// When its hold ends or ended.
    pub eligible_at: UnixMillis,
    /// When it was published, by the source's word.
    pub published: UnixMillis,
    /// How many of the asked keys lead to it; fewer than asked means that some are new.
    pub keys_known: usize,
    /// Whether one of the asked keys that are no address leads to it.
    pub by_id: bool,
    /// The article that the entry's address leads to; it may be another one.
    pub at_address: Option<ArticleId>,
}

row! {
    struct KnownRow {
        entry: i64, article_id: i64, state: String, revision: i64, hash: String,
        first_seen_at: i64, eligible_at: i64, published_at: i64, kind: String,
    }
}

impl TryFrom<KnownRow> for KnownArticle {
    type Error = StoreError;
    fn try_from(row: KnownRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ArticleId(row.article_id),
            state: word("an article's state", &row.state)?,
            revision: row.revision,
            hash: row.hash,
            first_seen_at: UnixMillis(row.first_seen_at),
            eligible_at: UnixMillis(row.eligible_at),
            published: UnixMillis(row.published_at),
            keys_known: 1,
            by_id: false,
            at_address: None,
        })
    }
}

/// Which article an entry is, of those that its keys lead to (strongest first). Where a guid and
/// an address lead to two, it is the younger one: that became an article of its own because one of
/// the two names had been used again.
fn choose(hits: &[(KeyKind, KnownArticle)]) -> Option<KnownArticle> {
    let of = |address: bool| {
        hits.iter()
            .find(move |(kind, _)| kind.is_address() == address)
    };
    let (by_id, by_address) = (of(false), of(true));
    let chosen = match (by_id, by_address) {
        (Some((_, one)), Some((_, other))) => std::cmp::max_by_key(one, other, |k| k.id),
        (one, other) => &one.or(other)?.1,
    };
    let leading = || hits.iter().filter(|(_, known)| known.id == chosen.id);
    Some(KnownArticle {
        keys_known: leading().count(),
        by_id: leading().any(|(kind, _)| !kind.is_address()),
        at_address: by_address.map(|(_, known)| known.id),
        ..chosen.clone()
    })
}

statements! {
    FIND_ARTICLES = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS entry,
             CAST(r.value ->> 1 AS BIGINT) AS strength, r.value ->> 2 AS kind,
             r.value ->> 3 AS value FROM",
        ") SELECT q.entry, a.id AS article_id, a.state, a.revision, v.hash, a.first_seen_at,
            a.eligible_at, v.published_at, q.kind
         FROM asked q CROSS JOIN article_key k
         JOIN article a ON a.id = k.article_id
         JOIN article_revision v ON v.article_id = a.id AND v.revision = a.revision
         WHERE k.source = $2 AND k.kind = q.kind AND k.value = q.value
         ORDER BY q.entry, q.strength"
    );
    FIND_ALIKE = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS entry, r.value ->> 1 AS kind,
             r.value ->> 2 AS value FROM",
        ") SELECT q.entry, q.kind, k.article_id FROM asked q CROSS JOIN article_key k
         WHERE k.source = $2 AND k.kind = q.kind AND k.value = q.value ORDER BY q.entry, q.kind"
    );
}

impl Db {
    /// For each entry the articles of `source` that share a weak key with it, and which.
    pub async fn find_alike(
        &self,
        source: &str,
        entries: &[Vec<IdentityKey>],
    ) -> Result<Vec<Vec<(KeyKind, ArticleId)>>, StoreError> {
        let asked: Vec<(usize, &str, &str)> = entries
            .iter()
            .enumerate()
            .flat_map(|(entry, keys)| {
                let weak = keys.iter().filter(|key| key.kind.is_weak());
                weak.map(move |key| (entry, key.kind.as_str(), &*key.value))
            })
            .collect();
        let mut found = vec![Vec::new(); entries.len()];
        if asked.is_empty() {
            return Ok(found);
        }
        let rows: Vec<(i64, String, i64)> =
            self.all(&FIND_ALIKE, args![&json(&asked), source]).await?;
        for (entry, kind, id) in rows {
            if let Some(place) = usize::try_from(entry).ok().and_then(|i| found.get_mut(i)) {
                place.push((word("a key's kind", &kind)?, ArticleId(id)));
            }
        }
        Ok(found)
    }

    /// For each entry, by its strong keys (strongest first), the article of `source` it is.
    pub async fn find_articles(
        &self,
        source: &str,
        entries: &[Vec<IdentityKey>],
    ) -> Result<Vec<Option<KnownArticle>>, StoreError> {
        let asked: Vec<(usize, usize, &str, &str)> = entries
            .iter()
            .enumerate()
            .flat_map(|(entry, keys)| {
                keys.iter()
                    .filter(|key| !key.kind.is_weak())
                    .enumerate()
                    .map(move |(strength, key)| (entry, strength, key.kind.as_str(), &*key.value))
            })
            .collect();
        let rows: Vec<KnownRow> = self
            .all(&FIND_ARTICLES, args![&json(&asked), source])
            .await?;
        let mut hits: Vec<Vec<(KeyKind, KnownArticle)>> = vec![Vec::new(); entries.len()];
        for row in rows {
            let kind: KeyKind = word("a key's kind", &row.kind)?;
            if let Some(place) = usize::try_from(row.entry)
                .ok()
                .and_then(|i| hits.get_mut(i))
            {
                place.push((kind, row.try_into()?));
            }
        }
        Ok(hits.iter().map(|hits| choose(hits)).collect())
    }
}
