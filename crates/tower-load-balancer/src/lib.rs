//! Spreads requests over several endpoints of a service, and leaves out those that fail.
//!
//! A [`Balance`] is a [tower](https://docs.rs/tower) `Service` over a set of [`Endpoints`], each of
//! which is a service of its own: a client for one backend, a stack with layers around it.
//!
//! # When to use it, and when not
//!
//! Use it when a client knows several backends that do the same. Don't use it in front of a single
//! address behind which somebody else balances already, and don't put state into endpoints that
//! requests of all kinds must find again: [`ConsistentHash`] keeps a key at its place as long as that
//! place is healthy, and no longer.
//!
//! Order in a client: retry with its waits outside; then this, with [failover](Failover), which does
//! not wait; layers that are about one backend (attempt timeout, circuit breaker, limiter) inside,
//! around each endpoint.
//!
//! # Example
//!
//! ```
//! use tower::{Service, ServiceExt};
//! use tower_load_balancer::{Balance, Endpoint, Endpoints, Error, RoundRobin};
//!
//! # tokio_test::block_on(async {
//! let backend = |name: &'static str| {
//!     Endpoint::new(name, tower::service_fn(move |request: u32| async move {
//!         Ok::<_, &str>(format!("{request} from {name}"))
//!     }))
//! };
//! let endpoints = Endpoints::from_iter([backend("a"), backend("b")]);
//! let mut service = Balance::new(endpoints.clone(), RoundRobin::new());
//!
//! assert_eq!(service.ready().await?.call(1).await?, "1 from a");
//! assert_eq!(service.ready().await?.call(2).await?, "2 from b");
//!
//! endpoints.insert(backend("c"));
//! endpoints.remove(&"a");
//! assert_eq!(endpoints.status().len(), 2);
//! # Ok::<_, Error<&str>>(())
//! # }).unwrap();
//! ```
//!
//! With weights, a backup, rules for leaving endpoints out, probes, and failover:
//!
//! ```
//! use std::{num::NonZeroU16, time::Duration};
//! use tower::ServiceExt;
//! use tower_load_balancer::{
//!     Balance, Ejection, Endpoint, Endpoints, HealthCheck, LeastPending, Verdict,
//! };
//!
//! #[derive(Clone)]
//! struct Backend;
//! # impl tower::Service<String> for Backend {
//! #     type Response = u16;
//! #     type Error = std::io::Error;
//! #     type Future = std::future::Ready<Result<u16, std::io::Error>>;
//! #     fn poll_ready(
//! #         &mut self,
//! #         _: &mut std::task::Context<'_>,
//! #     ) -> std::task::Poll<Result<(), std::io::Error>> {
//! #         std::task::Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, _: String) -> Self::Future {
//! #         std::future::ready(Ok(200))
//! #     }
//! # }
//!
//! # tokio_test::block_on(async {
//! let endpoints = Endpoints::from_iter([
//!     Endpoint::new("big", Backend).weight(NonZeroU16::new(3).unwrap()),
//!     Endpoint::new("small", Backend),
//!     Endpoint::new("backup", Backend).priority(1),
//! ])
//! .ejection(Ejection::new().lasting(Duration::from_secs(10), Duration::from_secs(60)))
//! .slow_start(Duration::from_secs(30));
//!
//! let probe = |_key: &'static str, service: Backend| async move {
//!     service.oneshot(String::from("get /health")).await.is_ok()
//! };
//! tokio::spawn(HealthCheck::new(&endpoints, probe).interval(Duration::from_secs(5)).run());
//!
//! let service = Balance::new(endpoints, LeastPending::new())
//!     .classify(|result: Result<&u16, &std::io::Error>| match result {
//!         Ok(status) if *status < 500 => Verdict::Success,
//!         _ => Verdict::Failure,
//!     })
//!     .failover(|request: &String| request.starts_with("get ").then(|| request.clone()));
//! # let mut service = service;
//! # use tower::Service;
//! # assert_eq!(service.ready().await.unwrap().call("get x".to_string()).await.unwrap(), 200);
//! # });
//! ```
//!
//! # Which endpoint
//!
//! | policy | picks | for |
//! |---|---|---|
//! | [`RoundRobin`] | one after the other, by weight, never bunched | requests that are all alike |
//! | [`LeastPending`] | the one with the fewest requests in flight for its weight | most services |
//! | [`PeakEwma`] | the one that answers soonest | endpoints that differ in speed |
//! | [`ConsistentHash`] | the one that a key of the request belongs to | caches, sessions, clients by address |
//! | [`Random`] | any, by weight | many balancers that know nothing of each other |
//! | [`InOrder`] | the first that works | a primary and its replacements |
//!
//! A [`Policy`] of your own sees the same [`Candidates`].
//!
//! Endpoints of a [later priority](Endpoint::priority) get a request when those before them are not
//! healthy enough, are full, or have failed this very request.
//!
//! Providers that are not alike, of which the first one that works is wanted, are a [`fallback`].
//!
//! # Behaviour
//!
//! - **Readiness.** The balancer is always ready. It picks when it is called, from the endpoints
//!   that are there at that moment; a clone of the one picked is then driven to readiness. An
//!   endpoint whose `poll_ready` fails has failed, and is asked again later like any other.
//! - **Failures.** A [`Classify`] says what is one. After some in a row the endpoint is
//!   [ejected](Ejection) for a time.
//! - **Probes.** A [`HealthCheck`] asks endpoints by itself; one that is down comes back when its
//!   probes pass.
//! - **Panic.** When [too few](Endpoints::panic_threshold) are healthy, all get requests.
//! - **Nobody.** [`Error::Empty`] and [`Error::Full`] are errors of the call, and come at once.
//! - **Dropped.** A request that is dropped, or panics, is no failure; its time counts if it is
//!   longer than what is known.
//! - **Changes.** Endpoints come and go at any time, by a handle or as a
//!   [stream](Endpoints::follow) says. What an endpoint has in flight is not touched
//!   when it goes; [`drain`](Endpoints::drain) tells when it is done.
//!
//! # Metrics
//!
//! With the feature `metrics`, all with the label `balancer`, the [name](Endpoints::name) of the set
//! or nothing:
//!
//! | name | kind | further labels |
//! |---|---|---|
//! | `tower_load_balancer.ejections` | counter | |
//! | `tower_load_balancer.failovers` | counter of attempts at another endpoint | |
//! | `tower_load_balancer.refused` | counter of requests that went to nobody | `cause`: `empty`, `full` |
//! | `tower_load_balancer.endpoints` | gauge | |
//! | `tower_load_balancer.healthy_endpoints` | gauge: neither ejected nor down nor draining | |
//! | `tower_load_balancer.panic` | gauge: 1 while health is not believed | |
//!
//! Keys of endpoints are no labels: there may be any number of them in the life of a process.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `http` | `HttpStatus`: judges by status code and `Retry-After`; `AtBodyEnd`: in flight until the body ends; `Idempotent`: what may be repeated; `HttpProbe` |
//! | `metrics` | the metrics above |
//! | `tcp` | `TcpProbe`: a connection that can be opened is enough |
//!
//! # Cost
//!
//! A request takes no lock, unless its endpoint fails, and allocates nothing; with failover it
//! allocates when an endpoint has failed it. Picking takes the same time for any number of endpoints,
//! except that [`LeastPending`] looks at all of up to 16. The clock is read by [`PeakEwma`], and
//! while an endpoint is ejected or starts slowly.
//!
//! A change of the set or of an endpoint's health copies the list of endpoints. An endpoint takes
//! about 400 bytes, and under [`ConsistentHash`] a table of four bytes for each of at least 16,381
//! slots and at least 128 an endpoint (but no more than a million). A service that is shared among threads needs endpoints that
//! are `Sync`: all requests clone the same one.

mod attempt;
mod candidates;
mod classify;
mod condition;
mod draw;
mod ejection;
mod endpoint;
mod endpoints;
pub mod error;
mod ewma;
mod failover;
pub mod fallback;
pub mod future;
mod hash;
#[cfg(feature = "http")]
mod http;
mod in_flight;
mod maglev;
mod metrics;
mod policy;
mod pool;
mod probe;
mod release;
mod roster;
mod schedule;
mod service;
mod snapshot;
mod state;
mod status;
mod tiers;

#[cfg(feature = "http")]
pub use self::http::{AtBodyEnd, HttpProbe, HttpStatus, Idempotent, ResponseBody};
#[cfg(feature = "tcp")]
pub use self::probe::TcpProbe;
pub use self::{
    candidates::Candidates,
    classify::{Classify, FailOnError, Verdict},
    ejection::Ejection,
    endpoint::Endpoint,
    endpoints::{Change, Draining, Endpoints},
    error::Error,
    failover::{Failover, Repeat},
    in_flight::InFlight,
    policy::{
        ConsistentHash, InOrder, Latency, LeastPending, PeakEwma, Policy, Random, RoundRobin,
    },
    probe::{HealthCheck, Probe},
    release::{AtResponse, Release},
    service::Balance,
    status::{EndpointStatus, Health},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
