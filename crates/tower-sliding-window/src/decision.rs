use std::{error, fmt, time::Duration};

use crate::Quota;

/// A request that passed and was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admission {
    /// How many more would pass right now.
    pub remaining: u32,
    /// The quota this is about: of several tiers, the one with least remaining.
    pub quota: Quota,
    stamp: u64,
}

impl Admission {
    /// An admission under `quota`, for a [`Store`](crate::Store) or an
    /// [`Algorithm`](crate::Algorithm) of your own.
    #[must_use]
    pub const fn new(quota: Quota, remaining: u32) -> Self {
        Self {
            remaining,
            quota,
            stamp: 0,
        }
    }

    /// Says when that was, in the store's own time.
    #[must_use]
    pub const fn stamped(mut self, stamp: u64) -> Self {
        self.stamp = stamp;
        self
    }

    /// When it was admitted, in the store's own time: what a refund of it is asked with.
    #[must_use]
    pub const fn stamp(&self) -> u64 {
        self.stamp
    }
}

/// A request that was refused, and not charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// How long until an equal request passes, if no other comes before it: exact, not rounded.
    pub retry_after: Duration,
    /// The quota that refused: of several tiers, the one that is full for longest.
    pub quota: Quota,
}

impl Denied {
    /// A refusal by `quota`, for a [`Store`](crate::Store) of your own.
    #[must_use]
    pub const fn new(quota: Quota, retry_after: Duration) -> Self {
        Self { retry_after, quota }
    }

    /// [`retry_after`](Self::retry_after) as `Retry-After` wants it ([RFC 9110 section 10.2.3]):
    /// whole seconds, rounded up, at least 1.
    ///
    /// [RFC 9110 section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    #[must_use]
    pub fn retry_after_seconds(&self) -> u64 {
        let started = u64::from(self.retry_after.subsec_nanos() > 0);
        self.retry_after.as_secs().saturating_add(started).max(1)
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quota, retry_after } = self;
        write!(f, "rate limit of {quota} reached, next in {retry_after:?}")
    }
}

impl error::Error for Denied {}

/// A request that costs more than a quota admits in any window: it never passes, however long it
/// waits, unless the quota changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostAboveLimit {
    /// What the request costs.
    pub cost: u32,
    /// The first of its quotas that is smaller.
    pub quota: Quota,
}

impl fmt::Display for CostAboveLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cost, quota } = self;
        write!(f, "a cost of {cost} is above the rate limit of {quota}")
    }
}

impl error::Error for CostAboveLimit {}

/// How full a quota is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Requests that count against the limit now.
    pub current: u32,
    /// The limit.
    pub maximum: u32,
    /// How long until a request passes; zero when one passes now.
    pub next_admission: Duration,
}

impl Usage {
    /// `current` in hundredths of `maximum`. Above 100 when the limit was lowered below what had
    /// already been admitted.
    #[must_use]
    pub fn percentage(&self) -> f64 {
        f64::from(self.current) * 100.0 / f64::from(self.maximum)
    }
}
