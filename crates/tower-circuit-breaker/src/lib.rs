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
//! callers of its layer, so give each upstream a layer of its own, or
//! [each key a circuit](CircuitBreakerLayer::per_key).
//!
//! Order in a client: retry outside of the breaker, so that every attempt is evidence and an open
//! circuit ends the loop; attempt timeout inside, because of a call dropped from outside nobody
//! knows [what it says](CircuitBreakerLayer::on_cancel); a limiter that refuses inside, judged
//! [`Verdict::Ignore`]; a limiter that waits between the [two halves](CircuitBreakerLayer::split) if
//! slow calls count, else inside.
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
//! const LAST_MINUTE: Window = Window::Time(Duration::from_secs(60));
//!
//! let layer = CircuitBreakerLayer::new()
//!     .name("search")
//!     .trip(
//!         Trip::failure_rate(0.25, LAST_MINUTE)?
//!             .or_slow_rate(Duration::from_secs(2), 0.5, LAST_50)?
//!             .min_calls(10),
//!     )
//!     .open_for(Duration::from_secs(1), Duration::from_secs(60))
//!     .probes(NonZeroU16::MIN)
//!     .probe_lease(Duration::from_secs(10))
//!     .ramp(Duration::from_secs(5))
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
//! - **Closed.** Results are recorded over a window of calls or of time, which slides. The circuit
//!   opens on the result that meets the [`Trip`] rule: too many failures, too many in a row, or too
//!   many slow calls.
//! - **Open.** Calls are refused with [`Error::Open`], which says when to come back and why; the
//!   inner service is neither polled nor called. The open time
//!   [grows](CircuitBreakerLayer::open_for) with every failed attempt to recover, up to a cap, and
//!   half of it is random. The service can [ask for longer](Classify::retry_after).
//! - **Half-open.** Exactly [`probes`](CircuitBreakerLayer::probes) calls pass. All succeed: closed,
//!   with nothing remembered. One fails or is slow: open again. One is dropped or ignored: its slot
//!   is free for the next call. One hangs: it is replaced after its
//!   [lease](CircuitBreakerLayer::probe_lease).
//! - **Closed again.** At once for all calls, or for a share that [grows](CircuitBreakerLayer::ramp).
//! - **Late results.** A result counts only in the state that admitted its call. What ends later is
//!   handed to its caller, changes nothing, and is [counted](Handle::late_results).
//! - **Verdicts.** A [`Classify`] says success, failure, throttled or ignore. What a
//!   [dropped](CircuitBreakerLayer::on_cancel) call and a
//!   [panic](CircuitBreakerLayer::on_panic) of the inner service say is set apart.
//! - **Readiness.** `poll_ready` never fails because the circuit is open; the call does. With
//!   [`WhenOpen::Wait`] the service is not ready instead.
//! - **From outside.** A [`Handle`] shows the state, tells of its changes, opens, closes, isolates
//!   or disables the circuit, and keeps its state [over a restart](Handle::snapshot).
//!
//! # Other shapes
//!
//! | made by | for |
//! |---|---|
//! | [`per_key`](CircuitBreakerLayer::per_key) | a circuit per host, tenant or whatever the request says, a bounded number of them |
//! | [`split`](CircuitBreakerLayer::split) | a stack with something that waits inside of the breaker |
//! | `until_body_end` (feature `http`) | responses whose body can fail after a good head |
//!
//! # Metrics
//!
//! With the feature `metrics`, all with the label `circuit`, the name of the circuit or nothing:
//!
//! | name | kind | further labels |
//! |---|---|---|
//! | `tower_circuit_breaker.changes` | counter of changes of state | `to`: `closed`, `open`, `half-open`, `isolated`, `disabled` |
//! | `tower_circuit_breaker.refused` | counter of refused calls | `cause`, as [`Cause`] says it |
//! | `tower_circuit_breaker.late_results` | counter | |
//! | `tower_circuit_breaker.shut` | gauge: how many circuits are neither closed nor disabled | |
//!
//! Keys of a keyed breaker are no labels: there may be any number of them.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `http` | `HttpStatus`: judges responses by status code, and reads `Retry-After`; `until_body_end` |
//! | `metrics` | the metrics above |
//! | `serde` | [`Saved`] can be serialized |
//!
//! # Cost
//!
//! No allocation and no lock on a call. While all goes well a call with a window of calls only
//! reads shared memory; it writes when the window holds a failure or is not yet full. A window of
//! time costs a clock reading and a write, a slow-call rule two clock readings. A lock is taken for
//! the moment in which the circuit closes. A circuit with the default window takes about 600 bytes.
//! The response future is two words larger than the inner one; a clone of the service allocates two
//! words and its counts. With the feature `metrics` refusals and changes of state allocate labels.

mod atomic;
#[cfg(feature = "http")]
mod body;
mod buckets;
mod cause;
mod circuit;
mod classify;
mod clock;
mod counts;
mod door;
pub mod error;
mod evidence;
pub mod future;
mod handle;
#[cfg(test)]
mod interleavings;
mod keyed;
mod layer;
mod metrics;
mod open_time;
mod pass;
mod permit;
mod random;
mod ring;
mod saved;
#[cfg(test)]
mod schedules;
mod service;
mod settings;
mod split;
mod state;
#[cfg(feature = "http")]
mod status;
mod tagged;
mod tally;
mod trip;
mod word;

#[cfg(feature = "http")]
pub use self::{
    body::{BodyAware, BodyAwareLayer, ResponseBody},
    status::HttpStatus,
};
pub use self::{
    cause::Cause,
    classify::{Classify, FailOnError, Verdict},
    error::Error,
    handle::{Handle, Subscription},
    keyed::{KeyedCircuitBreaker, KeyedCircuitBreakerLayer, KeyedHandle},
    layer::CircuitBreakerLayer,
    saved::Saved,
    service::CircuitBreaker,
    settings::{OnCancel, WhenOpen},
    split::{Admitted, Gate, GateLayer, Observe, ObserveLayer},
    state::State,
    trip::{InvalidRate, Trip, Window},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
