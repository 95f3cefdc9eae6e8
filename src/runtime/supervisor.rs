//! Starts the daemon's long-lived tasks, restarts those that fail, and brings them all down
//! in order.
//!
//! Shutdown has two steps, because taking work in and finishing work are not the same thing:
//! [`Shutdown::intake`] is cancelled first, so that pollers and planners stop and senders
//! finish what they have begun; when all have, or the grace period is over, or somebody asks
//! again, [`Shutdown::drain`] is cancelled too, and whoever is left is named and ended.
//!
//! Workers end with the first step. Attendants (signals, the operators' pages) are there for
//! the workers' sake: they stay until the second and nobody waits for them before it.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, warn};

/// The longest pause before a failed task is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long tasks may take to give up what they hold.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The two signals every task is handed.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing new in.
    pub intake: CancellationToken,
    /// Give up what you hold.
    pub drain: CancellationToken,
}

/// What the supervisor does when a task ends before it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExit {
    /// Start it again after a pause that doubles up to a minute.
    Restart,
    /// Bring the daemon down: without this task it would only look alive.
    StopDaemon,
}

/// Owns the tasks.
#[derive(Debug, Default)]
pub struct Supervisor {
    shutdown: Shutdown,
    tasks: JoinSet<&'static str>,
    running: BTreeSet<&'static str>,
    attendants: JoinSet<&'static str>,
}

impl Supervisor {
    /// The signals, for those who ask for a shutdown.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Starts a worker, `make()`, under supervision; it ends with [`Shutdown::intake`]. A panic
    /// counts as a failure.
    pub fn spawn<F, Fut>(&mut self, name: &'static str, on_exit: OnExit, make: F)
    where
        F: Fn(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let end = self.shutdown.intake.clone();
        let supervise = supervise(name, on_exit, self.shutdown.clone(), end, make);
        self.running.insert(name);
        self.tasks.spawn(supervise);
    }

    /// Starts an attendant, which stays until the workers have ended: it ends with
    /// [`Shutdown::drain`].
    pub fn attend<F, Fut>(&mut self, name: &'static str, on_exit: OnExit, make: F)
    where
        F: Fn(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let end = self.shutdown.drain.clone();
        let supervise = supervise(name, on_exit, self.shutdown.clone(), end, make);
        self.attendants.spawn(supervise);
    }

    /// Waits for a shutdown to be asked for, then for the workers: `grace` for them to finish,
    /// then a little for them to give up what they hold. Answers the names of those that did
    /// neither and were ended.
    pub async fn run(mut self, grace: Duration) -> BTreeSet<&'static str> {
        let Shutdown { intake, drain } = self.shutdown.clone();
        intake.cancelled().await;
        info!(tasks = ?self.running, "shutting down");
        let asked_again = tokio::select! {
            finished = timeout(grace, self.join_all()) => {
                if finished.is_err() {
                    warn!(?grace, waiting_for = ?self.running, "the grace period is over");
                }
                false
            }
            () = drain.cancelled() => true,
        };
        drain.cancel();
        if (asked_again || !self.running.is_empty())
            && timeout(GIVE_UP, self.join_all()).await.is_err()
        {
            warn!(ended = ?self.running, "these did not end by themselves");
        }
        self.tasks.shutdown().await;
        let left = async { while self.attendants.join_next().await.is_some() {} };
        if timeout(GIVE_UP, left).await.is_err() {
            self.attendants.shutdown().await;
        }
        self.running
    }

    async fn join_all(&mut self) {
        while let Some(Ok(name)) = self.tasks.join_next().await {
            self.running.remove(name);
        }
    }
}

/// Keeps `make()` going until `end`.
async fn supervise<F, Fut>(
    name: &'static str,
    on_exit: OnExit,
    shutdown: Shutdown,
    end: CancellationToken,
    make: F,
) -> &'static str
where
    F: Fn(Shutdown) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let span = tracing::info_span!("task", task.name = name);
    let work = async move {
        let mut pause = Duration::from_secs(1);
        while !end.is_cancelled() {
            let started = Instant::now();
            match tokio::spawn(make(shutdown.clone()).in_current_span()).await {
                Ok(Ok(())) if end.is_cancelled() => break,
                Ok(Ok(())) => warn!("task ended early"),
                Ok(Err(e)) => error!(error = format!("{e:#}"), "task failed"),
                Err(panic) => error!(error = %panic, "task panicked"),
            }
            if on_exit == OnExit::StopDaemon {
                shutdown.intake.cancel();
                break;
            }
            // One that had worked for long did not fail at the same thing again.
            if started.elapsed() > 2 * LONGEST_PAUSE {
                pause = Duration::from_secs(1);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                () = end.cancelled() => break,
            }
        }
        name
    };
    work.instrument(span).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_panicking_task_is_started_again_and_a_hanging_one_is_named() {
        let mut supervisor = Supervisor::default();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        supervisor.spawn("panics", OnExit::Restart, move |shutdown| {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(start > 0, "the first start panics");
                shutdown.intake.cancel();
                Ok(())
            }
        });
        supervisor.spawn("hangs", OnExit::Restart, |shutdown| async move {
            shutdown.drain.cancelled().await;
            std::future::pending().await
        });
        let left = supervisor.run(Duration::from_millis(50));
        let left = timeout(Duration::from_secs(20), left).await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 2);
        assert_eq!(left.into_iter().collect::<Vec<_>>(), ["hangs"]);
    }

    #[tokio::test]
    async fn who_asks_twice_does_not_wait_for_the_grace_period() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("sends slowly", OnExit::Restart, |shutdown| async move {
            shutdown.drain.cancelled().await;
            Ok(())
        });
        let shutdown = supervisor.shutdown();
        shutdown.intake.cancel();
        let ended = tokio::spawn(supervisor.run(Duration::from_secs(600)));
        shutdown.drain.cancel();
        let left = timeout(Duration::from_secs(10), ended).await.unwrap();
        assert!(left.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_daemon_stops_when_a_task_it_cannot_do_without_fails() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("http", OnExit::StopDaemon, |_| async {
            anyhow::bail!("port taken")
        });
        let ended = supervisor.run(Duration::from_secs(5));
        assert!(
            timeout(Duration::from_secs(5), ended)
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn an_attendant_stays_for_the_workers_and_holds_nobody_up() {
        let mut supervisor = Supervisor::default();
        let outlived = Arc::new(AtomicU32::new(0));
        let (worked, seen) = (outlived.clone(), outlived.clone());
        supervisor.attend("signals", OnExit::Restart, move |shutdown| {
            let seen = seen.clone();
            async move {
                shutdown.drain.cancelled().await;
                assert_eq!(seen.load(Ordering::SeqCst), 1, "the worker is still at it");
                seen.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        supervisor.spawn("works", OnExit::Restart, move |shutdown| {
            let worked = worked.clone();
            async move {
                shutdown.intake.cancel();
                tokio::task::yield_now().await;
                worked.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        let ended = supervisor.run(Duration::from_secs(600));
        let left = timeout(Duration::from_secs(20), ended).await.unwrap();
        assert!(left.is_empty());
        assert_eq!(outlived.load(Ordering::SeqCst), 2);
    }
}
