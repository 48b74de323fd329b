use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{AgentTask, Answer, LogEntry, Provider, ProviderError};

/// How long a cancelled provider may take to clean up before it is dropped.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(5);

/// A provider at work in a task of its own, so that its panic is its own too. Dropping it ends it.
pub(crate) struct Job {
    task: JoinHandle<Result<Answer, ProviderError>>,
    cancel: CancellationToken,
    ended: bool,
    result: Option<Result<Answer, ProviderError>>,
}

impl Job {
    pub(crate) fn spawn(provider: Provider, task: AgentTask) -> Self {
        Self {
            cancel: task.cancel.clone(),
            task: tokio::spawn(provider.oneshot(task)),
            ended: false,
            result: None,
        }
    }

    /// Waits for the end of the provider. Cancel safe; answers at once when it has ended.
    pub(crate) async fn ended(&mut self) {
        if self.ended {
            return;
        }
        self.result = match (&mut self.task).await {
            Ok(result) => Some(result),
            Err(error) if error.is_panic() => Some(Err(ProviderError::Panicked)),
            // Aborted, by us or by the end of the runtime: that says nothing about the run.
            Err(_) => None,
        };
        self.ended = true;
    }

    /// Asks the provider to end, and drops it when it doesn't.
    pub(crate) async fn cancel(&mut self) {
        self.cancel.cancel();
        if timeout(CLEAN_UP_LIMIT, self.ended()).await.is_err() {
            self.task.abort();
            self.ended().await;
        }
    }

    /// What the provider answered; `None` when it did not come to that.
    pub(crate) fn into_result(mut self) -> Option<Result<Answer, ProviderError>> {
        self.result.take()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.task.abort();
    }
}

/// The reading end of a journal. An entry stays here until it is stored.
pub(crate) struct Log {
    entries: mpsc::Receiver<LogEntry>,
    unstored: Option<LogEntry>,
}

impl Log {
    pub(crate) fn new(entries: mpsc::Receiver<LogEntry>) -> Self {
        Self {
            entries,
            unstored: None,
        }
    }

    /// The oldest entry that is not stored; `None` when there will be none. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<&LogEntry> {
        if self.unstored.is_none() {
            self.unstored = self.entries.recv().await;
        }
        self.unstored.as_ref()
    }

    pub(crate) fn stored(&mut self) {
        self.unstored = None;
    }

    /// Refuses new entries; those already written can still be read.
    pub(crate) fn close(&mut self) {
        self.entries.close();
    }
}
