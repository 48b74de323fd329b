//! Why a call did not reach the inner service, or failed there.

use std::{error, fmt, time::Duration};

use crate::{CostAboveLimit, Denied, Refusal};

/// The error of [`RateLimit`](crate::RateLimit), except where refusals are responses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The quota is used up, or would not free up within the longest wait allowed. Not charged.
    Denied(Denied),
    /// The request costs more than its quota ever admits. Do not try it again.
    CostAboveLimit(CostAboveLimit),
    /// The request has no key to count it by.
    MissingKey,
    /// As many calls as may wait for this key wait already.
    QueueFull {
        /// How many may.
        max_waiters: usize,
    },
    /// The inner service failed.
    Inner(E),
}

impl<E> Error<E> {
    /// How long until an equal call may pass, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied(denied) => Some(denied.retry_after),
            Self::CostAboveLimit(_)
            | Self::MissingKey
            | Self::QueueFull { .. }
            | Self::Inner(_) => None,
        }
    }
}

impl<E> From<Refusal> for Error<E> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(denied) => Self::Denied(denied),
            Refusal::CostAboveLimit(never) => Self::CostAboveLimit(never),
            Refusal::MissingKey => Self::MissingKey,
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::CostAboveLimit(never) => never.fmt(f),
            Self::MissingKey => f.write_str("the request has no key to limit it by"),
            Self::QueueFull { max_waiters } => {
                write!(f, "{max_waiters} calls already wait for the rate limit")
            }
            Self::Inner(_) => f.write_str("the rate-limited service failed"),
        }
    }
}

impl<E: error::Error + 'static> error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Inner(inner) => Some(inner),
            Self::Denied(_)
            | Self::CostAboveLimit(_)
            | Self::MissingKey
            | Self::QueueFull { .. } => None,
        }
    }
}
