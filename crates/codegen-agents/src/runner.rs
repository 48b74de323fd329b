use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::attempt::Attempt;
use crate::backoff::Backoff;
use crate::owner::Owner;
use crate::{Providers, RunStore};

/// How long a shutdown waits for interrupted runs to be put back once their grace is over.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// Executes the runs of a [`RunStore`]: see the [crate docs](crate#running-runs).
pub struct Runner<S> {
    store: S,
    providers: Providers,
    concurrency: NonZeroUsize,
    lease: Duration,
    poll_interval: Duration,
    max_attempts: NonZeroU32,
}

impl<S: RunStore> Runner<S> {
    /// A runner that has not started.
    #[must_use]
    pub fn new(store: S, providers: Providers) -> Self {
        Self {
            store,
            providers,
            concurrency: const { NonZeroUsize::new(2).unwrap() },
            lease: Duration::from_secs(15),
            poll_interval: Duration::from_secs(1),
            max_attempts: const { NonZeroU32::new(3).unwrap() },
        }
    }

    /// How many runs are executed at the same time. Default 2: a run may keep a core busy, and
    /// requests want one too.
    #[must_use]
    pub fn concurrency(mut self, runs: NonZeroUsize) -> Self {
        self.concurrency = runs;
        self
    }

    /// How long a run stays with a runner that gives no sign of life. Heartbeats go out three
    /// times a lease. Default 15 s: a store may be away for two heartbeats, and after a crash
    /// nobody waits much longer than that. At least 30 ms, at most a day.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_millis(30), Duration::from_secs(24 * 60 * 60));
        self
    }

    /// How long an idle runner waits before it asks the store again. Default 1 s: with
    /// [`RunWaker::wake`] only expired leases and runs created by other processes wait for it.
    /// At least 1 ms.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// How many attempts a run gets whose runner keeps dying. Default 3: enough for crashes that
    /// have nothing to do with the run, few enough for a run that causes them.
    #[must_use]
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Starts claiming. Runs already in the store are taken like new ones.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    #[must_use = "dropping it stops the runner"]
    pub fn start(self) -> Running {
        let wake = Arc::new(Notify::new());
        let stop_claiming = CancellationToken::new();
        let interrupt = CancellationToken::new();
        let main = tokio::spawn(main_loop(
            self,
            Arc::clone(&wake),
            stop_claiming.clone(),
            interrupt.clone(),
        ));
        Running {
            wake,
            main,
            interrupt: interrupt.drop_guard(),
            stop_claiming: stop_claiming.drop_guard(),
        }
    }
}

impl<S> fmt::Debug for Runner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("concurrency", &self.concurrency)
            .field("lease", &self.lease)
            .field("poll_interval", &self.poll_interval)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}

/// A runner at work. Dropping it is a [`shutdown`](Running::shutdown) without grace that nobody
/// waits for.
#[derive(Debug)]
pub struct Running {
    wake: Arc<Notify>,
    main: JoinHandle<()>,
    interrupt: DropGuard,
    stop_claiming: DropGuard,
}

impl Running {
    /// A handle that tells the runner about new runs.
    #[must_use]
    pub fn waker(&self) -> RunWaker {
        RunWaker {
            wake: Arc::clone(&self.wake),
        }
    }

    /// Claims nothing more, lets the runs at work finish for `grace`, then interrupts what is
    /// left and puts it back to `PENDING`, so that the next start continues it.
    ///
    /// Takes at most `grace` and some 10 s. A run that could not be put back in that time, because
    /// the store is away, is found by the next start when its lease has expired.
    pub async fn shutdown(self, grace: Duration) {
        let Self {
            mut main,
            interrupt,
            stop_claiming,
            ..
        } = self;
        drop(stop_claiming);
        if timeout(grace, &mut main).await.is_ok() {
            return;
        }
        drop(interrupt);
        // The loop ends by itself: it bounds its own wait.
        if let Err(error) = main.await {
            tracing::error!(%error, "the runner ended abnormally");
        }
    }
}

/// Tells a runner that there is something to claim.
#[derive(Clone, Debug)]
pub struct RunWaker {
    wake: Arc<Notify>,
}

impl RunWaker {
    /// Makes the runner ask the store now. Never blocks; without effect after a shutdown.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

async fn main_loop<S: RunStore>(
    runner: Runner<S>,
    wake: Arc<Notify>,
    stop_claiming: CancellationToken,
    interrupt: CancellationToken,
) {
    let runner = Arc::new(runner);
    let mut owner = Owner::new(runner.lease);
    let mut attempts = JoinSet::new();
    let mut backoff = Backoff::new();
    'claiming: while !stop_claiming.is_cancelled() {
        while let Some(ended) = attempts.try_join_next() {
            settle(ended, &mut owner);
        }
        while attempts.len() >= runner.concurrency.get() {
            tokio::select! {
                Some(ended) = attempts.join_next() => settle(ended, &mut owner),
                () = stop_claiming.cancelled() => break 'claiming,
            }
        }
        let claimed_at = Instant::now();
        // An orderly stop lets a claim end: what it took is then executed or put back.
        let claimed = tokio::select! {
            claimed = runner.store.claim(owner.name(claimed_at), runner.lease) => claimed,
            () = interrupt.cancelled() => break,
        };
        match claimed {
            Ok(Some(run)) => {
                backoff = Backoff::new();
                tracing::info!(
                    run_id = run.claim.run_id,
                    attempt = run.attempt,
                    "run claimed"
                );
                let (runner, interrupt) = (Arc::clone(&runner), interrupt.clone());
                attempts.spawn(async move {
                    Attempt {
                        store: &runner.store,
                        run,
                        lease: runner.lease,
                        claimed_at,
                    }
                    .drive(&runner.providers, runner.max_attempts.get(), &interrupt)
                    .await;
                });
            }
            Ok(None) => {
                backoff = Backoff::new();
                tokio::select! {
                    () = wake.notified() => {}
                    () = sleep(runner.poll_interval) => {}
                    () = stop_claiming.cancelled() => {}
                }
            }
            Err(error) => {
                // It may have been done all the same.
                owner.doubt(Instant::now());
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot claim a run"
                );
                tokio::select! {
                    () = sleep(backoff.pause()) => {}
                    () = stop_claiming.cancelled() => {}
                }
            }
        }
    }
    let ending = async {
        while let Some(ended) = attempts.join_next().await {
            settle(ended, &mut owner);
        }
    };
    let bound = async {
        interrupt.cancelled().await;
        sleep(RELEASE_LIMIT).await;
    };
    tokio::select! {
        () = ending => {}
        () = bound => tracing::warn!("some runs could not be put back; their leases will expire"),
    }
}

/// An attempt cannot fail, but the store it calls may panic. Its run is then still held.
fn settle(ended: Result<(), JoinError>, owner: &mut Owner) {
    if let Err(error) = ended {
        tracing::error!(%error, "an attempt ended abnormally");
        owner.doubt(Instant::now());
    }
}
