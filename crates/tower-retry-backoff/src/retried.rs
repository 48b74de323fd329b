use std::{fmt, time::Duration};

/// How a finished call went; an account for the caller.
///
/// `http::HttpPolicy` leaves it in the extensions of a response that took more than one attempt, or
/// that was worth another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    pub(crate) attempts: u32,
    pub(crate) waited: Duration,
    pub(crate) stopped: Option<Stop>,
}

impl Retried {
    /// Attempts made, the first included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Sum of the delays slept between the attempts.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// Why a result that was worth another attempt was returned. `None`: it was not worth one.
    #[must_use]
    pub const fn stopped(&self) -> Option<Stop> {
        self.stopped
    }
}

/// Why a call was given up although its last result was worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The attempts are used up.
    Attempts,
    /// The delay would not end before the deadline.
    Deadline,
    /// The upstream asked for a longer wait than is permitted.
    Hint,
    /// The budget had nothing left.
    Budget,
    /// The request cannot be sent again; see [`Policy::repeatable`](crate::Policy::repeatable).
    Request,
}

impl Stop {
    /// A word for it: `attempts`, `deadline`, `hint`, `budget` or `request`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Hint => "hint",
            Self::Budget => "budget",
            Self::Request => "request",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A retry that will be made once its delay has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    pub(crate) made: u32,
    pub(crate) delay: Duration,
    pub(crate) room: Duration,
}

impl Upcoming {
    /// Attempts made so far.
    #[must_use]
    pub const fn made(&self) -> u32 {
        self.made
    }

    /// How long is slept from now.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    /// How long from now attempts may still start; longer than the delay.
    #[must_use]
    pub const fn time_left(&self) -> Duration {
        self.room
    }
}
