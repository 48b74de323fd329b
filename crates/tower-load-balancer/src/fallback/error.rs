use std::{error, fmt};

/// Why no provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// There is no provider, or all of them were skipped.
    NoProvider,
    /// The last provider that was asked took longer than it may.
    TimedOut,
    /// The time for all providers together was over.
    DeadlineExceeded,
    /// The last provider that was asked failed.
    Inner(E),
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProvider => "no provider to send the request to",
            Self::TimedOut => "the last provider took too long",
            Self::DeadlineExceeded => "the providers took too long together",
            Self::Inner(_) => "the last provider failed",
        })
    }
}

impl<E: error::Error + 'static> error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::NoProvider | Self::TimedOut | Self::DeadlineExceeded => None,
            Self::Inner(error) => Some(error),
        }
    }
}
