use std::time::Duration;

use fastrand::Rng;

/// Exponential backoff with full jitter.
///
/// The delay before retry `n`, counted from 0, is drawn uniformly between zero and
/// [`ceiling(n)`](Self::ceiling): `base * factor^n`, never above the cap. On average half the
/// ceiling is waited, and clients that failed together spread over the whole of it.
///
/// The default is 50 ms growing to 10 s by a factor of 2: the first retry comes before a person
/// notices, the later ones leave a restarting upstream alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    factor: f64,
}

impl Backoff {
    /// Delays of at most `base` before the first retry, then at most twice as long each time, but
    /// never above `cap`. A `base` above the cap counts as the cap.
    #[must_use]
    pub const fn exponential(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            factor: 2.0,
        }
    }

    /// How much the ceiling grows with every retry, 2 by default. Delays never shrink: a factor
    /// below 1, or not a number, counts as 1.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = if factor > 1.0 { factor } else { 1.0 };
        self
    }

    /// The longest delay before retry `retry`, counted from 0. Saturates at the cap for any number.
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        // An infinite power of the factor must not make a delay out of none.
        if self.base.is_zero() {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(retry).unwrap_or(i32::MAX);
        let grown = self.base.as_secs_f64() * self.factor.powi(exponent);
        Duration::try_from_secs_f64(grown).map_or(self.cap, |grown| grown.min(self.cap))
    }

    /// The delays of one request. The same seed gives the same delays: take a new one for every
    /// request, except in a test.
    #[must_use]
    pub fn delays(self, seed: u64) -> Delays {
        Delays {
            backoff: self,
            rng: Rng::with_seed(seed),
            retry: 0,
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(50), Duration::from_secs(10))
    }
}

/// The delays of one request, without end. Made by [`Backoff::delays`].
#[derive(Debug, Clone)]
pub struct Delays {
    backoff: Backoff,
    rng: Rng,
    retry: u32,
}

impl Delays {
    /// `hint` and up to a tenth more: those who were told the same time must not return together.
    pub(crate) fn spread(&mut self, hint: Duration) -> Duration {
        hint.saturating_add(self.up_to(hint / 10))
    }

    fn up_to(&mut self, ceiling: Duration) -> Duration {
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.u64(..=nanos))
    }
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let ceiling = self.backoff.ceiling(self.retry);
        self.retry = self.retry.saturating_add(1);
        Some(self.up_to(ceiling))
    }
}
