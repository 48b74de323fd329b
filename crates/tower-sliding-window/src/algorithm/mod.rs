//! How admissions are counted: pure rules, which take the time as an argument.

mod approx_window;
mod gcra;
mod log;
mod sliding_log;
mod sliding_window;

#[cfg(feature = "redis")]
pub(crate) use self::sliding_window::quantum;
pub use self::{
    approx_window::ApproxWindow, gcra::Gcra, sliding_log::SlidingLog, sliding_window::SlidingWindow,
};

use crate::{Admission, Denied, Quota, Usage};

/// How the admissions of one key under one quota are counted.
///
/// | rule | most in any window of a limit of `L` | memory | for |
/// |---|---|---|---|
/// | [`SlidingWindow`] | `L` | up to 66 entries of 16 bytes | everything; the default |
/// | [`SlidingLog`] | `L`, and every admission there is room for | up to `L` entries of 16 bytes | contracts in which each call counts |
/// | [`ApproxWindow`] | below `2 L` | 8 bytes | very many keys |
/// | [`Gcra`] | below `2 L` | 8 bytes | an even flow: `L` at once, then one each `window / L` |
///
/// Time is in nanoseconds since any fixed origin. The quota is told at each call, so it may
/// change; see [`change_quota`](Self::change_quota). Choose one with
/// [`MemoryStore::algorithm`](crate::MemoryStore::algorithm).
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::{Algorithm, Gcra, Quota, SlidingLog};
///
/// fn admitted<A: Algorithm>(times: &[u64], quota: Quota) -> usize {
///     let mut rule = A::default();
///     times.iter().filter(|&&now| rule.admit(now, 1, quota).is_ok()).count()
/// }
///
/// let quota = Quota::new(2, Duration::from_nanos(10))?;
/// assert_eq!(admitted::<SlidingLog>(&[0, 0, 5, 9], quota), 2);
/// // Half of the window has gone by, and so one of two is free again.
/// assert_eq!(admitted::<Gcra>(&[0, 0, 5, 9], quota), 3);
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
pub trait Algorithm: Default {
    /// Decides a request of this cost, charging nothing; what it answers holds after the charge.
    ///
    /// A request that costs nothing passes when one that costs 1 would.
    ///
    /// # Errors
    ///
    /// When there is no room. A cost above the limit is denied with `Duration::MAX`.
    fn check(&self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied>;

    /// Charges `cost`, whether there is room or not.
    fn charge(&mut self, now: u64, cost: u32, quota: Quota);

    /// Takes back up to `cost`: of what was charged at `at` (an [`Admission::stamp`]), or of the
    /// oldest that still counts. Never more than that request itself still takes up.
    fn refund(&mut self, now: u64, at: Option<u64>, cost: u32, quota: Quota);

    /// How full the quota is.
    fn usage(&self, now: u64, quota: Quota) -> Usage;

    /// Whether nothing counts any more, so that forgetting this state changes no decision.
    fn is_spent(&self, now: u64, quota: Quota) -> bool;

    /// Told before the first call with another quota, for rules whose state depends on it.
    fn change_quota(&mut self, now: u64, from: Quota, to: Quota) {
        let _ = (now, from, to);
    }

    /// Decides a request and, if it passes, charges it.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check); nothing is charged then.
    fn admit(&mut self, now: u64, cost: u32, quota: Quota) -> Result<Admission, Denied> {
        let admission = self.check(now, cost, quota)?;
        self.charge(now, cost, quota);
        Ok(admission)
    }
}
