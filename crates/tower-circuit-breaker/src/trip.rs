use std::{
    error, fmt,
    num::{NonZeroU16, NonZeroU32},
};

/// When a closed circuit opens: on a failure rate, on failures in a row, or on either.
///
/// The rule is checked when a failure is recorded; a success never opens a circuit. The default is
/// half of the last 100 calls, at least 20 of them, or 5 failures in a row: the rate sees a service
/// that limps, the row sees one that is gone without waiting for 20 callers.
///
/// ```
/// use std::num::{NonZeroU16, NonZeroU32};
/// use tower_circuit_breaker::{Trip, Window};
///
/// const LAST_50: Window = Window::Calls(NonZeroU16::new(50).unwrap());
/// const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
///
/// let trip = Trip::failure_rate(0.3, LAST_50)?.min_calls(10).or_consecutive(TEN);
/// # let _ = trip;
/// # Ok::<_, tower_circuit_breaker::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trip {
    pub(crate) rate: Option<FailureRate>,
    pub(crate) consecutive: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureRate {
    pub(crate) threshold: f64,
    pub(crate) window: NonZeroU16,
    pub(crate) min_calls: u32,
}

/// Which results a failure rate is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// The last so many calls, sliding by one with every call. Costs a quarter of a byte per call.
    Calls(NonZeroU16),
}

impl Trip {
    /// Opens when at least `rate` of the results in `window` are failures: with a full window of
    /// `w` calls, on exactly the failure that makes it `rate * w` rounded up.
    ///
    /// Starts with 20 [minimum calls](Self::min_calls), or the length of the window if that is
    /// shorter.
    ///
    /// # Errors
    ///
    /// `rate` must be more than 0 and at most 1.
    pub fn failure_rate(rate: f64, window: Window) -> Result<Self, InvalidRate> {
        if rate > 0.0 && rate <= 1.0 {
            let Window::Calls(window) = window;
            Ok(Self {
                rate: Some(FailureRate {
                    threshold: rate,
                    window,
                    min_calls: DEFAULT_MIN_CALLS.min(window.get().into()),
                }),
                consecutive: None,
            })
        } else {
            Err(InvalidRate { rate })
        }
    }

    /// Opens on so many failures in a row.
    #[must_use]
    pub const fn consecutive(failures: NonZeroU32) -> Self {
        Self {
            rate: None,
            consecutive: Some(failures),
        }
    }

    /// Opens on so many failures in a row too.
    #[must_use]
    pub const fn or_consecutive(self, failures: NonZeroU32) -> Self {
        Self {
            consecutive: Some(failures),
            ..self
        }
    }

    /// How many calls must have been recorded since the circuit closed before the failure rate
    /// means anything. May be more or less than the window; 0 acts as 1. Has no effect on
    /// consecutive failures.
    #[must_use]
    pub const fn min_calls(mut self, calls: u32) -> Self {
        if let Some(rate) = &mut self.rate {
            rate.min_calls = calls;
        }
        self
    }
}

impl FailureRate {
    /// Whether `failures` of the last results, `calls` since the circuit closed, are too many.
    pub(crate) fn is_reached(&self, failures: u32, calls: u64) -> bool {
        let seen = u32::try_from(calls)
            .unwrap_or(u32::MAX)
            .min(self.window.get().into());
        // A quotient rounds to the very number its decimal notation does (7/100 is 0.07); a product
        // does not.
        calls >= self.min_calls.into()
            && f64::from(failures) / f64::from(seen.max(1)) >= self.threshold
    }
}

const DEFAULT_MIN_CALLS: u32 = 20;
const DEFAULT_WINDOW: NonZeroU16 = NonZeroU16::new(100).unwrap();
const DEFAULT_CONSECUTIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Default for Trip {
    fn default() -> Self {
        Self {
            rate: Some(FailureRate {
                threshold: 0.5,
                window: DEFAULT_WINDOW,
                min_calls: DEFAULT_MIN_CALLS,
            }),
            consecutive: Some(DEFAULT_CONSECUTIVE),
        }
    }
}

/// A failure rate outside of `0 < rate <= 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct InvalidRate {
    /// What was asked for.
    pub rate: f64,
}

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate;
        write!(f, "a failure rate is more than 0 and at most 1, not {rate}")
    }
}

impl error::Error for InvalidRate {}
