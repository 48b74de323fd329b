use std::time::Duration;

use tower_circuit_breaker::{Handle as BreakerHandle, State};
use tower_request_metrics::{Snapshot, Stats};
use tower_retry_backoff::Stats as RetryStats;
use tower_sliding_window::{MemoryStore, RateLimitHandle};
use tower_ttl_cache::CacheHandle;

/// Looks into the layers from outside.
pub(super) struct Handles {
    pub(super) operations: Stats,
    pub(super) cache: CacheHandle,
    pub(super) retry: RetryStats,
    pub(super) breaker: BreakerHandle,
    pub(super) limiter: RateLimitHandle<MemoryStore<()>>,
}

impl Handles {
    pub(super) fn statistics(&self) -> Statistics {
        let cache = self.cache.stats();
        let limiter = self.limiter.statistics();
        Statistics {
            operations: self.operations.snapshot(),
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

    /// Removes what is cached of one URL.
    pub(super) async fn forget(&self, url: &http::Uri) {
        match self.cache.invalidate(url).await {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    pub(super) async fn clear_cache(&self) {
        match self.cache.clear().await {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}

/// What a client's layers have done since it was made, and its operations in the last minute.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// The calls of the last minute as the caller saw them, hits of the cache, waits and retries
    /// included: rate, errors, latency, in flight, as a whole and per operation.
    pub operations: Snapshot,
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
