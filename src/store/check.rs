//! What tests ask of the store as a whole: that every statement is one for both databases.

use sqlx::{Column, Executor, SqlSafeStr, Statement, TypeInfo};

use super::sql::{args, dialects, statements};
use super::{Db, Pools, Sql, StoreError};

/// The types of PostgreSQL that both drivers decode alike.
const PORTABLE: [&str; 5] = ["INT8", "TEXT", "BOOL", "BYTEA", "FLOAT8"];

statements! {
    CATALOGUE = dialects(
        "SELECT m.name, c.name, c.\"notnull\" = 1
         FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.name",
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), is_nullable = 'NO'
         FROM information_schema.columns WHERE table_schema = current_schema()",
    );
    INDEXES = dialects(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        "SELECT CAST(indexname AS TEXT) FROM pg_indexes WHERE schemaname = current_schema()
         AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'",
    );
}

impl Db {
    /// Prepares a statement, and looks at its result columns.
    ///
    /// # Errors
    /// Says what is wrong with it on this database.
    pub async fn prepare(&self, statement: &Sql) -> Result<(), String> {
        let named = |e: sqlx::Error| format!("{}: {e}", statement.name);
        match &self.pools {
            Pools::Sqlite(db) => {
                let text = statement.sqlite.into_sql_str();
                (&db.writer).prepare(text).await.map(drop).map_err(named)
            }
            Pools::Postgres(db) => {
                let prepared = db
                    .prepare(statement.postgres.into_sql_str())
                    .await
                    .map_err(named)?;
                let odd = |c: &&sqlx::postgres::PgColumn| !PORTABLE.contains(&c.type_info().name());
                match prepared.columns().iter().find(odd) {
                    Some(c) => Err(format!(
                        "{}: column `{}` is {}",
                        statement.name,
                        c.name(),
                        c.type_info()
                    )),
                    None => Ok(()),
                }
            }
        }
    }

    /// Every column of every table (table, column, whether it must have a value) and the names
    /// of the declared indexes, sorted.
    pub async fn catalogue(
        &self,
    ) -> Result<(Vec<(String, String, bool)>, Vec<String>), StoreError> {
        let mut columns: Vec<(String, String, bool)> = self.all(&CATALOGUE, args![]).await?;
        let indexes: Vec<(String,)> = self.all(&INDEXES, args![]).await?;
        let mut indexes: Vec<String> = indexes.into_iter().map(|(name,)| name).collect();
        columns.sort();
        indexes.sort();
        Ok((columns, indexes))
    }
}
