use std::time::Duration;

/// What a result says about the health of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The service works. An answer that only the caller dislikes (not found, not allowed) is one.
    Success,
    /// The service does not work. Counts for the failure rate and for the consecutive failures, and
    /// fails a probe.
    Failure,
    /// The service works but has no room for this caller. Counts for the failure rate and fails a
    /// probe; leaves the count of consecutive failures as it is.
    Throttled,
    /// Says nothing, for instance a refusal by a limiter on this side. Not recorded; a probe gives
    /// its slot back.
    Ignore,
}

/// Judges the result of a call.
///
/// Implemented by closures; annotate the argument so that the closure takes any lifetime:
///
/// ```
/// use tower_circuit_breaker::{CircuitBreakerLayer, Verdict};
///
/// enum Failed { Upstream, NoRoomHere }
///
/// let layer = CircuitBreakerLayer::new().classify(|result: Result<&String, &Failed>| match result {
///     Ok(_) => Verdict::Success,
///     Err(Failed::Upstream) => Verdict::Failure,
///     Err(Failed::NoRoomHere) => Verdict::Ignore,
/// });
/// # let _ = layer;
/// ```
///
/// A classifier that panics leaves the call unjudged, as [`Verdict::Ignore`] does.
pub trait Classify<Response, Error> {
    /// Judges one result. Runs once for every call that ends.
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict;

    /// How long the service asks to be left alone, if it says so. Asked for failures and throttled
    /// calls only. When such a result opens the circuit, it stays open for at least this long, up to
    /// the cap of the open time. Default: nothing, as for closures.
    fn retry_after(&self, result: Result<&Response, &Error>) -> Option<Duration> {
        let _ = result;
        None
    }
}

impl<F, Response, Error> Classify<Response, Error> for F
where
    F: Fn(Result<&Response, &Error>) -> Verdict,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict {
        self(result)
    }
}

/// The default [`Classify`]: every error is a failure, every response a success.
#[derive(Clone, Copy, Debug, Default)]
pub struct FailOnError;

impl<Response, Error> Classify<Response, Error> for FailOnError {
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict {
        match result {
            Ok(_) => Verdict::Success,
            Err(_) => Verdict::Failure,
        }
    }
}
