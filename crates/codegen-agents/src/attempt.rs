use tokio::time::{Duration, Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::job::{Job, Log};
use crate::{
    AgentTask, ClaimedRun, Journal, Lease, LogEntry, Outcome, Providers, RunStatus, RunStore,
    Written,
};

/// Journal entries that may wait for the store before the provider waits for it too.
const UNSTORED_ENTRIES: usize = 32;

/// One claimed run on its way to an end, or back to `PENDING`.
pub(crate) struct Attempt<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) run: ClaimedRun,
    pub(crate) lease: Duration,
    /// Taken before the claim was sent, so never later than what the store believes.
    pub(crate) claimed_at: Instant,
}

/// Why a provider is stopped before it answered.
#[derive(Clone, Copy, Debug)]
enum Interrupt {
    /// Somebody asked for it.
    Stop,
    /// Somebody else has the run now.
    Lost,
    /// The store could not be asked for a whole lease: somebody else may have the run.
    Expired,
    /// This process ends.
    Shutdown,
}

impl<S: RunStore> Attempt<'_, S> {
    pub(crate) async fn drive(
        self,
        providers: &Providers,
        max_attempts: u32,
        shutdown: &CancellationToken,
    ) {
        if self.run.stop {
            return self.finish(&stopped()).await;
        }
        if self.run.attempt > max_attempts {
            let message = format!("gave up after {max_attempts} interrupted attempts");
            return self
                .finish(&Outcome::without_answer(RunStatus::Failed, message))
                .await;
        }
        let Some(provider) = providers.select(self.run.agent_type.as_deref()) else {
            return self
                .refuse("no provider is configured for this agent type")
                .await;
        };
        let Some(repository) = self.run.repository.clone() else {
            return self
                .refuse("the source tree of this repository is not known here")
                .await;
        };

        let (journal, entries) = Journal::channel(UNSTORED_ENTRIES);
        let mut log = Log::new(entries);
        let mut job = Job::spawn(
            provider.clone(),
            AgentTask {
                run_id: self.run.claim.run_id,
                organization_id: self.run.organization_id,
                prompt: self.run.prompt.clone(),
                repository,
                attempt: self.run.attempt,
                journal,
                cancel: CancellationToken::new(),
            },
        );
        let interrupt = tokio::select! {
            recorded = self.record(&mut job, &mut log) => match recorded {
                Written::Done => None,
                Written::Fenced => Some(Interrupt::Lost),
            },
            interrupt = self.keep_lease() => Some(interrupt),
            () = shutdown.cancelled() => Some(Interrupt::Shutdown),
        };
        if let Some(interrupt) = interrupt {
            tracing::info!(
                run_id = self.run.claim.run_id,
                ?interrupt,
                "run interrupted"
            );
            log.close();
            job.cancel().await;
            if matches!(interrupt, Interrupt::Lost)
                || self.record(&mut job, &mut log).await == Written::Fenced
            {
                return;
            }
        }
        match (job.into_result(), interrupt) {
            // The provider may have been faster than the interrupt: what is done is done.
            (Some(Ok(answer)), _) => self.finish(&Outcome::complete(answer)).await,
            (Some(Err(error)), None) => self.finish(&Outcome::error(&error)).await,
            (_, Some(Interrupt::Stop)) => self.finish(&stopped()).await,
            (_, _) => {
                // Fenced is as good: then somebody else continues the run.
                let _ = self
                    .persist("release", || self.store.release(self.run.claim))
                    .await;
            }
        }
    }

    async fn refuse(&self, reason: &str) {
        self.finish(&Outcome::without_answer(
            RunStatus::Error,
            reason.to_owned(),
        ))
        .await;
    }

    /// Stores what the provider writes until it has ended and everything is stored.
    async fn record(&self, job: &mut Job, log: &mut Log) -> Written {
        loop {
            tokio::select! {
                Some(entry) = log.next() => {
                    if self.append(entry).await == Written::Fenced {
                        return Written::Fenced;
                    }
                    log.stored();
                }
                () = job.ended() => break,
            }
        }
        // A provider may have left a journal behind in some task of its own: that one is cut off.
        log.close();
        while let Some(entry) = log.next().await {
            if self.append(entry).await == Written::Fenced {
                return Written::Fenced;
            }
            log.stored();
        }
        Written::Done
    }

    async fn append(&self, entry: &LogEntry) -> Written {
        self.persist("append to the log of", || {
            self.store.append_log(self.run.claim, entry)
        })
        .await
    }

    /// Renews the lease until that is no longer possible or wanted.
    async fn keep_lease(&self) -> Interrupt {
        let interval = self.lease / 3;
        let mut expires = self.claimed_at + self.lease;
        let mut next = self.claimed_at + interval;
        let mut backoff = Backoff::new();
        loop {
            sleep_until(next.min(expires)).await;
            let asked = Instant::now();
            let answer = timeout_at(expires, self.store.heartbeat(self.run.claim, self.lease));
            match answer.await {
                Ok(Ok(Lease::Held)) => {
                    expires = asked + self.lease;
                    next = asked + interval;
                    backoff = Backoff::new();
                }
                Ok(Ok(Lease::Stop)) => return Interrupt::Stop,
                Ok(Ok(Lease::Lost)) => return Interrupt::Lost,
                Ok(Err(error)) => {
                    tracing::warn!(
                        run_id = self.run.claim.run_id,
                        error = &error as &dyn std::error::Error,
                        "cannot renew the lease of a run"
                    );
                    next = Instant::now() + backoff.pause();
                    if Instant::now() >= expires {
                        return Interrupt::Expired;
                    }
                }
                Err(_) => return Interrupt::Expired,
            }
        }
    }

    async fn finish(&self, outcome: &Outcome) {
        let run_id = self.run.claim.run_id;
        match self
            .persist("finish", || self.store.finish(self.run.claim, outcome))
            .await
        {
            Written::Done => tracing::info!(run_id, status = %outcome.status, "run ended"),
            Written::Fenced => tracing::info!(run_id, "the end of a run was already stored"),
        }
    }

    /// Repeats a write until the store has answered it. The fence makes that safe: once the run is
    /// somebody else's, the answer is `Fenced`. In between the lease is renewed, so that it
    /// doesn't become somebody else's only because the store was away for a moment.
    async fn persist<F>(&self, what: &str, mut write: impl FnMut() -> F) -> Written
    where
        F: Future<Output = Result<Written, S::Error>>,
    {
        let mut backoff = Backoff::new();
        loop {
            match write().await {
                Ok(written) => return written,
                Err(error) => tracing::warn!(
                    run_id = self.run.claim.run_id,
                    error = &error as &dyn std::error::Error,
                    "cannot {what} a run"
                ),
            }
            sleep(backoff.pause()).await;
            // Only the write's own answer counts.
            let _ = self.store.heartbeat(self.run.claim, self.lease).await;
        }
    }
}

fn stopped() -> Outcome {
    Outcome::without_answer(RunStatus::Cancelled, "the run was stopped".to_owned())
}
