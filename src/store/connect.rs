//! Opening a database: the address, the settings that make it safe, one daemon per SQLite file.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, PgPool, SqlitePool};

use super::{Db, Pools, StoreError, migrate};

/// How long a call waits for a free connection before it says that the database is busy.
const ACQUIRE: Duration = Duration::from_secs(30);
/// How long a first connection may take before the operator is told.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);
/// How long SQLite waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);

/// No statement, lock or forgotten transaction holds the others up for ever, and the server
/// notices within seconds that a killed daemon is gone. A lock is waited for as long as SQLite's
/// one writer: freezing an issue for a million takes ten seconds and more, and a reader who
/// unsubscribes meanwhile is not sent away.
const POSTGRES_LIMITS: &str = "SET statement_timeout = '60s'; SET lock_timeout = '30s'; \
     SET idle_in_transaction_session_timeout = '60s'; \
     SET client_connection_check_interval = '5s'";

/// An SQLite file: one connection that writes, a few that read.
#[derive(Debug, Clone)]
pub(super) struct SqliteFile {
    pub path: PathBuf,
    /// Which file that was when it was opened.
    identity: Option<(u64, u64)>,
    pub writer: SqlitePool,
    pub readers: SqlitePool,
}

impl Db {
    /// Opens `sqlite:PATH` (made if it is not there) or `postgres://…`, and brings its tables
    /// up to date, one process at a time.
    ///
    /// # Errors
    /// [`StoreError::Url`] for an address of no use, [`StoreError::Unavailable`] with what to
    /// do, [`StoreError::Newer`] for a database of a later version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let opened = Self::open_at(url).await;
        opened.map_err(|error| unreachable_at(url, error))
    }

    async fn open_at(url: &str) -> Result<Self, StoreError> {
        let pools = match url.strip_prefix("sqlite:") {
            Some(path) => Pools::Sqlite(open_sqlite(url, path).await?),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Pools::Postgres(open_postgres(url).await?)
            }
            None => {
                return Err(unusable(
                    url,
                    "it should look like sqlite:courant.db or postgres://user@host/database",
                ));
            }
        };
        let db = Self { pools };
        migrate::migrate(&db).await?;
        Ok(db)
    }

    /// Makes sure that this process is the only daemon on the database, for as long as the
    /// returned lock lives. PostgreSQL is shared by daemons and has none. A killed process
    /// frees its lock.
    ///
    /// # Errors
    /// [`StoreError::Taken`] naming the lock file, [`StoreError::File`] when it cannot be made.
    pub fn lock_for_daemon(&self) -> Result<Option<DaemonLock>, StoreError> {
        let Pools::Sqlite(db) = &self.pools else {
            return Ok(None);
        };
        let mut path = db.path.clone().into_os_string();
        path.push(".lock");
        let shown = Path::new(&path).display().to_string();
        let trouble = |source| StoreError::File {
            path: shown.clone(),
            source,
        };
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(trouble)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DaemonLock { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Taken { path: shown }),
            Err(std::fs::TryLockError::Error(source)) => Err(trouble(source)),
        }
    }

    /// Whether the SQLite file is still the one that was opened. What is written to one that was
    /// replaced or removed is gone with the process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what to do.
    pub fn check_place(&self) -> Result<(), StoreError> {
        match &self.pools {
            Pools::Sqlite(db) if identity(&db.path) != db.identity => {
                Err(StoreError::Unavailable(format!(
                    "`{0}` was replaced or removed while it was in use; what was written to it since \
                     is lost. Stop the daemon before you put another file there, and remove \
                     `{0}-wal` and `{0}-shm`, which belong to the old one",
                    db.path.display()
                )))
            }
            _ => Ok(()),
        }
    }

    /// Closes all connections, finishing what they are at.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(db) => {
                db.readers.close().await;
                // Last, so that SQLite folds the WAL into the file.
                db.writer.close().await;
            }
            Pools::Postgres(db) => db.close().await,
        }
    }
}

/// Held by the one daemon on an SQLite file.
#[derive(Debug)]
pub struct DaemonLock {
    _file: std::fs::File,
}

async fn open_sqlite(url: &str, path: &str) -> Result<SqliteFile, StoreError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(":memory:") || path.contains('?') {
        return Err(unusable(
            url,
            "it must name a file, like sqlite:courant.db or sqlite:/var/lib/courant/courant.db",
        ));
    }
    let path = PathBuf::from(path);
    make_private_file(url, &path)?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .busy_timeout(BUSY)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered with yes survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("cache_size", "-8000")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let writer = pool()
        .max_connections(1)
        // A failed write (a full disk) may end the transaction inside SQLite. The driver then
        // has nothing to roll back and believes for ever that the transaction is open.
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        .connect_with(options.clone())
        .await?;
    let readers = pool()
        .max_connections(4)
        .connect_with(
            options
                .pragma("query_only", "on")
                .pragma("cache_size", "-2000"),
        )
        .await?;
    Ok(SqliteFile {
        identity: identity(&path),
        path,
        writer,
        readers,
    })
}

/// Device and inode; `None` where there is no file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// The file holds people's addresses: only its owner may read it.
fn make_private_file(url: &str, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.is_dir() {
        return Err(unusable(
            url,
            &format!(
                "there is no directory `{}`; make it, or name another place in [database] `url`",
                directory.display()
            ),
        ));
    }
    match std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File {
            path: path.display().to_string(),
            source,
        }),
    }
}

async fn open_postgres(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|e| unusable(url, &e.to_string()))?
        .application_name("courant")
        .disable_statement_logging();
    // A pool hides why it got no connection behind a timeout, so the first one is made by hand.
    match tokio::time::timeout(FIRST_CONNECTION, options.connect()).await {
        Ok(Ok(connection)) => connection.close().await?,
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
    }
    Ok(PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(ACQUIRE)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(POSTGRES_LIMITS).await.map(drop) })
        })
        .connect_lazy_with(options))
}

/// Puts the address into the words about a database that could not be opened.
fn unreachable_at(url: &str, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(advice) => {
            StoreError::Unavailable(format!("cannot open `{}`: {advice}", shown_address(url)))
        }
        other => other,
    }
}

fn unusable(url: &str, problem: &str) -> StoreError {
    StoreError::Url {
        url: shown_address(url),
        problem: problem.to_owned(),
    }
}

/// A database's address for people to see: without a password.
#[must_use]
pub fn shown_address(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Fails only for addresses that cannot have a password.
            let _ = parsed.set_password(Some("…"));
            parsed.to_string()
        }
        Ok(_) => url.to_owned(),
        Err(_) => url.split('@').next_back().unwrap_or_default().to_owned(),
    }
}
