use std::fmt;

/// Why a circuit refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Open: the failure rate was reached.
    FailureRate,
    /// Open: the rate of slow calls was reached.
    SlowRate,
    /// Open: there were too many failures in a row.
    ConsecutiveFailures,
    /// Open again: a probe failed or was slow.
    FailedProbe,
    /// Open by [`Handle::force_open`](crate::Handle::force_open).
    Forced,
    /// Open by [`Handle::restore`](crate::Handle::restore).
    Restored,
    /// Half-open, and all probes are taken.
    Probing,
    /// Closed again, and only a [growing share](crate::CircuitBreakerLayer::ramp) of the calls
    /// passes yet.
    Ramp,
    /// Refuses everything by [`Handle::isolate`](crate::Handle::isolate).
    Isolated,
}

impl Cause {
    /// The word that [`Display`](fmt::Display) shows, also the value of the metrics label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure rate",
            Self::SlowRate => "slow rate",
            Self::ConsecutiveFailures => "consecutive failures",
            Self::FailedProbe => "failed probe",
            Self::Forced => "forced",
            Self::Restored => "restored",
            Self::Probing => "probing",
            Self::Ramp => "ramp",
            Self::Isolated => "isolated",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
