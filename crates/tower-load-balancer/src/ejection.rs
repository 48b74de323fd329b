use std::{num::NonZeroU32, time::Duration};

/// When an endpoint that fails gets no more requests, and for how long.
///
/// - After 5 failures in a row: one is bad luck, and a dead backend has five soon.
/// - For 30 s the first time, and 30 s longer each time in a row, up to 5 minutes; up to a tenth is
///   added at random, so that endpoints don't come back all at once. An endpoint that then works for
///   as long as it was away starts from the beginning.
/// - Never more than half of the endpoints of a priority: when more than that fail, the fault is
///   probably not theirs. One may always be ejected.
///
/// When it is back, one failure is enough to eject it again, until it has answered well.
#[derive(Debug, Clone)]
#[must_use]
pub struct Ejection {
    consecutive: NonZeroU32,
    base: Duration,
    longest: Duration,
    percent: u8,
}

impl Ejection {
    /// The rule above.
    pub const fn new() -> Self {
        Self {
            consecutive: NonZeroU32::MIN.saturating_add(4),
            base: Duration::from_secs(30),
            longest: Duration::from_secs(300),
            percent: 50,
        }
    }

    /// How many failures in a row it takes.
    pub const fn after(mut self, consecutive: NonZeroU32) -> Self {
        self.consecutive = consecutive;
        self
    }

    /// How long the first ejection is, and the longest; also what an endpoint may ask for at most
    /// with [`Verdict::Unavailable`](crate::Verdict::Unavailable).
    pub const fn lasting(mut self, base: Duration, longest: Duration) -> Self {
        self.base = base;
        self.longest = longest;
        self
    }

    /// How many of the endpoints of a priority may be ejected at once, in percent.
    pub const fn at_most(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    pub(crate) fn consecutive(&self) -> u32 {
        self.consecutive.get()
    }

    /// Whether one more may go when `ejected` of `members` are away.
    pub(crate) fn allows(&self, ejected: usize, members: usize) -> bool {
        let most = members.saturating_mul(usize::from(self.percent)) / 100;
        ejected < most.max(1)
    }

    /// How long the `times`-th ejection in a row is, with what the endpoint asked for.
    pub(crate) fn length(&self, times: u32, hint: Option<Duration>) -> Duration {
        hint.unwrap_or_else(|| self.base.saturating_mul(times))
            .min(self.longest)
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self::new()
    }
}
