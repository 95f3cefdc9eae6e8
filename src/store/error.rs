//! What can go wrong between us and the database, in sentences for the person who must act.

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database address in the configuration is of no use.
    #[error("the database address `{url}` is not usable: {problem}")]
    Url {
        /// The address, without a password.
        url: String,
        /// What is wrong and what it should look like.
        problem: String,
    },
    /// The database cannot be reached, or cannot write: nothing was done. What to do, with the
    /// driver's words.
    #[error("{0}")]
    Unavailable(String),
    /// Another process held what was needed for too long: nothing was done, try again.
    #[error("the database is busy with another process; nothing was changed, try again")]
    Locked(#[source] sqlx::Error),
    /// A row breaks a rule of the tables: nothing was done.
    #[error("the database refused a row that breaks a rule of its tables: {0}")]
    Constraint(#[source] sqlx::Error),
    /// A stored value is not one this program writes.
    #[error(
        "the database holds `{value}` as {what}, which is not a value Courant writes: {problem}"
    )]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// What was found (its beginning).
        value: String,
        /// What it should have been.
        problem: String,
    },
    /// The tables were made by a newer version of this program.
    #[error(
        "this database was last used by a newer Courant (its tables are at step {found}, this \
         version knows {known}); run that version, or restore the backup made before the upgrade"
    )]
    Newer {
        /// The newest step the database has.
        found: i64,
        /// The newest step this program has.
        known: i64,
    },
    /// A step that was applied is not the one this program has.
    #[error(
        "step {step} of this database's tables is not the one this version of Courant has; it was \
         made by another build. Use that build, or start with a new database"
    )]
    Foreign {
        /// Which step differs.
        step: i64,
    },
    /// A daemon already runs on this SQLite file.
    #[error(
        "another Courant daemon is running on this database (it holds `{path}`); stop it first, or \
         use PostgreSQL, which many daemons can share"
    )]
    Taken {
        /// The lock file.
        path: String,
    },
    /// The work was done under a lease that has passed to another worker: nothing was done.
    #[error("the lease on `{0}` has passed to another worker; its result stands, ours was dropped")]
    LeaseLost(String),
    /// Something this database kind does not do.
    #[error("{0}")]
    Unsupported(String),
    /// A file beside the database could not be used.
    #[error("cannot use `{path}`")]
    File {
        /// Which file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A statement failed in a way that points at a mistake in this program.
    #[error("a database statement failed; this is a mistake in Courant, please report it: {0}")]
    Statement(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Unavailable(_))
    }

    /// A stored value that could not be read back.
    pub(super) fn corrupt(
        what: &'static str,
        value: &str,
        problem: &dyn std::fmt::Display,
    ) -> Self {
        Self::Corrupt {
            what,
            value: value.chars().take(60).collect(),
            problem: problem.to_string(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let advice = match &error {
            E::Database(refusal) => {
                use sqlx::error::ErrorKind::Other;
                let code = refusal.code().unwrap_or_default().into_owned();
                if !matches!(refusal.kind(), Other) {
                    return Self::Constraint(error);
                }
                if is_busy(&code) {
                    return Self::Locked(error);
                }
                advice_for(&code)
            }
            E::PoolTimedOut => return Self::Locked(error),
            E::Io(_) | E::Tls(_) | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => Some(
                "the connection to the database was lost or could not be made; check that the \
                 database runs and that `url` in [database] names its host and port",
            ),
            E::Configuration(_) => Some("the address in [database] `url` is not usable"),
            _ => None,
        };
        match advice {
            Some(advice) => Self::Unavailable(format!("{advice} ({})", words_of(&error))),
            None => Self::Statement(error),
        }
    }
}

/// SQLite: BUSY and LOCKED with their extended codes. PostgreSQL: serialisation failure,
/// deadlock, lock not available, statement cancelled by its timeout.
fn is_busy(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "55P03" | "57014")
        || code.len() <= 4 && matches!(code.parse::<u32>().map(|n| n & 0xff), Ok(5 | 6))
}

/// What to do about a refusal that is about the database as a whole.
fn advice_for(code: &str) -> Option<&'static str> {
    let primary = if code.len() <= 4 {
        code.parse::<u32>().map_or(0, |n| n & 0xff)
    } else {
        0
    };
    Some(match (code, primary) {
        ("28P01" | "28000", _) => {
            "PostgreSQL refused the user or password; check `url` in [database] and pg_hba.conf"
        }
        ("3D000", _) => "PostgreSQL has no such database; create it with `createdb`",
        ("42501", _) => "the PostgreSQL user may not do this; give it the schema with GRANT",
        ("53300", _) => "PostgreSQL has no free connection; raise its max_connections",
        ("53100", _) | (_, 13) => "the database's disk is full; free space on it",
        ("25006", _) | (_, 8) => "the database is read-only; make the file or server writable",
        (_, 10) => "the disk failed under the database; check the disk and restore a backup",
        (_, 11 | 26) => "the database file is damaged or is no SQLite file; restore a backup",
        (_, 14) => {
            "the database file cannot be opened; check that its directory exists and is writable"
        }
        (code, _) if code.len() == 5 && (code.starts_with("57P") || code.starts_with("08")) => {
            "PostgreSQL is shutting down or not ready; it is tried again"
        }
        _ => return None,
    })
}

/// The innermost words of a driver's error, which are the ones that say something.
fn words_of(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refusal) => refusal.message().to_owned(),
        sqlx::Error::Io(io) => io.to_string(),
        other => other.to_string(),
    }
}
