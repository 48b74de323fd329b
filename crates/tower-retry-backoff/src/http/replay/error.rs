use std::{error, fmt};

/// Why a [`ReplayBody`](super::ReplayBody) broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError<E> {
    /// The body itself failed.
    Inner(E),
    /// Another attempt reads the body now: this one's result is known already.
    Superseded,
    /// What an earlier attempt read was not kept: it was more than the limit.
    Lost,
}

impl<E> fmt::Display for ReplayError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inner(_) => "the body failed",
            Self::Superseded => "another attempt reads the body",
            Self::Lost => "the start of the body was not kept",
        })
    }
}

impl<E: error::Error + 'static> error::Error for ReplayError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Superseded | Self::Lost => None,
        }
    }
}
