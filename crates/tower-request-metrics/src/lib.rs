//! Durations, counts and requests in flight through the [`metrics`] facade, under the names of the
//! OpenTelemetry conventions for HTTP.
//!
//! Use it around a server, or at one or two places of a client, when figures must also be true for
//! the requests that go wrong: every request that was called is recorded exactly once, whether it
//! succeeded, failed, panicked, was cancelled or had its body dropped half way, and the gauge of
//! requests in flight always returns to where it was. Don't use it to measure something that isn't
//! HTTP, nor to trace single requests.
//!
//! The facade carries the figures to whichever recorder the program installs; without one they go
//! nowhere and the cost stays small.
//!
//! # A server
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_request_metrics::{RequestMetricsLayer, RouteSlot};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = RequestMetricsLayer::server()
//!     .label("url.scheme", "https")
//!     .route_slot();
//!
//! let service = metrics.layer(service_fn(|request: Request<String>| async move {
//!     // What a router does once it has matched.
//!     if let Some(slot) = request.extensions().get::<RouteSlot>() {
//!         slot.set("/v1/runs/{id}");
//!     }
//!     Ok::<_, Infallible>(Response::new(String::from("COMPLETE")))
//! }));
//!
//! let request = Request::get("/v1/runs/7").body(String::new())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! The layer stands outside the router, so that it also sees what the router and everything around
//! it refuse; the route is known only inside. The [`RouteSlot`] bridges the two. With axum, its
//! filling is one layer inside (`Router::route_layer`):
//!
//! ```text
//! async fn fill_route(matched: MatchedPath, request: Request, next: Next) -> Response {
//!     if let Some(slot) = request.extensions().get::<RouteSlot>() {
//!         slot.set(matched.as_str().to_owned());
//!     }
//!     next.run(request).await
//! }
//! ```
//!
//! # A client
//!
//! What the caller waits for and what went over the wire are two questions when a client retries.
//! They have metrics of different names, so that adding up one never counts a request twice:
//!
//! ```
//! use http::Request;
//! use tower::ServiceBuilder;
//! use tower_request_metrics::RequestMetricsLayer;
//!
//! #[derive(Clone)]
//! struct Template(&'static str);
//!
//! #[derive(Debug)]
//! enum Error {
//!     Timeout,
//!     Connect,
//! }
//!
//! let template = |request: &Request<String>| {
//!     request.extensions().get::<Template>().map(|template| template.0)
//! };
//! let kind = |error: &Error| match error {
//!     Error::Timeout => "timeout",
//!     Error::Connect => "connect",
//! };
//!
//! let stack = ServiceBuilder::new()
//!     .layer(RequestMetricsLayer::operation().route(template).classify(kind))
//!     // cache, retry, circuit breaker, limiter
//!     .layer(
//!         RequestMetricsLayer::client()
//!             .route(template)
//!             .classify(kind)
//!             .label("server.address", "api.example.com"),
//!     );
//! # let _ = stack;
//! ```
//!
//! # Metrics
//!
//! | made by | name | as Prometheus spells it | |
//! |---|---|---|---|
//! | [`server`] | `http.server.request.duration` | `http_server_request_duration_seconds` | histogram, seconds |
//! | | `http.server.active_requests` | `http_server_active_requests` | gauge, requests |
//! | with [`head_duration`] | `http.server.response.head.duration` | `http_server_response_head_duration_seconds` | histogram, seconds |
//! | with [`response_size`] | `http.server.response.body.size` | `http_server_response_body_size_bytes` | histogram, bytes |
//! | [`client`] | `http.client.request.duration` | `http_client_request_duration_seconds` | histogram, seconds |
//! | | `http.client.active_requests` | `http_client_active_requests` | gauge, requests |
//! | with [`head_duration`] | `http.client.response.head.duration` | `http_client_response_head_duration_seconds` | histogram, seconds |
//! | with [`response_size`] | `http.client.response.body.size` | `http_client_response_body_size_bytes` | histogram, bytes |
//! | [`operation`] | `http.client.operation.duration` | `http_client_operation_duration_seconds` | histogram, seconds |
//! | | `http.client.active_operations` | `http_client_active_operations` | gauge, requests |
//! | with [`head_duration`] | `http.client.operation.head.duration` | `http_client_operation_head_duration_seconds` | histogram, seconds |
//! | with [`response_size`] | `http.client.operation.response.body.size` | `http_client_operation_response_body_size_bytes` | histogram, bytes |
//!
//! The conventions count attempts and have no name for the operation around them, nor for the time
//! to the head of an answer; these names are this crate's. A duration's `_count` is the number of
//! requests, so there is no counter beside it.
//!
//! Exporters for Prometheus write underscores for dots. The unit at the end comes from the unit the
//! layer describes to the recorder at its first request; `metrics-exporter-prometheus` appends it
//! with `with_recommended_naming(true)`, and draws histograms, not summaries, when it is given
//! bounds: `set_buckets_for_metric(Matcher::Suffix("duration".into()), &DURATION_BUCKETS)`, where
//! the name is the one without the unit.
//!
//! # Labels
//!
//! | name | on | value |
//! |---|---|---|
//! | `http.request.method` | all | the methods of RFC 9110, `PATCH` and `QUERY`; others are `_OTHER` |
//! | `http.route` (server), `url.template` (client) | histograms | by [`RouteSlot`] or [`RouteLabel`]; absent if there is none, never a raw path |
//! | `rpc.grpc.status_code` | histograms | with [`grpc`], where the answer is one; `2` if it ended without a status |
//! | `http.response.status_code` | histograms | absent if no answer came |
//! | `error.type` | histograms | absent for a success |
//! | `otel.metric.overflow` | histograms | `true` on the series past [`max_series`], which has no other label than the constant ones |
//!
//! `error.type` is the status itself from 500 on (from 400 on for a client), whatever happens to
//! the body later; else the name of the gRPC status, if it is an error (for a server the six that
//! the conventions call its own faults, for a client all but `OK`); else `cancelled` when the future
//! or the body was dropped before its end, `panic`, `body_error` when the body failed, or what
//! [`Classify`] makes of the service's error.
//!
//! `url.scheme` and `server.address` are not read from the request. A server sees no scheme in an
//! HTTP/1 request and a host that the sender may invent; a client mostly talks to one host. Where
//! they are wanted they are known beforehand: [`label`].
//!
//! # When a request begins and ends
//!
//! It begins with `call`. It ends with the last frame of the response body, or at the head of the
//! response where no body follows: HEAD, 1xx (so an upgraded connection is not "in flight"), 204,
//! 304, CONNECT, and a body that is empty from the start. A body dropped after all the bytes its
//! length announced is complete. For a client this means: read the body to its end, or the request
//! counts as `cancelled`.
//!
//! # Figures in the process
//!
//! For a status page or a log line no exporter is needed: [`stats`] keeps rate, error rate, median,
//! p95, p99 and maximum of the last minute in a [`Stats`], as a whole and per route.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `serde`: `Serialize` for [`Snapshot`] and what it is made of.
//!
//! # Cost
//!
//! Per request: two reads of the clock, two short read locks, two reference counts, and no
//! allocation unless [`RouteSlot`] is used or a series is new. Per series: one handle and the route,
//! about 150 bytes here, and the recorder's own, which is far more; at most [`max_series`] of them
//! for each layer, and one gauge for each of eleven methods.
//!
//! Threads that measure the same route at the same moment take cache lines from one another: the
//! handles' locks and reference counts, the gauge, the recorder's own. `cargo xtask bench metrics`
//! in this crate's workspace shows how much, beside other crates.
//!
//! Handles are kept as long as the recorder in force is the same, and asked for anew after ten
//! seconds without use. So a recorder may forget idle series (`idle_timeout` of
//! `metrics-exporter-prometheus`), as long as it takes more than ten seconds to do so. Requests in
//! flight while their gauge is forgotten are missing from the next one.
//!
//! [`grpc`]: RequestMetricsLayer::grpc
//! [`head_duration`]: RequestMetricsLayer::head_duration
//! [`response_size`]: RequestMetricsLayer::response_size
//! [`stats`]: RequestMetricsLayer::stats
//! [`server`]: RequestMetricsLayer::server
//! [`client`]: RequestMetricsLayer::client
//! [`operation`]: RequestMetricsLayer::operation
//! [`max_series`]: RequestMetricsLayer::max_series
//! [`label`]: RequestMetricsLayer::label

mod body;
mod classify;
mod future;
mod grpc;
mod instruments;
mod layer;
mod measurement;
mod registry;
mod route;
mod semantics;
mod service;
mod skip;
mod stats;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use metrics::{Recorder, SharedString};

pub use crate::{
    body::MetricsBody,
    classify::{Classify, Unclassified},
    future::ResponseFuture,
    layer::RequestMetricsLayer,
    route::{NoRoute, RouteLabel, RouteSlot},
    semantics::DURATION_BUCKETS,
    service::RequestMetrics,
    skip::{Skip, SkipNothing},
    stats::{Figures, Latency, RouteFigures, Snapshot, Stats},
};
