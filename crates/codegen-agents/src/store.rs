use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Answer, LogEntry, ProviderError, Repository, RunStatus};

/// The right to write to one run, for as long as nobody else claimed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The run.
    pub run_id: i64,
    /// Larger with every claim of this run. A write that carries an older fence is refused.
    pub fence: i64,
}

/// A run as [`RunStore::claim`] hands it out.
///
/// `Debug` leaves the prompt out: it is the caller's text.
#[derive(Clone)]
pub struct ClaimedRun {
    /// The right to write to it.
    pub claim: Claim,
    /// The organization it belongs to.
    pub organization_id: i64,
    /// 1 plus the number of leases on this run that expired since it was created or resumed.
    pub attempt: u32,
    /// Whether somebody asked for this run to stop while no runner held it.
    pub stop: bool,
    /// What is asked.
    pub prompt: String,
    /// Which provider is asked; `None` for the default one.
    pub agent_type: Option<String>,
    /// What it is asked about; `None` when no source tree is known here.
    pub repository: Option<Repository>,
}

impl fmt::Debug for ClaimedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedRun")
            .field("claim", &self.claim)
            .field("organization_id", &self.organization_id)
            .field("attempt", &self.attempt)
            .field("stop", &self.stop)
            .field("agent_type", &self.agent_type)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

/// The answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a lost lease or a request to stop ends the attempt"]
pub enum Lease {
    /// The lease was renewed.
    Held,
    /// The lease was renewed, and somebody asked for the run to stop.
    Stop,
    /// The run is no longer ours: it was claimed again, released, ended or deleted.
    Lost,
}

/// The answer to a fenced write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a fenced write changed nothing"]
pub enum Written {
    /// Stored, durably.
    Done,
    /// Refused, nothing changed: the run is no longer ours.
    Fenced,
}

/// The end of a run: all of it is stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// A final state.
    pub status: RunStatus,
    /// The `result` of the run: the answer, and the diff below it if there is one.
    pub result: Option<String>,
    /// The `summary` of the run.
    pub summary: Option<String>,
    /// The last entry of the log: `FINAL_ANSWER` or `ERROR`.
    pub entry: LogEntry,
}

impl Outcome {
    /// The run ended with an answer.
    #[must_use]
    pub fn complete(answer: Answer) -> Self {
        let Answer {
            text,
            summary,
            diff,
        } = answer;
        let (result, observation) = match diff {
            None => (text.clone(), Value::String(text)),
            Some(diff) => (
                format!("{text}\n\n{diff}"),
                json!({ "answer": text, "diff": diff }),
            ),
        };
        Self {
            status: RunStatus::Complete,
            result: Some(result),
            summary: Some(summary),
            entry: LogEntry::final_answer(observation),
        }
    }

    /// The run ended with an error of its provider; the state is [`ProviderError::status`].
    #[must_use]
    pub fn error(error: &ProviderError) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        Self::without_answer(error.status(), message)
    }

    pub(crate) fn without_answer(status: RunStatus, message: String) -> Self {
        Self {
            status,
            result: None,
            summary: Some(message.clone()),
            entry: LogEntry::error(message),
        }
    }
}

/// Where runs live. Implemented by the store of the product; the crate docs say what the
/// [`Runner`](crate::Runner) makes of it.
///
/// Every method is one transaction, and its effect is durable when it returns. An `Err` is
/// "cannot say now" (locked, full, away): the runner asks again. An implementation returns errors
/// instead of waiting longer than a few seconds.
///
/// The words *expired* and *lease* are about the store's own clock, one clock for all runners.
///
/// Implementations may write the methods as `async fn`.
pub trait RunStore: Send + Sync + 'static {
    /// What can go wrong with the store itself.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Takes the oldest run that is `PENDING`, or `ACTIVE` with an expired lease of another owner;
    /// `None` when there is none.
    ///
    /// In the same transaction the run becomes `ACTIVE`, its fence grows by one, its owner is
    /// `owner` and its lease ends `lease` from now. The attempt grows by one if the run was
    /// `ACTIVE`; it is 1 after creation. Two calls at the same time never get the same run.
    ///
    /// `owner` names one start of one runner. A runner is not given what it already holds: when
    /// the store was away for longer than a lease, it comes back to renew, end or release that,
    /// and must not compete with itself.
    fn claim(
        &self,
        owner: &str,
        lease: Duration,
    ) -> impl Future<Output = Result<Option<ClaimedRun>, Self::Error>> + Send;

    /// Moves the end of the lease to `lease` from now, also when it already passed but nobody
    /// claimed the run since.
    fn heartbeat(
        &self,
        claim: Claim,
        lease: Duration,
    ) -> impl Future<Output = Result<Lease, Self::Error>> + Send;

    /// Appends to the log of the run, after all entries already there.
    fn append_log(
        &self,
        claim: Claim,
        entry: &LogEntry,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Appends the last entry and ends the run, if it is `ACTIVE` under this claim.
    ///
    /// The runner repeats a call whose answer it did not get. The second call finds the run ended
    /// and is answered [`Written::Fenced`], which the runner takes as well.
    fn finish(
        &self,
        claim: Claim,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Puts the run back to `PENDING` without counting an attempt, if it is `ACTIVE` under this
    /// claim. It keeps its age, its log and its fence.
    fn release(&self, claim: Claim) -> impl Future<Output = Result<Written, Self::Error>> + Send;
}

impl<T: RunStore> RunStore for Arc<T> {
    type Error = T::Error;

    fn claim(
        &self,
        owner: &str,
        lease: Duration,
    ) -> impl Future<Output = Result<Option<ClaimedRun>, Self::Error>> + Send {
        T::claim(self, owner, lease)
    }

    fn heartbeat(
        &self,
        claim: Claim,
        lease: Duration,
    ) -> impl Future<Output = Result<Lease, Self::Error>> + Send {
        T::heartbeat(self, claim, lease)
    }

    fn append_log(
        &self,
        claim: Claim,
        entry: &LogEntry,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send {
        T::append_log(self, claim, entry)
    }

    fn finish(
        &self,
        claim: Claim,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send {
        T::finish(self, claim, outcome)
    }

    fn release(&self, claim: Claim) -> impl Future<Output = Result<Written, Self::Error>> + Send {
        T::release(self, claim)
    }
}
