//! Agent runs: providers as services, and a durable runner that executes each run to exactly one
//! end.
//!
//! A *provider* is a `Service<AgentTask>` that answers a prompt about a repository. Two are built
//! in. [`SearchProvider`] answers from the source tree: which definitions and lines match the
//! prompt, and where the thing lives. `CommandProvider` (Unix) gives the prompt to a program in a
//! scratch copy of the repository and answers with its output and the diff. Neither is a language
//! model; a program can be one.
//!
//! A [`Runner`] takes runs from a [`RunStore`], gives them to providers, stores what they write
//! while they write it, and survives being killed.
//!
//! Use a provider alone for an answer now; use the runner when answers take longer than a request
//! and must not be lost. This is no general job queue: no schedules, no priorities.
//!
//! # A provider alone
//!
//! ```
//! use codegen_agents::{AgentTask, Journal, Repository, SearchProvider};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tree = tempfile::tempdir()?;
//! # let root = tree.path();
//! std::fs::write(root.join("window.rs"), "/// How much fits.\npub struct SlidingWindow;\n")?;
//!
//! let (journal, mut log) = Journal::channel(8);
//! let repository = Repository::new("demo", root);
//! let answer = SearchProvider::new()
//!     .oneshot(AgentTask::new("Where is the sliding window?", repository, journal))
//!     .await?;
//!
//! assert!(answer.summary.contains("`window.rs` (lines 1-2)"));
//! assert_eq!(log.recv().await.and_then(|entry| entry.tool_name).as_deref(), Some("search"));
//! # Ok(())
//! # }
//! ```
//!
//! # Running runs
//!
//! Any service can be a provider, with the layers it wears; [`Provider`] boxes it once.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use codegen_agents::{AgentTask, Answer, Provider, ProviderError};
//! use codegen_agents::{Providers, RunStore, Runner, SearchProvider};
//! use tower::service_fn;
//!
//! async fn serve(store: impl RunStore) {
//!     let echo = service_fn(async |task: AgentTask| {
//!         Ok::<_, ProviderError>(Answer::new(task.prompt, "an echo"))
//!     });
//!     let providers = Providers::new(Provider::new(SearchProvider::new()))
//!         .agent_type("echo", Provider::new(echo));
//!     let running = Runner::new(store, providers)
//!         .concurrency(NonZeroUsize::MIN)
//!         .start();
//!
//!     let waker = running.waker();
//!     // After each run that a handler stored:
//!     waker.wake();
//!
//!     running.shutdown(Duration::from_secs(10)).await;
//! }
//! ```
//!
//! What the runner makes of a store that keeps the promises of [`RunStore`]:
//!
//! - **One end.** A claim carries a fence, larger than all before it, and every write carries the
//!   fence of its claim. Once somebody else has claimed a run, whatever its former owner still
//!   writes is refused. So a run can be *executed* twice, when a process was only slow and not
//!   dead, but it *ends* once. Providers with effects outside must expect that.
//! - **No run is forgotten.** A run whose owner died is claimed again when its lease has expired.
//!   After [`max_attempts`](Runner::max_attempts) such attempts it ends as `FAILED` with
//!   "gave up after 3 interrupted attempts": a run that kills its process must not do so for ever.
//!   Attempts that an orderly shutdown interrupts are not counted.
//! - **The log comes first.** Entries are stored in the order they were written, and before the
//!   end of the run; the last entry and the end are one transaction. An entry whose storing
//!   failed half-way is stored again and may stand there twice. A second attempt appends to the
//!   log of the first.
//! - **Stopping.** [`Lease::Stop`] in answer to a heartbeat ends a run as `CANCELLED`, a third of a
//!   lease later at most. [`AgentTask::cancel`] tells the provider; one that doesn't end within
//!   5 s is dropped.
//!
//! ## When the store fails
//!
//! Every write is repeated, after 100 ms at first and every 5 s in the end, until the store has
//! answered; the answer of a provider waits for that in memory. A runner that could not renew a
//! lease for as long as it lasts ends the provider, because somebody else may have the run by
//! then, and puts the run back as soon as it can. A run whose claim succeeded without the runner
//! being told is claimed again one or two leases later. No run is lost or ended by a failing store.
//!
//! ## After a crash
//!
//! A new process waits for the leases of the dead one, up to 15 s by default: from outside, a dead
//! owner looks like a slow one. It is safe to wait less only if it is certain that the old process
//! is gone, for example because the new one got an exclusive lock on the database file that the old
//! one held. Whoever knows that may let all leases in the store expire before
//! [`Runner::start`]; the runner has no switch for it because it cannot know. Even a wrong
//! certainty only wastes work: the fence still lets one of the two end the run.
//!
//! # Cost
//!
//! Idle: one claim a second. Running: for each run a heartbeat every 5 s, two tasks and a channel of
//! 32 log entries. No locks of its own.

mod attempt;
mod backoff;
#[cfg(unix)]
mod command;
mod error;
mod job;
mod journal;
mod log;
mod owner;
mod provider;
mod runner;
mod search;
mod status;
mod store;
mod task;
mod tree;

#[cfg(unix)]
pub use command::CommandProvider;
pub use error::ProviderError;
pub use journal::Journal;
pub use log::{LogEntry, MessageType};
pub use provider::{Provider, Providers};
pub use runner::{RunWaker, Runner, Running};
pub use search::SearchProvider;
pub use status::{RunStatus, UnknownStatus};
pub use store::{Claim, ClaimedRun, Lease, Outcome, RunStore, Written};
pub use task::{AgentTask, Answer, Repository};
/// The token of [`AgentTask::cancel`].
pub use tokio_util::sync::CancellationToken;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
