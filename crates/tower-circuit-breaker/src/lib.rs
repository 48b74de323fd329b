//! A circuit breaker as a [tower](https://docs.rs/tower) layer: stops calling a service that fails,
//! asks it again later with a few calls.
//!
//! ```text
//!            too many failures
//!   closed ---------------------> open <------------+
//!     ^                            | after its time | a probe failed:
//!     |     all probes passed      v                | open for longer
//!     +----------------------- half-open -----------+
//! ```
//!
//! # When to use it, and when not
//!
//! Use it around calls that leave the process: while the other side is down, callers get their
//! answer at once and it gets the quiet it needs to come back. Don't use it to limit load (that is a
//! limiter's work), nor around something that fails for one caller only: a circuit is shared by all
//! callers of its layer, so give each upstream a layer of its own.
//!
//! Order in a client: retry outside of the breaker, so that every attempt is evidence and an open
//! circuit ends the loop; attempt timeout inside, because a call dropped from outside says nothing
//! about the service.
//!
//! # Example
//!
//! ```
//! use tower::{Layer, Service, ServiceExt};
//! use tower_circuit_breaker::{CircuitBreakerLayer, Error, State};
//!
//! # tokio_test::block_on(async {
//! let layer = CircuitBreakerLayer::new();
//! let circuit = layer.handle();
//! let mut service = layer.layer(tower::service_fn(async |number: i32| {
//!     if number < 0 { Err("negative") } else { Ok(number + 1) }
//! }));
//!
//! assert_eq!(service.ready().await?.call(1).await?, 2);
//! for _ in 0..5 {
//!     assert!(service.ready().await?.call(-1).await.is_err());
//! }
//!
//! assert_eq!(circuit.state(), State::Open);
//! match service.ready().await?.call(1).await {
//!     Err(Error::Open { retry_after, .. }) => println!("come back in {retry_after:?}"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<_, Error<&str>>(())
//! # }).unwrap();
//! ```
//!
//! With settings, and a classifier that knows the service's errors:
//!
//! ```
//! use std::{io, num::NonZeroU16, time::Duration};
//! use tower_circuit_breaker::{CircuitBreakerLayer, Trip, Verdict, Window};
//!
//! const LAST_50: Window = Window::Calls(NonZeroU16::new(50).unwrap());
//!
//! let layer = CircuitBreakerLayer::new()
//!     .trip(Trip::failure_rate(0.25, LAST_50)?.min_calls(10))
//!     .open_for(Duration::from_secs(1), Duration::from_secs(60))
//!     .probes(NonZeroU16::MIN)
//!     .probe_lease(Duration::from_secs(10))
//!     .classify(|result: Result<&Vec<u8>, &io::Error>| match result {
//!         Err(error) if error.kind() == io::ErrorKind::NotFound => Verdict::Success,
//!         Err(_) => Verdict::Failure,
//!         Ok(_) => Verdict::Success,
//!     });
//! # let _ = layer;
//! # Ok::<_, tower_circuit_breaker::InvalidRate>(())
//! ```
//!
//! # Behaviour
//!
//! - **Closed.** Results are recorded over a window that slides with every call. The circuit opens
//!   on the failure that meets the [`Trip`] rule.
//! - **Open.** Calls are refused with [`Error::Open`], which says when to come back; the inner
//!   service is neither polled nor called. The open time [grows](CircuitBreakerLayer::open_for)
//!   with every failed attempt to recover, up to a cap, and half of it is random.
//! - **Half-open.** Exactly [`probes`](CircuitBreakerLayer::probes) calls pass. All succeed: closed,
//!   with nothing remembered. One fails: open again. One is dropped or ignored: its slot is free
//!   for the next call. One hangs: it is replaced after its
//!   [lease](CircuitBreakerLayer::probe_lease).
//! - **Late results.** A result counts only in the state that admitted its call. What ends later is
//!   handed to its caller, changes nothing, and is [counted](Handle::late_results).
//! - **Verdicts.** A [`Classify`] says success, failure, throttled or ignore. A panic of the inner
//!   service is a failure; a call dropped before its end is ignored.
//! - **Readiness.** `poll_ready` never fails because the circuit is open; the call does.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `http` | `HttpStatus`: judges responses by status code |
//!
//! # Cost
//!
//! No allocation and no lock on a call. While all goes well a call only reads shared memory; it
//! writes when the window holds a failure or is not yet full. A lock is taken for the moment in
//! which the circuit closes. A circuit with the default window takes about 250 bytes. The response
//! future is two words larger than the inner one; a clone of the service allocates two words and
//! its counts.

mod circuit;
mod classify;
pub mod error;
mod evidence;
pub mod future;
mod handle;
mod layer;
mod open_time;
mod pass;
mod ring;
mod service;
mod state;
#[cfg(feature = "http")]
mod status;
mod tagged;
mod trip;
mod word;

#[cfg(feature = "http")]
pub use self::status::HttpStatus;
pub use self::{
    classify::{Classify, FailOnError, Verdict},
    error::Error,
    handle::Handle,
    layer::CircuitBreakerLayer,
    service::CircuitBreaker,
    state::State,
    trip::{InvalidRate, Trip, Window},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
