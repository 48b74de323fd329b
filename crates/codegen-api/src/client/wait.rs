use std::time::Duration;

use tokio::time::Instant;

use super::{Client, Error, ErrorKind};
use crate::model::AgentRun;

/// How long to wait unless told otherwise: longer than most runs take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The first pause between two looks; each further one is half as long again.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);

/// The longest pause: late by little against the minutes a run takes.
const LONGEST_INTERVAL: Duration = Duration::from_secs(10);

/// A wait for the end of a run. Made by [`Client::wait_for_completion`].
///
/// Looks at the run in growing intervals, from 250 ms by half again up to 10 s, and once more
/// within half a second before the timeout. Failures that may pass (network, limits, the server) do not end the wait; what the caller has to mend does.
/// Dropping the future ends the wait; the run goes on.
#[derive(Debug)]
#[must_use = "a wait does nothing until it is sent"]
pub struct Wait<F = fn(&AgentRun)> {
    client: Client,
    organization_id: i64,
    run_id: i64,
    timeout: Duration,
    observe: F,
}

impl Wait {
    pub(super) fn new(client: Client, organization_id: i64, run_id: i64) -> Self {
        Self {
            client,
            organization_id,
            run_id,
            timeout: TIMEOUT,
            observe: |_| {},
        }
    }
}

impl<F: FnMut(&AgentRun)> Wait<F> {
    /// How long to wait. Default 10 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Calls `observe` with the run at every look.
    pub fn observe<G: FnMut(&AgentRun)>(self, observe: G) -> Wait<G> {
        Wait {
            client: self.client,
            organization_id: self.organization_id,
            run_id: self.run_id,
            timeout: self.timeout,
            observe,
        }
    }

    /// Waits until the run has ended, well or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFinished`] with the last seen state when the timeout is over, or when the
    /// server asks for a longer pause than is left; the failure
    /// of the last look when the run was never seen, or when waiting longer would not mend it.
    pub async fn send(mut self) -> Result<AgentRun, Error> {
        let started = Instant::now();
        // `None`: too far off to be an instant, so never.
        let end = started.checked_add(self.timeout);
        let mut interval = FIRST_INTERVAL;
        let mut looks = 0_u32;
        let mut last: Option<AgentRun> = None;
        loop {
            looks = looks.saturating_add(1);
            let look = self.client.run(self.organization_id, self.run_id).send();
            let look = match end {
                Some(end) => tokio::time::timeout_at(end, look).await.ok(),
                None => Some(look.await),
            };
            let failure = match look {
                Some(Ok(run)) => {
                    (self.observe)(&run);
                    if run.is_final() {
                        return Ok(run);
                    }
                    last = Some(run);
                    None
                }
                Some(Err(error)) if !error.is_retryable() => return Err(error),
                Some(Err(error)) => Some(error),
                None => None,
            };
            let hint = failure.as_ref().and_then(Error::retry_after);
            let hint = hint.unwrap_or_default();
            let left = end.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(Instant::now())
            });
            let mut pause = interval.max(hint);
            if pause >= left {
                // Nearer and nearer to the end, so that a run that ends just before it is seen.
                pause = left / 2;
            }
            if pause < hint.max(FIRST_INTERVAL) {
                let message = format!("the run had not ended within {:.1?}", self.timeout);
                let error = match (last, failure) {
                    (Some(run), _) => Error::new(ErrorKind::NotFinished(Box::new(run)), message),
                    (None, Some(failure)) => return Err(failure),
                    (None, None) => Error::new(ErrorKind::Timeout, message),
                };
                return Err(error.during("wait_for_completion", looks, started.elapsed()));
            }
            tokio::time::sleep(pause).await;
            interval = (interval * 3 / 2).min(LONGEST_INTERVAL);
        }
    }
}
