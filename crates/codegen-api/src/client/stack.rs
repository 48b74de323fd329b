//! The client's layers in their order. The picture is in the documentation of [`client`](super).

use std::{
    convert::Infallible,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use tower::{Service, ServiceBuilder, util::BoxCloneSyncService};
use tower_circuit_breaker::{CircuitBreakerLayer, Trip};
use tower_request_metrics::{RequestMetricsLayer, Stats};
use tower_retry_backoff::{
    Backoff, Budget, RetryLayer,
    http::{Attempt, Deadline, HttpPolicy},
};
use tower_sliding_window::{Quota, RateLimitLayer, Wait};
use tower_ttl_cache::{CacheOutcome, CacheOverride, HttpCacheLayer, store::MemoryStore};

use super::{
    Error,
    evidence::{AttemptError, Health, explain, worth_a_retry},
    statistics::Handles,
    transport::TransportError,
};
use crate::config::{ClientConfig, ConfigError};

/// An answer: read whole, whatever its body is made of.
pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(super) type Stack = BoxCloneSyncService<Request<Full<Bytes>>, Answer, Error>;

/// The server, in the metrics of the layers that judge it.
const UPSTREAM: &str = "codegen-api";

/// All requests of one client pay into one bucket.
const BUCKET: () = ();

/// Bytes of cached answers, beside the configured number of entries.
const CACHE_BYTES: usize = 32 << 20;

/// The longest delay the backoff draws from.
const RETRY_CAP: Duration = Duration::from_secs(30);

/// The longest time the circuit stays open.
const OPEN_CAP: Duration = Duration::from_secs(120);

pub(super) fn stack<T>(config: &ClientConfig, transport: T) -> Result<(Stack, Handles), ConfigError>
where
    T: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = TransportError>
        + Clone
        + Send
        + Sync
        + 'static,
    T::Future: Send + 'static,
{
    let (requests, window) = config.rate;
    let quota = Quota::new(requests.get(), window)
        .map_err(|_| ConfigError::new("rate", "a window above zero and below 500 years"))?;
    let answers = MemoryStore::new()
        .max_bytes(CACHE_BYTES)
        .max_entries(config.cache_entries);
    let cache = HttpCacheLayer::private(answers).default_ttl(config.cache_ttl);
    let attempts = NonZeroU32::MIN.saturating_add(config.max_retries);
    let retry = RetryLayer::new(HttpPolicy::new(worth_a_retry))
        .upstream(UPSTREAM)
        .backoff(Backoff::exponential(config.retry_delay, RETRY_CAP))
        .max_attempts(attempts)
        // In an outage a client sends little more than in good times, so that it can end.
        .budget(Budget::default())
        .deadline(config.deadline);
    let breaker = CircuitBreakerLayer::new()
        .name(UPSTREAM)
        .trip(Trip::default().or_consecutive(config.breaker_failures))
        .open_for(config.breaker_open, OPEN_CAP)
        .classify(Health);
    let limiter = RateLimitLayer::new(|_: &Request<Full<Bytes>>| Some(BUCKET), quota)
        .named("client")
        .wait(Wait::new(config.deadline));
    let operations = Stats::default();
    let handles = Handles {
        operations: operations.clone(),
        cache: cache.handle(),
        retry: retry.stats(),
        breaker: breaker.handle(),
        limiter: limiter.handle(),
    };
    let deadline = config.deadline;
    let stack = ServiceBuilder::new()
        // One box, around a body whose type tells which layers it went through.
        .map_response(|answer: Response<_>| answer.map(BodyExt::boxed))
        // The caller gets one error type, and the operation's metrics name its kinds.
        .layer(
            RequestMetricsLayer::operation()
                .route(operation_name)
                .classify(Error::label)
                .stats(&operations),
        )
        .map_err(move |error| explain(error, deadline))
        // The caller's patience is one number: inside the retry it would be a number per attempt.
        .timeout(deadline)
        // A hit must touch neither breaker nor quota, and retries must not come here again.
        .layer(cache)
        // Every attempt is evidence for the breaker and pays its quota; an open circuit ends it.
        .layer(retry)
        // An open circuit must not spend quota. What waits in the limiter below is not slowness
        // to it: it judges results, not durations.
        .layer(breaker)
        // Waits, so that the server's limit is not met; last before the wire, so that it counts
        // what is really sent.
        .layer(limiter)
        // What each attempt took, without the waits above.
        .layer(
            RequestMetricsLayer::client()
                .route(operation_name)
                .classify(AttemptError::label),
        )
        // Inside the breaker: a timeout is evidence, a dropped future is not.
        .map_err(AttemptError::from)
        .timeout(config.attempt_timeout)
        // Below the retry, so that every attempt carries its own number and the current token.
        .map_request(headers(config.token.clone()))
        .service(transport);
    Ok((BoxCloneSyncService::new(stack), handles))
}

/// Request extension: the operation's name, the route label of both metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct OperationName(pub(super) &'static str);

fn operation_name<B>(request: &Request<B>) -> Option<&'static str> {
    request
        .extensions()
        .get::<OperationName>()
        .map(|name| name.0)
}

/// Request extension: how often the request was really sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    pub(super) fn count(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// Keeps the cache out of a request and of its answer.
pub(super) fn bypass_cache(request: &mut Extensions) {
    request.insert(CacheOverride::bypass());
}

/// Has the retry give up rather than wait beyond the call's own timeout: the caller gets the reason.
pub(super) fn ends_within(request: &mut Extensions, timeout: Duration) {
    request.insert(Deadline::within(timeout));
}

/// Whether an answer came from the cache.
pub(super) fn is_from_cache(answer: &Extensions) -> bool {
    answer.get().is_some_and(CacheOutcome::is_from_store)
}

fn headers(token: HeaderValue) -> impl Fn(Request<Full<Bytes>>) -> Request<Full<Bytes>> + Clone {
    const AGENT: HeaderValue =
        HeaderValue::from_static(concat!("codegen-api-rust/", env!("CARGO_PKG_VERSION")));
    const ATTEMPT: HeaderName = HeaderName::from_static("x-attempt");
    move |mut request| {
        if let Some(attempts) = request.extensions().get::<Attempts>() {
            attempts.0.fetch_add(1, Relaxed);
        }
        let attempt = request
            .extensions()
            .get::<Attempt>()
            .map(|attempt| attempt.number());
        let headers = request.headers_mut();
        headers
            .entry(header::AUTHORIZATION)
            .or_insert_with(|| token.clone());
        headers.entry(header::USER_AGENT).or_insert(AGENT);
        if let Some(number) = attempt {
            headers.insert(ATTEMPT, number.into());
        }
        request
    }
}
