//! Numbered steps that make and change the tables, each applied once, all in one transaction.
//!
//! Own runner rather than the driver's: several processes may start at once on a new SQLite
//! file, and all steps or none must have happened.

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use super::sql::{Tx, args, both, statements, with};
use super::{Db, Pools, StoreError};
use crate::domain::UnixMillis;

/// One step.
struct Step {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! steps {
    ($($number:literal $name:literal;)*) => {
        const STEPS: &[Step] = &[$(Step {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }),*];
    };
}
steps! {
    1 "0001_init";
    2 "0002_outbox";
    3 "0003_sources";
    4 "0004_identity";
    5 "0005_polling";
    6 "0006_websub";
    7 "0007_pauses";
    8 "0008_wishes";
    9 "0009_signup";
}

/// The key of PostgreSQL's advisory lock: `courant` in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(27991470234168948)";
/// The only statement outside `statements!`: the others need this table to be prepared.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_step (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)";

statements! {
    APPLIED = both("SELECT number, checksum FROM schema_step ORDER BY number");
    RECORD = both(
        "INSERT INTO schema_step (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"
    );
    TABLE_EXISTS = super::sql::dialects(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_step'",
        "SELECT COUNT(*) FROM information_schema.tables
         WHERE table_name = 'schema_step' AND table_schema = current_schema()",
    );
}

/// Brings the tables up to this program's newest step.
///
/// # Errors
/// [`StoreError::Newer`] and [`StoreError::Foreign`] when the database has steps that this
/// program does not; then nothing was changed.
pub(super) async fn migrate(db: &Db) -> Result<(), StoreError> {
    // The usual start finds everything done and takes no lock.
    let exists: Option<(i64,)> = db.one(&TABLE_EXISTS, args![]).await?;
    if exists.is_some_and(|(n,)| n > 0) {
        let applied: Vec<(i64, String)> = db.all(&APPLIED, args![]).await?;
        if missing(db, &applied)?.is_empty() {
            return Ok(());
        }
    }
    let mut tx = db.begin().await?;
    if let Tx::Postgres(tx) = &mut tx {
        sqlx::query(LOCK).execute(&mut **tx).await?;
    }
    batch(&mut tx, TABLE).await?;
    let applied: Vec<(i64, String)> = tx.all(&APPLIED, args![]).await?;
    for step in missing(db, &applied)? {
        let text = text_of(db, step);
        batch(&mut tx, text).await?;
        let sum = checksum(text);
        let values = args![step.number, step.name, &sum, UnixMillis::now()];
        tx.run(&RECORD, values).await?;
    }
    tx.commit().await
}

/// The steps that are still to do, after checking that those done are ours.
fn missing(db: &Db, applied: &[(i64, String)]) -> Result<Vec<&'static Step>, StoreError> {
    let known = STEPS.last().map_or(0, |step| step.number);
    for (number, sum) in applied {
        let Some(step) = STEPS.iter().find(|step| step.number == *number) else {
            return Err(StoreError::Newer {
                found: applied.last().map_or(0, |(number, _)| *number),
                known,
            });
        };
        if checksum(text_of(db, step)) != *sum {
            return Err(StoreError::Foreign { step: *number });
        }
    }
    let newest = applied.last().map_or(0, |(number, _)| *number);
    Ok(STEPS.iter().filter(|step| step.number > newest).collect())
}

fn text_of(db: &Db, step: &Step) -> &'static str {
    match &db.pools {
        Pools::Sqlite(_) => step.sqlite,
        Pools::Postgres(_) => step.postgres,
    }
}

fn checksum(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Runs several statements at once, without parameters.
async fn batch(tx: &mut Tx, text: &'static str) -> Result<(), StoreError> {
    with!(tx, Tx, |tx| sqlx::raw_sql(text)
        .execute(&mut **tx)
        .await
        .map(drop))?;
    Ok(())
}
