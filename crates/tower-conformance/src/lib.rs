//! Checks any [tower](https://docs.rs/tower) layer against the laws of
//! [`Service`](tower_service::Service).
//!
//! Most mistakes in a layer do not show in a test of its behaviour: the usual test double is always
//! ready, its clones are as good as the original, and nobody drops a future half way. This kit puts
//! the layer around a [`Probe`], which is none of that, and reports every [`Law`] that is broken,
//! with what was seen and what to do.
//!
//! Use it as a dev-dependency in the tests of a layer. It says nothing of what the layer is *for*;
//! that needs tests of its own, for which a [`Probe`] and its [`Control`] may serve as well.
//!
//! | law | |
//! |---|---|
//! | [`CalledOnlyWhenReady`](Law::CalledOnlyWhenReady) | the inner service is called only on an instance that has said it is ready |
//! | [`CloneStartsUnready`](Law::CloneStartsUnready) | permits, timers and ready flags are not copied |
//! | [`RepeatedPollReady`](Law::RepeatedPollReady) | a second `poll_ready` changes nothing |
//! | [`PendingHasWaker`](Law::PendingHasWaker) | whoever returns `Pending` wakes the latest waker |
//! | [`DroppedFuture`](Law::DroppedFuture) | a future that is gone has given everything back |
//! | [`DroppedService`](Law::DroppedService) | so has a service |
//! | [`InnerPanic`](Law::InnerPanic) | a panic of the inner service leaks nothing |
//! | [`BodyIsKept`](Law::BodyIsKept) | bodies keep content, `size_hint` and `is_end_stream` |
//!
//! # A layer
//!
//! Its author presents it as a [`Subject`], and [`check`] does the rest:
//!
//! ```
//! use std::time::Duration;
//!
//! use tower::timeout::Timeout;
//! use tower_conformance::{Probe, Subject, Violations, check};
//!
//! struct OneSecond;
//!
//! impl Subject for OneSecond {
//!     type Request = &'static str;
//!     type Response = &'static str;
//!     type Service = Timeout<Probe<&'static str>>;
//!
//!     fn service(&self, inner: Probe<&'static str>) -> Self::Service {
//!         Timeout::new(inner, Duration::from_secs(1))
//!     }
//!
//!     fn request(&self) -> &'static str {
//!         "ping"
//!     }
//!
//!     fn response() -> &'static str {
//!         "pong"
//!     }
//! }
//!
//! // In a test: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Violations> {
//! check(&OneSecond).await
//! # }
//! ```
//!
//! # A layer with state of its own
//!
//! What the layer itself lends out, [`Subject::held`] counts; then that is checked to come back
//! too:
//!
//! ```
//! use std::sync::Arc;
//!
//! use tokio::sync::Semaphore;
//! use tower::limit::ConcurrencyLimit;
//! use tower_conformance::{Probe, Subject, Violations, check};
//!
//! struct TwoAtOnce;
//!
//! /// The service and the semaphore it was built with.
//! # #[derive(Clone)]
//! struct Limited(ConcurrencyLimit<Probe<()>>, Arc<Semaphore>);
//! # impl tower_service::Service<()> for Limited {
//! #     type Response = ();
//! #     type Error = tower_conformance::Failure;
//! #     type Future = <ConcurrencyLimit<Probe<()>> as tower_service::Service<()>>::Future;
//! #     fn poll_ready(
//! #         &mut self,
//! #         cx: &mut std::task::Context<'_>,
//! #     ) -> std::task::Poll<Result<(), Self::Error>> {
//! #         tower_service::Service::<()>::poll_ready(&mut self.0, cx)
//! #     }
//! #     fn call(&mut self, request: ()) -> Self::Future {
//! #         self.0.call(request)
//! #     }
//! # }
//!
//! impl Subject for TwoAtOnce {
//! #   type Request = ();
//! #   type Response = ();
//! #   type Service = Limited;
//! #   fn request(&self) {}
//! #   fn response() {}
//!     // ...
//!     fn service(&self, inner: Probe<()>) -> Limited {
//!         let semaphore = Arc::new(Semaphore::new(2));
//!         Limited(ConcurrencyLimit::with_semaphore(inner, semaphore.clone()), semaphore)
//!     }
//!
//!     fn held(&self, service: &Limited) -> usize {
//!         2 - service.1.available_permits()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Violations> {
//! check(&TwoAtOnce).await
//! # }
//! ```
//!
//! A layer that behaves differently when it is full, open or warm is one more subject for each such
//! state, with a [`Subject::prepare`] that leads there.
//!
//! # Bodies
//!
//! A layer that touches the bodies of requests or responses is also held against
//! [`laws::body_is_kept`].
//!
//! # What it allows
//!
//! - A layer may poll the inner service to readiness in its own `poll_ready`, or later, on a clone
//!   that it owns, in the future.
//! - It may sleep: on the paused clock that costs nothing, up to a day at a time.
//! - It may spawn tasks, as long as they end when that which they work for is dropped.
//! - It may let a panic through or answer in its place.
//!
//! # What it needs
//!
//! - A current-thread tokio runtime with a paused clock.
//! - A service that is `Clone`: one clone stays aside to see what the others leave behind.
//! - A layer whose inner service may fail with [`Failure`]; where another error is asked for, put a
//!   `map_err` around the [`Probe`].
//! - A layer that does not ask the futures of the inner service to be `Unpin`; those of the probe
//!   are not.

mod body;
mod check;
mod drive;
pub mod laws;
mod probe;
mod stage;
mod subject;
mod violation;

pub use self::{
    body::ProbeBody,
    check::check,
    probe::{Answer, Control, Failure, Ledger, Probe, Readiness, ResponseFuture},
    subject::Subject,
    violation::{Law, Violation, Violations},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
