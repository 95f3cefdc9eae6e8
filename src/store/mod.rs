//! The database: SQLite or PostgreSQL, one SQL text.
//!
//! All SQL of the program is here, as verbs of the domain on [`Db`]: `release_article`,
//! `freeze_issue`, `claim_deliveries`. Each function is one transaction; none waits for the
//! network inside it. `sql` says how one text serves two databases, `rows` how rows become the
//! domain's types. The rules that the functions hold are told in `tests/store*.rs`, on both
//! databases.

mod admission;
mod amend;
mod articles;
mod astray;
mod audience;
mod change;
mod check;
mod connect;
mod consent;
mod counts;
mod enter;
mod error;
mod freeze;
mod housekeeping;
mod import;
mod issues;
mod journal;
mod known;
mod ledger;
mod migrate;
mod operate;
mod outbox;
mod payloads;
mod planning;
mod poll;
mod prune;
mod recover;
mod rows;
mod settle;
mod shaping;
mod signup;
mod skip;
mod sources;
mod sql;
mod standing;
mod turns;
mod websub;
mod wishes;

pub use articles::ArticleFilter;
pub use audience::Preferences;
pub use change::{Applied, Change, FetchOutcome, FetchRow, NextMemory, PollResult};
pub use connect::{DaemonLock, shown_address};
pub use error::StoreError;
pub use freeze::{NewIssue, Recipients, VariantGroup};
pub use import::{Imported, NewSubscriber};
pub use journal::{DeadJournal, Journal};
pub use known::KnownArticle;
pub use ledger::LedgerRow;
pub use outbox::{Claimed, Reader, ReadyIssue};
pub use payloads::StoredPayload;
pub use planning::{AudienceFilter, AudienceGroup, RunOutcome, ZoneFilter};
pub use recover::{Flight, Recovered};
pub use settle::{Fate, Settled, Settlement};
pub use shaping::RelayRule;
pub use signup::{SignUp, SignUpAnswer};
pub use skip::EmptyRun;
pub use sources::SourceMemory;
pub use sql::Sql;
pub use standing::{IssueLine, RevisionLine, Standing};
pub use websub::{HubOffer, HubState, HubSubscription, NextAsk};

/// An open database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
}

/// The connections of either kind.
#[derive(Debug, Clone)]
enum Pools {
    Sqlite(connect::SqliteFile),
    Postgres(sqlx::PgPool),
}

impl Db {
    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.pools {
            Pools::Sqlite(_) => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Every statement of the store, for the test that prepares them on both databases.
    #[must_use]
    pub fn statements() -> Vec<&'static Sql> {
        [
            admission::STATEMENTS,
            amend::STATEMENTS,
            articles::STATEMENTS,
            astray::STATEMENTS,
            audience::STATEMENTS,
            check::STATEMENTS,
            consent::STATEMENTS,
            counts::STATEMENTS,
            enter::STATEMENTS,
            freeze::STATEMENTS,
            housekeeping::STATEMENTS,
            import::STATEMENTS,
            issues::STATEMENTS,
            known::STATEMENTS,
            ledger::STATEMENTS,
            migrate::STATEMENTS,
            operate::STATEMENTS,
            outbox::STATEMENTS,
            payloads::STATEMENTS,
            planning::STATEMENTS,
            poll::STATEMENTS,
            prune::STATEMENTS,
            recover::STATEMENTS,
            settle::STATEMENTS,
            shaping::STATEMENTS,
            signup::STATEMENTS,
            skip::STATEMENTS,
            sources::STATEMENTS,
            standing::STATEMENTS,
            turns::STATEMENTS,
            websub::STATEMENTS,
            wishes::STATEMENTS,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
