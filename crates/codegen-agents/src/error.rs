use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

use crate::RunStatus;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an attempt ended without an answer.
///
/// `Display`, with that of the sources, goes into the log of the run, which members of the
/// organization can read: it names neither paths of the server nor what a program printed. A
/// provider or layer of your own keeps to that in what it puts into [`ProviderError::Other`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ProviderError {
    /// The provider's time limit passed.
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// The provider produced more than it may.
    OutputLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// The source tree is too large to be copied.
    RepositoryTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The configured program does not exist here.
    ProgramNotFound {
        /// The program as configured, without its directory.
        program: String,
    },
    /// The program ended with a failure.
    Exit(ExitStatus),
    /// The attempt was told to end.
    Cancelled,
    /// The provider panicked.
    Panicked,
    /// The operating system refused something.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// An error of a layer around the provider, or of somebody else's provider.
    Other(BoxError),
}

impl ProviderError {
    /// The final state of a run that ended with this error.
    ///
    /// `TIMEOUT` and `CANCELLED` for their causes; `FAILED` when the run itself did not succeed
    /// (exit status, a size limit); `ERROR` when what surrounds it broke.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Timeout { .. } => RunStatus::Timeout,
            Self::Cancelled => RunStatus::Cancelled,
            Self::OutputLimit { .. } | Self::RepositoryTooLarge { .. } | Self::Exit(_) => {
                RunStatus::Failed
            }
            Self::ProgramNotFound { .. } | Self::Panicked | Self::Io { .. } | Self::Other(_) => {
                RunStatus::Error
            }
        }
    }

    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { limit } => write!(f, "the time limit of {limit:?} passed"),
            Self::OutputLimit { limit } => write!(f, "more than {limit} bytes of output"),
            Self::RepositoryTooLarge { limit } => {
                write!(f, "the source tree holds more than {limit} bytes")
            }
            Self::ProgramNotFound { program } => write!(f, "no program called {program}"),
            Self::Exit(status) => write!(f, "the program failed: {status}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Panicked => f.write_str("the provider panicked"),
            Self::Io { doing, .. } => write!(f, "cannot {doing}"),
            Self::Other(_) => f.write_str("the provider failed"),
        }
    }
}

impl std::error::Error for ProviderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Other(source) => Some(&**source),
            _ => None,
        }
    }
}

/// Layers that box their errors hand back the one they wrapped.
impl From<BoxError> for ProviderError {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Other(other),
        }
    }
}
