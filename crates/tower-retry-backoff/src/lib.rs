//! What to retry, how long to wait and when to stop, as a tower layer.
//!
//! Use it in a client, around a service whose failures are often short: a network, an upstream that
//! restarts, a limit that frees up. Don't use it in a server around its own handlers (the caller
//! decides whether to ask again), around work that must not happen twice, or at two places of one
//! stack, where the attempts multiply.
//!
//! # Retry what fails
//!
//! A [`Policy`] says which results deserve another attempt. A closure over the result is one:
//!
//! ```
//! use std::io;
//! use tower::{Service, ServiceBuilder, ServiceExt};
//! use tower_retry_backoff::{RetryLayer, Verdict};
//! # use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! # let calls = Arc::new(AtomicU32::new(0));
//! # let upstream = tower::service_fn(move |name: &'static str| {
//! #     let call = calls.fetch_add(1, Relaxed);
//! #     async move {
//! #         if call < 2 { return Err(io::Error::from(io::ErrorKind::ConnectionReset)) }
//! #         Ok(format!("hello {name}"))
//! #     }
//! # });
//! let layer = RetryLayer::new(|result: Result<&String, &io::Error>| match result {
//!     Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Verdict::retry(),
//!     _ => Verdict::Done,
//! });
//! let stats = layer.stats();
//!
//! // This upstream drops two connections and answers the third.
//! let mut service = ServiceBuilder::new().layer(layer).service(upstream);
//! assert_eq!(service.ready().await?.call("world").await?, "hello world");
//! assert_eq!(stats.retries(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP the feature `http` brings a ready policy, `http::HttpPolicy`: idempotent requests only,
//! the usual transient statuses, `Retry-After`.
//!
//! # Choose the delays and the limits
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//! use tower_retry_backoff::{Backoff, Budget, RetryLayer, Verdict};
//!
//! const BACKOFF: Backoff =
//!     Backoff::exponential(Duration::from_millis(200), Duration::from_secs(5)).factor(1.5);
//!
//! let layer = RetryLayer::new(|result: Result<&(), &std::fmt::Error>| match result {
//!     Ok(()) => Verdict::Done,
//!     Err(_) => Verdict::retry_after(Duration::from_secs(1)),
//! })
//! .backoff(BACKOFF)
//! .budget(Budget::new(0.1))
//! .max_attempts(NonZeroU32::MIN.saturating_add(4))
//! .deadline(Duration::from_secs(20));
//! # let _ = layer;
//! ```
//!
//! # Rules
//!
//! - **Delay.** Drawn uniformly between zero and the ceiling that the schedule ([`Backoff`]) gives
//!   this retry, afresh for every request, so that callers that failed together don't return
//!   together. A hint of the policy (`Retry-After`) takes its place: the wait is then never shorter
//!   than the hint, and at most a tenth longer.
//! - **Stop.** The last result is returned at once, without a sleep, when the attempts are used up,
//!   when the delay does not fit into what is left of the deadline, when the hint is over its cap
//!   (sleeping less than asked would only hammer the upstream), or when the [`Budget`] has nothing
//!   left.
//! - **Budget.** Holds the retries of all calls together to a share of the calls, so that an
//!   upstream in trouble is not kept in it by those who want to know whether it is over. With
//!   `share` and `reserve` the attempts for each of `c` calls are at most
//!   `1 + share + reserve / c`, whatever share of them fails. There is none unless given.
//! - **Deadline.** Counts from the first poll of the response future and bounds when an attempt may
//!   *start*: no delay is slept that would end at it or later. A policy may know an earlier one of
//!   the request itself. It does not cut a running attempt nor the wait for the inner
//!   service to become ready; for that put a timeout inside (per attempt) or outside (in total).
//! - **Readiness.** Every attempt runs on an instance that said it was ready. It is polled after the
//!   delay, not before, so no permit is held while sleeping; its error ends the call.
//! - **Dropping** the response future ends attempts and timer; nothing runs in the background.
//! - **Place in a stack.** Outside of circuit breaker, limiter, attempt timeout and request signing,
//!   so that each attempt is counted, pays and is signed anew; inside of cache and total timeout.
//!   Whatever makes an idempotency key belongs outside, so that all attempts carry the same one.
//!
//! # Clone
//!
//! An eligible call clones the inner service once, for the attempts to come, and the request once
//! per attempt but the last permitted one, which takes the original. A call the policy finds
//! ineligible clones neither. A request that cannot be cloned, say with a streaming body, does not
//! fit; with the feature `http`, wrap the body into an `http::ReplayBody`.
//!
//! # Cost
//!
//! An eligible call adds one reference count, and reads the clock if it has to wait; there is no
//! lock, no box and no allocation besides those of the clones and of what the policy does. The
//! random generator is touched at the first retry, and so is the timer, for which a tokio runtime
//! must have time enabled (tokio panics if not). A call that succeeds at once adds one to a counter
//! of the [`Budget`] if there is one, and leaves the [`Stats`] alone.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `http` | module `http`: `HttpPolicy`, the parser of `Retry-After`, hints of the drafts and of gRPC, attempt number, count and deadline as extensions, bodies that can be sent again |
//! | `persist` | module `persist`: a journal from which operations in retry are taken up after a kill |
//! | `metrics` | through the `metrics` facade: `tower_retry_backoff.retries`, and `.gave_up` with a `reason` ([`Stop`]), both labelled with the [`upstream`](RetryLayer::upstream) |

mod budget;
mod future;
#[cfg(feature = "http")]
pub mod http;
mod layer;
mod limits;
mod metrics;
mod operation;
#[cfg(feature = "persist")]
pub mod persist;
mod policy;
mod retried;
mod schedule;
mod service;
mod stats;

pub use budget::Budget;
pub use future::ResponseFuture;
pub use layer::RetryLayer;
pub use policy::{Policy, Verdict};
pub use retried::{Retried, Stop, Upcoming};
pub use schedule::{Backoff, Delays};
pub use service::Retry;
pub use stats::Stats;

#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
struct Readme;
