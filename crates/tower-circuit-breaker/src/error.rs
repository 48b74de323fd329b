//! Errors of [`CircuitBreaker`](crate::CircuitBreaker).

use std::{error, fmt, time::Duration};

/// The call was refused, or the inner service failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The circuit is open, or half-open with all its probes taken. The inner service was not
    /// called.
    #[non_exhaustive]
    Open {
        /// How long to wait before a call has a chance. While open it is exactly what is left of
        /// the open time. While half-open the end of the probes is not known: it is the base open
        /// time, or what is left of the lease if that is shorter. Zero if the time came while this
        /// service was waiting to be called.
        retry_after: Duration,
    },
    /// The inner service failed.
    Inner(E),
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { retry_after } => {
                write!(f, "circuit is open, retry after {retry_after:?}")
            }
            Self::Inner(_) => f.write_str("the service behind the circuit breaker failed"),
        }
    }
}

impl<E> error::Error for Error<E>
where
    E: error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Open { .. } => None,
            Self::Inner(error) => Some(error),
        }
    }
}
