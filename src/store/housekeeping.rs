//! The installation's secret, leases on whole tasks, backups, and tidying.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

use super::sql::{Tx, args, both, dialects, statements};
use super::{Db, Pools, StoreError};
use crate::domain::{TokenKey, UnixMillis};

/// `$clock` is the instant, in milliseconds, of whoever keeps the rows: with many daemons that
/// is the database's clock. One whose own clock is wrong takes nothing from the others.
macro_rules! take_lease {
    ($clock:expr) => {
        concat!(
            "INSERT INTO lease (name, owner, epoch, lease_until) VALUES ($1, $2, 1, ",
            $clock,
            " + $3)
             ON CONFLICT (name) DO UPDATE SET
                epoch = CASE WHEN lease.owner = excluded.owner AND lease.lease_until > ",
            $clock,
            "
                    THEN lease.epoch ELSE lease.epoch + 1 END,
                owner = excluded.owner, lease_until = excluded.lease_until
             WHERE lease.owner = excluded.owner OR lease.lease_until <= ",
            $clock,
            "
             RETURNING epoch"
        )
    };
}

statements! {
    SETTING = both("SELECT value FROM setting WHERE name = $1");
    SET_ONCE = both(
        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
    );
    SET = both(
        "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
    TAKE_LEASE = dialects(
        take_lease!("$4"),
        take_lease!("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
    );
    DROP_LEASE = both("UPDATE lease SET lease_until = 0 WHERE name = $1 AND owner = $2");
    TRIM_FETCHES = both("DELETE FROM poll WHERE at < $1");
    TRIM_IDLE_FETCHES = both("DELETE FROM poll WHERE outcome = 'unchanged' AND at < $1");
    OPTIMIZE = dialects("PRAGMA optimize", "SELECT TRUE");
    CHECKPOINT = dialects("PRAGMA wal_checkpoint(PASSIVE)", "SELECT TRUE");
    BACKUP = dialects("VACUUM INTO $1", "SELECT CAST($1 AS TEXT)");
    /// Whoever goes back to a copy must not mail again, unasked, those who were mailed since.
    REST_COPY = both(
        "UPDATE issue SET state = 'paused', why_paused =
            'this database is a copy that was made while the issue was being sent, and does not '
            || 'know who got it since; resuming sends it to all who are open here'
         WHERE state = 'sending'"
    );
    /// What a daemon had in hand is in doubt in the copy. Its journal does not tell: it goes on
    /// for the original.
    DISOWN_COPY = both(
        "UPDATE delivery SET lease_owner = 'run-copied' WHERE state = 'leased'"
    );
}

impl Db {
    /// The key of the tokens in links, made at the first call ever.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when what is stored is no key.
    pub async fn token_key(&self) -> Result<TokenKey, StoreError> {
        let mut fresh = [0u8; 32];
        rand::fill(&mut fresh).map_err(|_| {
            StoreError::Unsupported("this system gives no random numbers to make a key of".into())
        })?;
        let fresh = HEXLOWER.encode(&fresh);
        let mut tx = self.begin().await?;
        tx.run(&SET_ONCE, args!["instance_key", &fresh]).await?;
        let row: Option<(String,)> = tx.one(&SETTING, args!["instance_key"]).await?;
        tx.commit().await?;
        let text = row.map_or(fresh, |(value,)| value);
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let secret: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        // The value itself stays out of the message: it is a secret.
        let problem = || StoreError::corrupt("the instance key", "(hidden)", &"64 hex digits");
        Ok(TokenKey::new(&secret.ok_or_else(problem)?))
    }

    /// Writes and commits, to see that writing works, and to the right file.
    pub async fn probe_write(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.check_place()?;
        self.run(&SET, args!["probe", &now.0.to_string()])
            .await
            .map(drop)
    }

    async fn last_probe(&self) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = self.one(&SETTING, args!["probe"]).await?;
        Ok(row.map(|(at,)| at))
    }

    /// As [`probe_write`](Self::probe_write), but does not wait for a long transaction of this
    /// process that has SQLite's writer: the file answers then, and whoever is in that transaction
    /// is known by their own silence.
    pub async fn probe(&self, now: UnixMillis) -> Result<(), StoreError> {
        if let Pools::Sqlite(db) = &self.pools
            && db.writer.try_acquire().is_none()
        {
            self.check_place()?;
            return self.last_probe().await.map(drop);
        }
        self.probe_write(now).await
    }

    /// Takes or renews the lease on a task that one process at a time does, for so long.
    /// Returns its epoch, which grows with every change of hands; `None` while another holds it.
    pub async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        lasts: Duration,
        now: UnixMillis,
    ) -> Result<Option<i64>, StoreError> {
        let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let values: &[_] = match tx {
            Tx::Sqlite(_) => args![name, owner, lasts, now],
            Tx::Postgres(_) => args![name, owner, lasts],
        };
        let row: Option<(i64,)> = tx.one(&TAKE_LEASE, values).await?;
        tx.commit().await?;
        Ok(row.map(|(epoch,)| epoch))
    }

    /// Gives up a lease, so that another may take it at once.
    pub async fn drop_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.run(&DROP_LEASE, args![name, owner]).await.map(drop)
    }

    /// Forgets log lines of polls before `before`, and before `idle_before` those of polls that
    /// found nothing. Returns how many.
    pub async fn trim_fetches(
        &self,
        before: UnixMillis,
        idle_before: UnixMillis,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let old = tx.run(&TRIM_FETCHES, args![before]).await?;
        let idle = tx.run(&TRIM_IDLE_FETCHES, args![idle_before]).await?;
        tx.commit().await?;
        Ok(old + idle)
    }

    /// Lets SQLite refresh its statistics and fold the WAL into the file; PostgreSQL does this
    /// by itself.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        if let Pools::Sqlite(db) = &self.pools {
            sqlx::query(OPTIMIZE.sqlite).execute(&db.writer).await?;
            sqlx::query(CHECKPOINT.sqlite).execute(&db.writer).await?;
        }
        Ok(())
    }

    /// Writes a consistent copy to a new file while the daemon runs. `VACUUM INTO` rather than
    /// SQLite's backup in steps, which starts again at every write and never ends on a busy
    /// database, and rather than copying the file, which loses what is still in the WAL. In the
    /// copy the issues being sent rest, for an operator to resume or cancel.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for PostgreSQL and for a file that exists.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let Pools::Sqlite(db) = &self.pools else {
            return Err(StoreError::Unsupported(
                "this database is PostgreSQL; back it up with pg_dump or its continuous archiving"
                    .to_owned(),
            ));
        };
        if to.exists() {
            return Err(StoreError::Unsupported(format!(
                "`{}` exists; name a file that does not, backups are never written over",
                to.display()
            )));
        }
        let path = to.to_str().ok_or_else(|| {
            StoreError::Unsupported(format!(
                "`{}` is not UTF-8; name another file",
                to.display()
            ))
        })?;
        let file = |path: &Path| {
            sqlx::sqlite::SqliteConnectOptions::new()
                .filename(path)
                .busy_timeout(Duration::from_secs(5))
        };
        let mut original = sqlx::ConnectOptions::connect(&file(&db.path)).await?;
        sqlx::query(BACKUP.sqlite)
            .bind(path)
            .execute(&mut original)
            .await?;
        sqlx::Connection::close(original).await?;
        let mut copy = sqlx::ConnectOptions::connect(&file(to)).await?;
        for statement in [REST_COPY, DISOWN_COPY] {
            sqlx::query(statement.sqlite).execute(&mut copy).await?;
        }
        sqlx::Connection::close(copy).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_transaction_of_our_own_is_no_sign_of_a_dead_database() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("courant.db");
        let db = Db::open(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        let long = db.begin().await.unwrap();
        let (soon, now) = (Duration::from_secs(5), UnixMillis(1));
        let probed = tokio::time::timeout(soon, db.probe(now)).await;
        probed.expect("it does not wait").unwrap();
        assert_eq!(db.last_probe().await.unwrap(), None, "nor did it write");
        long.commit().await.unwrap();
        db.probe_write(now).await.unwrap();
        assert_eq!(db.last_probe().await.unwrap().as_deref(), Some("1"));
        std::fs::remove_file(&file).unwrap();
        let long = db.begin().await.unwrap();
        assert!(db.probe(now).await.is_err(), "the file is gone");
        long.commit().await.unwrap();
    }
}
