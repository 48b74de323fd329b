//! Why a request got no answer.

use std::{error, fmt};

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// There is no endpoint, or all of them drain.
    Empty,
    /// Every endpoint that could take the request has as many as it may have at once.
    Full,
    /// The endpoint failed.
    Inner(E),
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no endpoint to send the request to",
            Self::Full => "every endpoint is full",
            Self::Inner(_) => "the endpoint failed",
        })
    }
}

impl<E: error::Error + 'static> error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Empty | Self::Full => None,
            Self::Inner(error) => Some(error),
        }
    }
}
