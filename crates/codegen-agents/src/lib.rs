//! Agent runs: providers as services, a durable runner, code search and commands.

mod attempt;
mod backoff;
mod error;
mod job;
mod journal;
mod log;
mod provider;
mod runner;
mod status;
mod store;
mod task;

pub use error::ProviderError;
pub use journal::Journal;
pub use log::{LogEntry, MessageType};
pub use provider::{Provider, Providers};
pub use runner::{RunWaker, Runner, Running};
pub use status::{RunStatus, UnknownStatus};
pub use store::{Claim, ClaimedRun, Lease, Outcome, RunStore, Written};
pub use task::{AgentTask, Answer, Repository};
/// The token of [`AgentTask::cancel`].
pub use tokio_util::sync::CancellationToken;
