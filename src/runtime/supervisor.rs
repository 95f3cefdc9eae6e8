//! Starts the daemon's long-lived tasks, restarts those that fail, and brings them all down
//! in order.
//!
//! Shutdown has two steps, because taking work in and finishing work are not the same thing:
//! [`Shutdown::intake`] is cancelled first, so that pollers and planners stop and senders
//! finish what they have begun; when the grace period is over [`Shutdown::drain`] is
//! cancelled too, and whoever is left is named and ended.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, warn};

/// The longest pause before a failed task is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

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
}

impl Supervisor {
    /// The signals, for those who ask for a shutdown.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Starts `make()` under supervision. A panic counts as a failure.
    pub fn spawn<F, Fut>(&mut self, name: &'static str, on_exit: OnExit, make: F)
    where
        F: Fn(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        let span = tracing::info_span!("task", task.name = name);
        let supervise = async move {
            let mut pause = Duration::from_secs(1);
            while !shutdown.intake.is_cancelled() {
                let started = Instant::now();
                match tokio::spawn(make(shutdown.clone()).in_current_span()).await {
                    Ok(Ok(())) if shutdown.intake.is_cancelled() => break,
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
                    () = shutdown.intake.cancelled() => break,
                }
            }
            name
        };
        self.running.insert(name);
        self.tasks.spawn(supervise.instrument(span));
    }

    /// Waits for a shutdown to be asked for, then for the tasks: `grace` for them to finish,
    /// then a little for them to give up what they hold. Answers the names of those that did
    /// neither and were ended.
    pub async fn run(mut self, grace: Duration) -> BTreeSet<&'static str> {
        self.shutdown.intake.cancelled().await;
        info!(tasks = ?self.running, "shutting down");
        let drain = self.shutdown.drain.clone();
        let ended = tokio::select! {
            ended = timeout(grace, self.join_all()) => ended.is_ok(),
            () = drain.cancelled() => false,
        };
        if !ended {
            warn!(?grace, waiting_for = ?self.running, "the grace period is over");
            drain.cancel();
            if timeout(Duration::from_secs(5), self.join_all())
                .await
                .is_err()
            {
                warn!(ended = ?self.running, "these did not end by themselves");
            }
        }
        self.tasks.shutdown().await;
        self.running
    }

    async fn join_all(&mut self) {
        while let Some(Ok(name)) = self.tasks.join_next().await {
            self.running.remove(name);
        }
    }
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
}
