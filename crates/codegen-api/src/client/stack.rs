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
use tower::{
    BoxError, Service, ServiceBuilder, timeout::error::Elapsed, util::BoxCloneSyncService,
};
use tower_circuit_breaker::{CircuitBreakerLayer, Handle as BreakerHandle, State, Trip, Verdict};
use tower_request_metrics::RequestMetricsLayer;
use tower_retry_backoff::{
    Backoff, RetryLayer, Stats as RetryStats, Verdict as RetryVerdict,
    http::{Attempt, HttpPolicy},
};
use tower_sliding_window::{MemoryStore as Buckets, Quota, RateLimitHandle, RateLimitLayer, Wait};
use tower_ttl_cache::{
    CacheHandle, CacheOutcome, CacheOverride, HttpCacheLayer, store::MemoryStore as CacheStore,
};

use super::{Error, ErrorKind, transport::TransportError};
use crate::config::{ClientConfig, ConfigError};

/// An answer: read whole, whatever its body is made of.
pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(super) type Stack = BoxCloneSyncService<Request<Full<Bytes>>, Answer, Error>;

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
    let answers = CacheStore::new()
        .max_bytes(CACHE_BYTES)
        .max_entries(config.cache_entries);
    let cache = HttpCacheLayer::private(answers).default_ttl(config.cache_ttl);
    let attempts = NonZeroU32::MIN.saturating_add(config.max_retries);
    let retry = RetryLayer::new(HttpPolicy::new(worth_a_retry))
        .backoff(Backoff::exponential(config.retry_delay, RETRY_CAP))
        .max_attempts(attempts)
        .deadline(config.deadline);
    let breaker = CircuitBreakerLayer::new()
        .trip(Trip::default().or_consecutive(config.breaker_failures))
        .open_for(config.breaker_open, OPEN_CAP)
        .classify(health);
    let limiter = RateLimitLayer::new(|_: &Request<Full<Bytes>>| Some(BUCKET), quota)
        .wait(Wait::new(config.deadline));
    let handles = Handles {
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
                .classify(Error::label),
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

/// Whether an answer came from the cache.
pub(super) fn is_from_cache(answer: &Extensions) -> bool {
    answer.get() == Some(&CacheOutcome::Hit)
}

/// An attempt that brought no answer.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// It took longer than the attempt timeout.
    Timeout,
    /// The transport failed.
    Transport(TransportError),
}

impl AttemptError {
    fn label(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Transport(TransportError::Connect(_)) => "connect",
            Self::Transport(_) => "connection",
        }
    }
}

impl std::fmt::Display for AttemptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer within the attempt timeout"),
            Self::Transport(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AttemptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Timeout => None,
            // Display shows the transport's text, so its source is the next one.
            Self::Transport(error) => error.source(),
        }
    }
}

/// tower's timeout erases its errors: these are the only two that go in.
impl From<BoxError> for AttemptError {
    fn from(error: BoxError) -> Self {
        match error.downcast::<TransportError>() {
            Ok(error) => Self::Transport(*error),
            Err(_) => Self::Timeout,
        }
    }
}

type Limited = tower_sliding_window::Error<AttemptError>;
type Broken = tower_circuit_breaker::Error<Limited>;

/// Errors of an attempt pass; refusals of this side's breaker and limiter don't by trying again.
fn worth_a_retry(error: &Broken) -> RetryVerdict {
    use tower_circuit_breaker::Error::Inner;
    match error {
        Inner(tower_sliding_window::Error::Inner(attempt)) => match attempt {
            AttemptError::Transport(TransportError::TooLarge) => RetryVerdict::Done,
            _ => RetryVerdict::retry(),
        },
        _ => RetryVerdict::Forbid,
    }
}

/// What a result says of the server's health. The own limiter's refusal says nothing.
fn health(
    result: Result<&Response<tower_request_metrics::MetricsBody<Full<Bytes>>>, &Limited>,
) -> Verdict {
    match result {
        Ok(answer) if answer.status().is_server_error() => Verdict::Failure,
        Ok(answer) if answer.status() == http::StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled,
        Ok(_) => Verdict::Success,
        Err(tower_sliding_window::Error::Inner(_)) => Verdict::Failure,
        Err(_) => Verdict::Ignore,
    }
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

/// Turns the stack's error into the caller's.
fn explain(error: BoxError, deadline: Duration) -> Error {
    use tower_circuit_breaker::Error::{Inner, Open};
    if error.is::<Elapsed>() {
        return Error::new(
            ErrorKind::Timeout,
            format!("no answer within {deadline:.1?}"),
        );
    }
    let error = match error.downcast::<Broken>() {
        Ok(error) => *error,
        Err(other) => return Error::new(ErrorKind::Network, "the request failed").caused_by(other),
    };
    let limited = match error {
        Inner(limited) => limited,
        Open { retry_after, .. } => {
            let message = "the circuit breaker is open: the last requests failed";
            return Error::new(ErrorKind::CircuitOpen, message).retry_in(retry_after);
        }
        other => return Error::new(ErrorKind::CircuitOpen, other.to_string()),
    };
    match limited {
        tower_sliding_window::Error::Inner(attempt) => {
            let kind = match &attempt {
                AttemptError::Timeout => ErrorKind::Timeout,
                AttemptError::Transport(TransportError::TooLarge) => ErrorKind::Decode,
                AttemptError::Transport(_) => ErrorKind::Network,
            };
            Error::new(kind, attempt.to_string()).caused_by(attempt)
        }
        own => {
            let after = own.retry_after();
            let error = Error::new(ErrorKind::RateLimited, own.to_string());
            match after {
                Some(after) => error.retry_in(after),
                None => error,
            }
        }
    }
}

/// Looks into the layers from outside.
pub(super) struct Handles {
    cache: CacheHandle,
    retry: RetryStats,
    breaker: BreakerHandle,
    limiter: RateLimitHandle<Buckets<()>>,
}

impl Handles {
    pub(super) fn statistics(&self) -> Statistics {
        let cache = self.cache.stats();
        let limiter = self.limiter.statistics();
        Statistics {
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_entries: cache.entries,
            cache_bytes: cache.bytes,
            retries: self.retry.retries(),
            gave_up: self.retry.gave_up(),
            breaker: self.breaker.state(),
            breaker_opened: self.breaker.opened(),
            breaker_rejected: self.breaker.rejected(),
            breaker_retry_after: self.breaker.retry_after(),
            limiter_admitted: limiter.admitted,
            limiter_waited: limiter.waited,
            limiter_denied: limiter.denied,
        }
    }

    pub(super) async fn clear_cache(&self) {
        match self.cache.clear().await {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}

/// What a client's layers have done since it was made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Answers that came from the cache.
    pub cache_hits: u64,
    /// Answers that might have come from the cache and were asked for.
    pub cache_misses: u64,
    /// Answers in the cache.
    pub cache_entries: u64,
    /// Their bytes.
    pub cache_bytes: u64,
    /// Attempts beyond the first of each call.
    pub retries: u64,
    /// Calls that failed although another attempt might have mended it.
    pub gave_up: u64,
    /// The circuit breaker's state.
    pub breaker: State,
    /// How often it opened.
    pub breaker_opened: u64,
    /// Requests it refused.
    pub breaker_rejected: u64,
    /// When a refused request has a chance again; `None` while closed.
    pub breaker_retry_after: Option<Duration>,
    /// Requests the limiter let pass, at once or after a wait.
    pub limiter_admitted: u64,
    /// Those of them that waited.
    pub limiter_waited: u64,
    /// Requests it refused, because their turn would have come too late.
    pub limiter_denied: u64,
}
