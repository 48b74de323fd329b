//! Errors of [`CircuitBreaker`](crate::CircuitBreaker).

use std::{error, fmt, time::Duration};

use crate::{Cause, state::Refusal};

/// The call was refused, or the inner service failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The circuit is not closed. The inner service was not called.
    #[non_exhaustive]
    Open {
        /// How long to wait before a call has a chance. While open it is exactly what is left of
        /// the open time. While half-open the end of the probes is not known: it is the base open
        /// time, or what is left of the lease if that is shorter. On a ramp it is what is left of
        /// it, though an earlier call may pass. Isolated it is the longest open time. Zero if the
        /// time came while this service was waiting to be called.
        retry_after: Duration,
        /// Why.
        cause: Cause,
    },
    /// The inner service failed.
    Inner(E),
}

impl<E> Error<E> {
    pub(crate) fn open(refusal: Refusal) -> Self {
        Self::Open {
            retry_after: Duration::from_millis(refusal.wait.into()),
            cause: refusal.cause,
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { retry_after, cause } => {
                write!(f, "circuit is open ({cause}), retry after {retry_after:?}")
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
