//! What a result means: to the retry, to the breaker, and to the caller.

use std::{fmt, time::Duration};

use http::Response;
use tower::{BoxError, timeout::error::Elapsed};
use tower_circuit_breaker::{Classify, HttpStatus, Verdict};
use tower_retry_backoff::Verdict as RetryVerdict;

use super::{Error, ErrorKind, transport::TransportError};

/// An attempt that brought no answer.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// It took longer than the attempt timeout.
    Timeout,
    /// The transport failed.
    Transport(TransportError),
}

impl AttemptError {
    fn into_source(self) -> Option<BoxError> {
        match self {
            Self::Timeout | Self::Transport(TransportError::TooLarge) => None,
            Self::Transport(TransportError::Connect(source) | TransportError::Send(source)) => {
                Some(source.into())
            }
            Self::Transport(TransportError::Body(source) | TransportError::Custom(source)) => {
                Some(source)
            }
        }
    }

    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Transport(TransportError::Connect(_)) => "connect",
            Self::Transport(TransportError::TooLarge) => "decode",
            Self::Transport(_) => "connection",
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
pub(super) fn worth_a_retry(error: &Broken) -> RetryVerdict {
    use tower_circuit_breaker::Error::Inner;
    match error {
        Inner(tower_sliding_window::Error::Inner(attempt)) => match attempt {
            AttemptError::Transport(TransportError::TooLarge) => RetryVerdict::Done,
            _ => RetryVerdict::retry(),
        },
        _ => RetryVerdict::Forbid,
    }
}

/// What a result says of the server's health. The own limiter's refusal says nothing, and an
/// answer that is too large only that too much was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Health;

impl<B> Classify<Response<B>, Limited> for Health {
    fn classify(&self, result: Result<&Response<B>, &Limited>) -> Verdict {
        use tower_sliding_window::Error::Inner;
        match result {
            Err(Inner(AttemptError::Transport(TransportError::TooLarge))) => Verdict::Success,
            Ok(_) | Err(Inner(_)) => HttpStatus.classify(result),
            Err(_) => Verdict::Ignore,
        }
    }

    fn retry_after(&self, result: Result<&Response<B>, &Limited>) -> Option<Duration> {
        HttpStatus.retry_after(result)
    }
}

/// Turns the stack's error into the caller's.
pub(super) fn explain(error: BoxError, deadline: Duration) -> Error {
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
            let error = Error::new(kind, attempt.to_string());
            // The message is the attempt's own, so the chain goes on with what is below it.
            match attempt.into_source() {
                Some(source) => error.caused_by(source),
                None => error,
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_large_is_no_sign_of_bad_health() {
        let verdict = |error| Health.classify(Err::<&Response<()>, _>(&Limited::Inner(error)));
        let too_large = || AttemptError::Transport(TransportError::TooLarge);
        assert_eq!(verdict(too_large()), Verdict::Success);
        assert_eq!(too_large().label(), "decode");
        assert_eq!(verdict(AttemptError::Timeout), Verdict::Failure);
    }
}
