//! One SQL text for SQLite and PostgreSQL, and the few lines that run it on either.
//!
//! [`statements!`] declares statements and the list that a test prepares on both databases;
//! [`with!`] compiles one body for both drivers. A second text exists only where the dialects
//! part. Lists travel as one JSON parameter (`list!`), so that a batch is one statement.
//! Traps that the list of common constructs excludes: SUM and AVG without a CAST, integer
//! literals as result columns, LIKE, LOWER, quoted identifiers (a string in SQLite), `$1 IS NULL`
//! before `$1` has met a column (PostgreSQL cannot tell its type), and a list joined to a table
//! by more than its key without CROSS JOIN (SQLite may put the table first and read all of it).

use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments, Database, Encode, FromRow, Postgres, Sqlite, Transaction, Type};

use super::{Db, Pools, StoreError};
use crate::domain::{ArticleId, DeliveryId, IssueId, SubscriberId, UnixMillis};

/// A statement in both dialects; nearly always the same text.
#[derive(Debug)]
pub struct Sql {
    /// Its name in the source.
    pub name: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
}

/// One text for both databases.
pub(super) const fn both(text: &'static str) -> Sql {
    dialects(text, text)
}

/// A text for each database.
pub(super) const fn dialects(sqlite: &'static str, postgres: &'static str) -> Sql {
    Sql {
        name: "",
        sqlite,
        postgres,
    }
}

impl Sql {
    /// The same statement under its name.
    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// Declares statements, and `STATEMENTS`, which the prepare test walks.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: $crate::store::sql::Sql = $text.named(stringify!($name));)*
        /// Every statement of this module.
        pub(super) const STATEMENTS: &[$crate::store::sql::Sql] = &[$($name),*];
    };
}

/// A statement around the rows of the JSON list in `$1`: `r.value ->> 0` is a row's first
/// value, as text.
macro_rules! list {
    ($before:expr, $after:expr) => {
        $crate::store::sql::dialects(
            concat!($before, " jsonb_each($1) AS r ", $after),
            concat!(
                $before,
                " json_array_elements(CAST($1 AS json)) AS r(value) ",
                $after
            ),
        )
    };
}

/// A statement around a list as in [`list!`], whose rows come back as one JSON list of lists:
/// `$columns` of what `$from` says.
macro_rules! gather {
    ($before:expr, $columns:expr, $from:expr) => {
        $crate::store::sql::dialects(
            concat!(
                $before,
                " jsonb_each($1) AS r) SELECT json_group_array(json_array(",
                $columns,
                ")) ",
                $from
            ),
            concat!(
                $before,
                " json_array_elements(CAST($1 AS json)) AS r(value))
                 SELECT CAST(COALESCE(json_agg(json_build_array(",
                $columns,
                ")), '[]') AS TEXT) ",
                $from
            ),
        )
    };
}

/// Runs one body on whichever database it is: compiled twice, written once.
macro_rules! with {
    ($on:expr, $kind:ident, |$db:ident| $body:expr) => {
        match $on {
            $kind::Sqlite($db) => $body,
            $kind::Postgres($db) => $body,
        }
    };
    ($on:expr, $kind:ident, $sql:expr, |$db:ident, $text:ident, $driver:ident| $body:expr) => {
        match $on {
            $kind::Sqlite($db) => {
                type $driver = sqlx::Sqlite;
                let $text = $sql.sqlite;
                $body
            }
            $kind::Postgres($db) => {
                type $driver = sqlx::Postgres;
                let $text = $sql.postgres;
                $body
            }
        }
    };
}

/// The values of a statement's `$1`, `$2` …
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Bind::from($value)),*] };
}
pub(super) use {args, gather, list, statements, with};

/// A row that both drivers can read.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// One value for a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bind<'a> {
    Int(i64),
    OptInt(Option<i64>),
    Text(&'a str),
    OptText(Option<&'a str>),
    Flag(bool),
}

macro_rules! binds {
    ($($from:ty => |$value:ident| $bind:expr;)*) => {$(
        impl<'a> From<$from> for Bind<'a> {
            fn from($value: $from) -> Self { $bind }
        }
    )*};
}
binds! {
    i64 => |n| Self::Int(n);
    bool => |flag| Self::Flag(flag);
    UnixMillis => |at| Self::Int(at.0);
    ArticleId => |id| Self::Int(id.0);
    IssueId => |id| Self::Int(id.0);
    SubscriberId => |id| Self::Int(id.0);
    DeliveryId => |id| Self::Int(id.0);
    Option<i64> => |n| Self::OptInt(n);
    Option<UnixMillis> => |at| Self::OptInt(at.map(|at| at.0));
    &'a str => |text| Self::Text(text);
    &'a String => |text| Self::Text(text);
    Option<&'a str> => |text| Self::OptText(text);
    &'a Option<String> => |text| Self::OptText(text.as_deref());
}

/// Stands for a NUL, which PostgreSQL has in no text: what a relay or a source said must never
/// keep a batch from being written down.
const NO_NUL: &str = "\u{fffd}";

/// The values in a driver's own form.
fn arguments<D>(values: &[Bind<'_>]) -> sqlx::Result<D::Arguments>
where
    D: Database,
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> bool: Encode<'q, D> + Type<D>,
    for<'q> &'q str: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
    for<'q> Option<i64>: Encode<'q, D> + Type<D>,
    for<'q> Option<&'q str>: Encode<'q, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for value in values {
        match *value {
            Bind::Int(n) => arguments.add(n),
            Bind::OptInt(n) => arguments.add(n),
            Bind::Text(text) | Bind::OptText(Some(text)) if text.contains('\0') => {
                arguments.add(text.replace('\0', NO_NUL))
            }
            Bind::Text(text) => arguments.add(text),
            Bind::OptText(text) => arguments.add(text),
            Bind::Flag(flag) => arguments.add(flag),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A transaction that writes. Dropped without [`Tx::commit`], nothing has happened.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// All rows of a statement.
    pub async fn all<T: Row>(
        &mut self,
        sql: &Sql,
        values: &[Bind<'_>],
    ) -> Result<Vec<T>, StoreError> {
        Ok(with!(self, Tx, sql, |db, text, Driver| {
            sqlx::query_as_with(text, arguments::<Driver>(values)?)
                .fetch_all(&mut **db)
                .await
        })?)
    }

    /// The first row of a statement, if there is one.
    pub async fn one<T: Row>(
        &mut self,
        sql: &Sql,
        values: &[Bind<'_>],
    ) -> Result<Option<T>, StoreError> {
        Ok(with!(self, Tx, sql, |db, text, Driver| {
            sqlx::query_as_with(text, arguments::<Driver>(values)?)
                .fetch_optional(&mut **db)
                .await
        })?)
    }

    /// Runs a statement; the number of rows it changed.
    pub async fn run(&mut self, sql: &Sql, values: &[Bind<'_>]) -> Result<i64, StoreError> {
        let changed = with!(self, Tx, sql, |db, text, Driver| {
            sqlx::query_with(text, arguments::<Driver>(values)?)
                .execute(&mut **db)
                .await?
                .rows_affected()
        });
        Ok(i64::try_from(changed).unwrap_or(i64::MAX))
    }

    /// Makes everything since the beginning durable and visible at once.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(with!(self, Tx, |tx| tx.commit().await)?)
    }
}

impl Db {
    /// Begins a transaction that writes. SQLite takes the write lock at once, so that a
    /// transaction never fails half way because another process began to write.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite(db) => Tx::Sqlite(db.writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(db) => Tx::Postgres(db.begin().await?),
        })
    }

    /// All rows of a reading statement.
    pub(super) async fn all<T: Row>(
        &self,
        sql: &Sql,
        values: &[Bind<'_>],
    ) -> Result<Vec<T>, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite(db) => {
                sqlx::query_as_with(sql.sqlite, arguments::<Sqlite>(values)?)
                    .fetch_all(&db.readers)
                    .await
            }
            Pools::Postgres(db) => {
                sqlx::query_as_with(sql.postgres, arguments::<Postgres>(values)?)
                    .fetch_all(db)
                    .await
            }
        }?)
    }

    /// The first row of a reading statement, if there is one.
    pub(super) async fn one<T: Row>(
        &self,
        sql: &Sql,
        values: &[Bind<'_>],
    ) -> Result<Option<T>, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite(db) => {
                sqlx::query_as_with(sql.sqlite, arguments::<Sqlite>(values)?)
                    .fetch_optional(&db.readers)
                    .await
            }
            Pools::Postgres(db) => {
                sqlx::query_as_with(sql.postgres, arguments::<Postgres>(values)?)
                    .fetch_optional(db)
                    .await
            }
        }?)
    }

    /// Runs one writing statement by itself; the number of rows it changed.
    pub(super) async fn run(&self, sql: &Sql, values: &[Bind<'_>]) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let changed = tx.run(sql, values).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

/// The one JSON text of a statement that gathers its rows.
pub(super) async fn text(
    tx: &mut Tx,
    sql: &Sql,
    values: &[Bind<'_>],
) -> Result<String, StoreError> {
    let row: Option<(String,)> = tx.one(sql, values).await?;
    Ok(row.map_or_else(|| "[]".to_owned(), |(text,)| text))
}

/// How many rows a caller gets for a `usize` limit.
pub(super) fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The JSON of a list, as a statement's `$1` for [`list!`] or as a stored value.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    let mut bytes = Vec::with_capacity(128);
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, WithoutNul);
    let written = value.serialize(&mut writer);
    written.expect("lists of numbers and texts are always JSON");
    String::from_utf8(bytes).expect("JSON of texts is UTF-8, as they are")
}

/// See [`NO_NUL`].
struct WithoutNul;

impl Formatter for WithoutNul {
    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        match escape {
            CharEscape::AsciiControl(0) => writer.write_all(NO_NUL.as_bytes()),
            escape => CompactFormatter.write_char_escape(writer, escape),
        }
    }
}
