//! Writing down what polls found. Most answers of many sources are "nothing has changed": they
//! are committed together, those that come while the last commit runs in the next one.

use tokio::sync::{mpsc, oneshot};

use crate::domain::UnixMillis;
use crate::store::{Db, PollResult, StoreError};

/// Polls in one transaction at most, so that other writers do not wait for long.
const TOGETHER: usize = 256;

struct Quiet {
    poll: PollResult,
    at: UnixMillis,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The way to the database for the polls of one process. Clones go the same way.
#[derive(Clone)]
pub(super) struct Commits {
    db: Db,
    quiet: mpsc::Sender<Quiet>,
}

impl Commits {
    /// Opens the way; its task ends with the last clone.
    pub(super) fn start(db: Db) -> Self {
        let (quiet, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(together(db.clone(), waiting));
        Self { db, quiet }
    }

    /// Writes down what a poll found; it is durable when this answers.
    pub(super) async fn write(&self, poll: PollResult, at: UnixMillis) -> Result<(), StoreError> {
        if !poll.changes.is_empty() {
            return self.db.apply_poll(poll, at).await.map(drop);
        }
        let (done, answer) = oneshot::channel();
        let sent = self.quiet.send(Quiet { poll, at, done }).await;
        // Without its task the way is open all the same.
        if let Err(mpsc::error::SendError(quiet)) = sent {
            return self.db.apply_poll(quiet.poll, quiet.at).await.map(drop);
        }
        let lost = || StoreError::Unsupported("the task that writes polls down has ended".into());
        answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

async fn together(db: Db, mut waiting: mpsc::Receiver<Quiet>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        let (polls, doors): (Vec<_>, Vec<_>) = batch
            .drain(..)
            .map(|quiet| ((quiet.poll, quiet.at), quiet.done))
            .unzip();
        let lost = db.apply_quiet_polls(&polls).await;
        for (place, ((poll, at), door)) in polls.into_iter().zip(doors).enumerate() {
            let result = match &lost {
                Ok(lost) if lost.contains(&place) => Err(StoreError::LeaseLost(poll.source)),
                Ok(_) => Ok(()),
                // One that the database refuses must not take the others with it.
                Err(_) => db.apply_poll(poll, at).await.map(drop),
            };
            // Who does not wait any more does not want to know.
            let _ = door.send(result);
        }
    }
}
