use std::{
    error, fmt,
    num::{NonZeroU16, NonZeroU32},
    time::Duration,
};

/// When a closed circuit opens: on a failure rate, on a rate of slow calls, on failures in a row, or
/// on any of them.
///
/// A rule is checked when a result that counts for it is recorded; a quick success never opens a
/// circuit. The default is half of the last 100 calls, at least 20 of them, or 5 failures in a row:
/// the rate sees a service that limps, the row sees one that is gone without waiting for 20
/// callers.
///
/// ```
/// use std::{num::{NonZeroU16, NonZeroU32}, time::Duration};
/// use tower_circuit_breaker::{Trip, Window};
///
/// const LAST_50: Window = Window::Calls(NonZeroU16::new(50).unwrap());
/// const HALF_A_MINUTE: Window = Window::Time(Duration::from_secs(30));
/// const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
///
/// let trip = Trip::failure_rate(0.3, HALF_A_MINUTE)?
///     .or_slow_rate(Duration::from_secs(2), 0.8, LAST_50)?
///     .min_calls(10)
///     .or_consecutive(TEN);
/// # let _ = trip;
/// # Ok::<_, tower_circuit_breaker::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trip {
    pub(crate) failures: Option<Rate>,
    pub(crate) slow: Option<SlowRate>,
    pub(crate) consecutive: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) threshold: f64,
    pub(crate) window: Window,
    pub(crate) min_calls: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowRate {
    pub(crate) after: Duration,
    pub(crate) rate: Rate,
}

/// Which results a rate is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// The last so many calls, sliding by one with every call. Costs a quarter of a byte per call.
    /// While all goes well, recording only reads shared memory.
    Calls(NonZeroU16),
    /// The calls that ended in the last so long, sliding in ten steps. Costs ten words whatever the
    /// number of calls, and a clock reading and a write to shared memory with each of them.
    ///
    /// Rounded up to ten times whole milliseconds, at least one, at most 24 days. Of more than
    /// 1,048,575 calls in a tenth of it the rest is not counted.
    Time(Duration),
}

impl Trip {
    /// Opens when at least `rate` of the results in `window` are failures: with a full window of
    /// `w` calls, on exactly the failure that makes it `rate * w` rounded up.
    ///
    /// Starts with 20 [minimum calls](Self::min_calls), or the length of the window if that is
    /// fewer calls.
    ///
    /// # Errors
    ///
    /// `rate` must be more than 0 and at most 1.
    pub fn failure_rate(rate: f64, window: Window) -> Result<Self, InvalidRate> {
        Ok(Self {
            failures: Some(Rate::new(rate, window)?),
            ..Self::NEVER
        })
    }

    /// Opens when at least `rate` of the results in `window` took `after` or longer, be they
    /// successes or failures. A probe that takes so long fails.
    ///
    /// Time runs from the call to its result, without what the caller waited for readiness; two
    /// clock readings a call pay for it. Starts with minimum calls as
    /// [`failure_rate`](Self::failure_rate) does.
    ///
    /// # Errors
    ///
    /// `rate` must be more than 0 and at most 1.
    pub fn slow_rate(after: Duration, rate: f64, window: Window) -> Result<Self, InvalidRate> {
        Self::NEVER.or_slow_rate(after, rate, window)
    }

    /// Opens on so many failures in a row.
    #[must_use]
    pub const fn consecutive(failures: NonZeroU32) -> Self {
        Self::NEVER.or_consecutive(failures)
    }

    /// Opens on a [rate of slow calls](Self::slow_rate) too.
    ///
    /// # Errors
    ///
    /// `rate` must be more than 0 and at most 1.
    pub fn or_slow_rate(
        self,
        after: Duration,
        rate: f64,
        window: Window,
    ) -> Result<Self, InvalidRate> {
        let rate = Rate::new(rate, window)?;
        Ok(Self {
            slow: Some(SlowRate { after, rate }),
            ..self
        })
    }

    /// Opens on so many failures in a row too.
    #[must_use]
    pub const fn or_consecutive(self, failures: NonZeroU32) -> Self {
        Self {
            consecutive: Some(failures),
            ..self
        }
    }

    /// How many calls a rate needs to mean anything: recorded since the circuit closed for a window
    /// of calls, in the window for one of time. May be more or less than a window of calls; 0 acts
    /// as 1. Holds for the rates set before it, and has no effect on consecutive failures.
    #[must_use]
    pub const fn min_calls(mut self, calls: u32) -> Self {
        if let Some(rate) = &mut self.failures {
            rate.min_calls = calls;
        }
        if let Some(slow) = &mut self.slow {
            slow.rate.min_calls = calls;
        }
        self
    }

    const NEVER: Self = Self {
        failures: None,
        slow: None,
        consecutive: None,
    };
}

impl Rate {
    fn new(threshold: f64, window: Window) -> Result<Self, InvalidRate> {
        if threshold > 0.0 && threshold <= 1.0 {
            Ok(Self {
                threshold,
                window,
                min_calls: match window {
                    Window::Calls(calls) => DEFAULT_MIN_CALLS.min(calls.get().into()),
                    Window::Time(_) => DEFAULT_MIN_CALLS,
                },
            })
        } else {
            Err(InvalidRate { rate: threshold })
        }
    }
}

const DEFAULT_MIN_CALLS: u32 = 20;
const DEFAULT_WINDOW: NonZeroU16 = NonZeroU16::new(100).unwrap();
const DEFAULT_CONSECUTIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Default for Trip {
    fn default() -> Self {
        Self {
            failures: Some(Rate {
                threshold: 0.5,
                window: Window::Calls(DEFAULT_WINDOW),
                min_calls: DEFAULT_MIN_CALLS,
            }),
            slow: None,
            consecutive: Some(DEFAULT_CONSECUTIVE),
        }
    }
}

/// A rate outside of `0 < rate <= 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct InvalidRate {
    /// What was asked for.
    pub rate: f64,
}

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.rate;
        write!(f, "a rate is more than 0 and at most 1, not {rate}")
    }
}

impl error::Error for InvalidRate {}
