use std::time::Duration;

use fastrand::Rng;

/// How long to wait between the attempts of a request.
///
/// A schedule gives each retry, counted from 0, a [`ceiling`](Self::ceiling); none is above the
/// cap. The delay is drawn uniformly between zero and the ceiling (full jitter), so that on average
/// half of it is waited and clients that failed together spread over the whole of it. With
/// [`equal_jitter`](Self::equal_jitter) half the ceiling is certain and only the rest is drawn.
///
/// | schedule | ceiling before retry `n` |
/// |---|---|
/// | [`fixed`](Self::fixed) | `delay` |
/// | [`linear`](Self::linear) | `step * (n + 1)` |
/// | [`exponential`](Self::exponential) | `base * factor^n` |
/// | [`decorrelated`](Self::decorrelated) | three times the delay before, at first `3 * base`; never less than `base` is waited |
/// | [`custom`](Self::custom) | what the function says |
///
/// The default is exponential, 50 ms growing to 10 s by a factor of 2: the first retry comes before
/// a person notices, the later ones leave a restarting upstream alone.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    shape: Shape,
    cap: Duration,
    jitter: Jitter,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Fixed,
    Linear { step: Duration },
    Exponential { base: Duration, factor: f64 },
    Decorrelated { base: Duration },
    Custom(fn(u32) -> Duration),
}

#[derive(Debug, Clone, Copy)]
enum Jitter {
    Full,
    Equal,
}

impl Backoff {
    /// Delays of at most `delay`, however many retries there were.
    #[must_use]
    pub const fn fixed(delay: Duration) -> Self {
        Self::new(Shape::Fixed, delay)
    }

    /// Delays of at most `step` before the first retry, then at most one `step` longer each time,
    /// but never above `cap`.
    #[must_use]
    pub const fn linear(step: Duration, cap: Duration) -> Self {
        Self::new(Shape::Linear { step }, cap)
    }

    /// Delays of at most `base` before the first retry, then at most twice as long each time, but
    /// never above `cap`. A `base` above the cap counts as the cap.
    #[must_use]
    pub const fn exponential(base: Duration, cap: Duration) -> Self {
        Self::new(Shape::Exponential { base, factor: 2.0 }, cap)
    }

    /// Delays drawn between `base` and three times the delay before, never above `cap`: they grow
    /// like an exponential schedule, but no two requests grow alike. The jitter is part of the
    /// schedule; [`equal_jitter`](Self::equal_jitter) does not change it.
    #[must_use]
    pub const fn decorrelated(base: Duration, cap: Duration) -> Self {
        Self::new(Shape::Decorrelated { base }, cap)
    }

    /// Delays of at most `ceiling(n)` before retry `n`, counted from 0, and never above `cap`.
    #[must_use]
    pub const fn custom(ceiling: fn(u32) -> Duration, cap: Duration) -> Self {
        Self::new(Shape::Custom(ceiling), cap)
    }

    const fn new(shape: Shape, cap: Duration) -> Self {
        Self {
            shape,
            cap,
            jitter: Jitter::Full,
        }
    }

    /// How much the ceiling of an [`exponential`](Self::exponential) schedule grows with every
    /// retry, 2 by default. Delays never shrink: a factor below 1, or not a number, counts as 1. The
    /// other schedules have no factor.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        if let Shape::Exponential { base, .. } = self.shape {
            let factor = if factor > 1.0 { factor } else { 1.0 };
            self.shape = Shape::Exponential { base, factor };
        }
        self
    }

    /// Draws delays from the upper half of the ceiling instead of the whole of it: none is very
    /// short, but clients that failed together spread over half the time only.
    #[must_use]
    pub const fn equal_jitter(mut self) -> Self {
        self.jitter = Jitter::Equal;
        self
    }

    /// The longest delay before retry `retry`, counted from 0. Saturates at the cap for any number.
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        let ceiling = match self.shape {
            Shape::Fixed => self.cap,
            Shape::Linear { step } => step.saturating_mul(retry.saturating_add(1)),
            Shape::Exponential { base, factor } => grown(base, factor, retry),
            Shape::Decorrelated { base } => grown(base, 3.0, retry.saturating_add(1)),
            Shape::Custom(ceiling) => ceiling(retry),
        };
        ceiling.min(self.cap)
    }

    /// The delays of one request. The same seed gives the same delays: take a new one for every
    /// request, except in a test.
    #[must_use]
    pub fn delays(self, seed: u64) -> Delays {
        Delays {
            backoff: self,
            draws: Draws::new(seed),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(50), Duration::from_secs(10))
    }
}

/// `base * factor^exponent`, saturating.
fn grown(base: Duration, factor: f64, exponent: u32) -> Duration {
    // An infinite power of the factor must not make a delay out of none.
    if base.is_zero() {
        return Duration::ZERO;
    }
    let exponent = i32::try_from(exponent).unwrap_or(i32::MAX);
    let grown = base.as_secs_f64() * factor.powi(exponent);
    Duration::try_from_secs_f64(grown).unwrap_or(Duration::MAX)
}

/// The delays of one request, without end. Made by [`Backoff::delays`].
#[derive(Debug, Clone)]
pub struct Delays {
    backoff: Backoff,
    draws: Draws,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.draws.delay(&self.backoff))
    }
}

/// How far one request got in its schedule.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    rng: Rng,
    retry: u32,
    // The delay drawn last.
    last: Duration,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            retry: 0,
            last: Duration::ZERO,
        }
    }

    pub(crate) fn delay(&mut self, backoff: &Backoff) -> Duration {
        let (floor, ceiling) = match (backoff.shape, backoff.jitter) {
            (Shape::Decorrelated { base }, _) => {
                let base = base.min(backoff.cap);
                let ceiling = self.last.max(base).saturating_mul(3);
                (base, ceiling.min(backoff.cap))
            }
            (_, Jitter::Full) => (Duration::ZERO, backoff.ceiling(self.retry)),
            (_, Jitter::Equal) => {
                let ceiling = backoff.ceiling(self.retry);
                (ceiling / 2, ceiling)
            }
        };
        self.retry = self.retry.saturating_add(1);
        self.last = floor.saturating_add(self.up_to(ceiling.saturating_sub(floor)));
        self.last
    }

    /// `hint` and up to a tenth more: those who were told the same time must not return together.
    pub(crate) fn spread(&mut self, hint: Duration) -> Duration {
        hint.saturating_add(self.up_to(hint / 10))
    }

    fn up_to(&mut self, ceiling: Duration) -> Duration {
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.u64(..=nanos))
    }
}
