use std::fmt;
use std::str::FromStr;

/// Where a run stands, in the words of the wire contract.
///
/// This crate moves a run `PENDING -> ACTIVE -> one final state`, and from `ACTIVE` back to
/// `PENDING` when a shutdown interrupts it. The other words are here because a store may hold
/// them and [`RunStatus::is_final`] must know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStatus {
    /// Created, not yet taken by a runner.
    Pending,
    /// Taken by a runner that holds a lease on it.
    Active,
    /// The same as [`RunStatus::Active`] in the words of the older command-line client.
    Running,
    /// Its result is being judged.
    Evaluation,
    /// Waits for somebody.
    Paused,
    /// Ended with an answer.
    Complete,
    /// Ended because something around the run broke: the program is missing, the disk is full.
    Error,
    /// Ended because the run itself did not succeed: the program said so, or a limit was hit.
    Failed,
    /// Ended because somebody stopped it.
    Cancelled,
    /// The same as [`RunStatus::Cancelled`] in the words of the older command-line client.
    Stopped,
    /// Ended by the provider's time limit.
    Timeout,
    /// Ended by a limit on the provider's iterations.
    MaxIterationsReached,
    /// Ended by a limit on the provider's tokens.
    OutOfTokens,
}

impl RunStatus {
    const ALL: [Self; 13] = [
        Self::Pending,
        Self::Active,
        Self::Running,
        Self::Evaluation,
        Self::Paused,
        Self::Complete,
        Self::Error,
        Self::Failed,
        Self::Cancelled,
        Self::Stopped,
        Self::Timeout,
        Self::MaxIterationsReached,
        Self::OutOfTokens,
    ];

    /// Whether a run in this state is over. A store never lets a run leave a final state, except
    /// when somebody resumes it with a new prompt.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Active | Self::Running | Self::Evaluation | Self::Paused => false,
            Self::Complete
            | Self::Error
            | Self::Failed
            | Self::Cancelled
            | Self::Stopped
            | Self::Timeout
            | Self::MaxIterationsReached
            | Self::OutOfTokens => true,
        }
    }

    /// The word of the wire contract, in upper case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Running => "RUNNING",
            Self::Evaluation => "EVALUATION",
            Self::Paused => "PAUSED",
            Self::Complete => "COMPLETE",
            Self::Error => "ERROR",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Stopped => "STOPPED",
            Self::Timeout => "TIMEOUT",
            Self::MaxIterationsReached => "MAX_ITERATIONS_REACHED",
            Self::OutOfTokens => "OUT_OF_TOKENS",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the documented states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStatus;

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a documented run status")
    }
}

impl std::error::Error for UnknownStatus {}

/// Exact upper-case words only: this reads what [`RunStatus::as_str`] wrote to a store, not what
/// a foreign server sent.
impl FromStr for RunStatus {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or(UnknownStatus)
    }
}
